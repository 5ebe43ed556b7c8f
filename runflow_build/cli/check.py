"""`runflow check`: what is wrong with a project before anything is published."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ..findings import Finding, counts, counts_text, has_errors, render

NAME = "check"
HELP = "validate the endpoints: graph, contract, lock, policy, secrets"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "slugs", nargs="*", metavar="SLUG", help="endpoints to look at (default: all)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="same as --format json"
    )
    parser.epilog = (
        "Exits with 0 when there are no errors (warnings and notes may be), else with 1.\n\n"
        "examples:\n"
        "  runflow check\n"
        "  runflow check poster --json"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.validate import validate

    args.json = args.format == "json"  # a failure is told in the same form
    findings = validate(args.directory, args.slugs)
    if args.json:
        print(json.dumps(_shape(findings)))
    else:
        print("\n".join(filter(None, (render(findings), counts_text(findings) or "no findings"))))
    return 1 if has_errors(findings) else 0


def _shape(findings: Sequence[Finding]) -> dict[str, object]:
    return {"findings": [finding.to_json() for finding in findings], "counts": counts(findings)}
