"""`runflow publish`: create or update endpoints at the API."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..publish.push import Published

NAME = "publish"
HELP = "create or update the endpoints at the API; what is there already is left alone"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="only these (default: all)")
    parser.add_argument(
        "--dry-run", action="store_true", help="send nothing; show exactly what would change"
    )
    parser.add_argument(
        "--adopt", action="store_true", help="take over endpoints that others published"
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="delete endpoints of this project that runflow.yaml no longer has",
    )
    parser.add_argument("--url", metavar="URL", help="the API (default: $RUNFLOW_API_URL)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "The key comes from $RUNFLOW_API_KEY or ~/.config/runflow/config.yaml, never from here.\n\n"
        "examples:\n"
        "  runflow publish --dry-run\n"
        "  runflow publish poster --url http://127.0.0.1:8787"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.publish import publish

    done = publish(
        args.directory,
        args.slugs,
        url=args.url,
        adopt=args.adopt,
        dry_run=args.dry_run,
        prune_others=args.prune,
        report=_nothing if args.json else _tell,
    )
    if args.json:
        print(json.dumps({"endpoints": [one.to_json() for one in done]}))
    return max((one.exit_code for one in done), default=0)


def _tell(published: Published) -> None:
    print(f"{published.slug}: {published.summary()}", flush=True)


def _nothing(published: Published) -> None:
    """JSON comes in one piece, at the end."""
