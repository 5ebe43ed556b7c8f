"""`runflow delete`: delete one endpoint at the API."""

from __future__ import annotations

import argparse
import json
import sys

from ..errors import UsageError
from ..findings import Finding

NAME = "delete"
HELP = "delete an endpoint at the API"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slug", metavar="SLUG", help="the endpoint, in runflow.yaml or not")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--adopt", action="store_true", help="also when another project's")
    parser.add_argument(
        "--dry-run", action="store_true", help="delete nothing; say whether it could be deleted"
    )
    parser.add_argument("--url", metavar="URL", help="the API (default: $RUNFLOW_API_URL)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = "example:\n  runflow delete old-poster"


def run(args: argparse.Namespace) -> int:
    from ..tasks.publish import unpublish

    if not args.dry_run and not args.yes:
        _confirm(args.slug)
    done = unpublish(
        args.directory, args.slug, url=args.url, adopt=args.adopt, dry_run=args.dry_run
    )
    print(json.dumps(done.to_json()) if args.json else f"{done.slug}: {done.summary()}")
    return done.exit_code


def _confirm(slug: str) -> None:
    """Raise UsageError unless a person says yes: callers of the endpoint get 404 from then on."""
    if sys.stdin.isatty():
        print(f"delete the endpoint {slug}? Calls to it will fail. [y/N] ", end="", file=sys.stderr)
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    finding = Finding(
        "delete-not-confirmed",
        f"{slug} was not deleted, because nobody said yes",
        fix="answer y, or add --yes",
    )
    raise UsageError(finding)
