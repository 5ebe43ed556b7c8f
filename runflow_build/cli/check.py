"""`runflow check`: what is wrong with a project before anything is published."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..findings import Finding

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
    from ..findings import has_errors, render
    from ..tasks.validate import validate

    args.json = args.format == "json"  # a failure is told in the same form
    findings = validate(args.directory, args.slugs)
    if args.json:
        print(json.dumps(_shape(findings)))
    else:
        print("\n".join(filter(None, (render(findings), summary(findings)))))
    return 1 if has_errors(findings) else 0


def summary(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`, or `no findings`."""
    counts = _counts(findings)
    rows = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    return ", ".join(rows) or "no findings"


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    severities = [finding.severity for finding in findings]
    return {name: severities.count(name) for name in ("error", "warning", "note")}


def _shape(findings: Sequence[Finding]) -> dict[str, object]:
    return {"findings": [finding.to_json() for finding in findings], "counts": _counts(findings)}
