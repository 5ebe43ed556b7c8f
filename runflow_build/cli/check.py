"""`runflow check`: what is wrong with a project before anything is published."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ..errors import RunflowError
from ..findings import Finding, counts, counts_text, has_errors, render

NAME = "check"
HELP = "validate the endpoints: graph, contract, lock, policy, secrets"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "slugs", nargs="*", metavar="SLUG", help="endpoints to look at (default: all)"
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "github", "sarif"),
        default="text",
        help="for a person, a program, annotations of a GitHub job, or code scanning "
        "(default: text)",
    )
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="same as --format json"
    )
    parser.epilog = (
        "Exits with 0 when there are no errors (warnings and notes may be), else with 1.\n\n"
        "examples:\n"
        "  runflow check\n"
        "  runflow check poster --json\n"
        "  runflow check --format github\n"
        "  runflow check --format sarif > runflow.sarif"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.validate import validate

    args.json = args.format == "json"  # a failure is told in the same form
    try:
        findings: Sequence[Finding] = validate(args.directory, args.slugs)
        code = 1 if has_errors(findings) else 0
    except RunflowError as error:
        if args.format not in ("github", "sarif"):
            raise
        findings, code = error.findings, error.exit_code
    print(_told(findings, args))
    return code


def _told(findings: Sequence[Finding], args: argparse.Namespace) -> str:
    if args.json:
        return json.dumps(_shape(findings))
    if args.format == "text":
        return "\n".join(filter(None, (render(findings), counts_text(findings) or "no findings")))
    from ..tasks.diff import place_in_repository

    folder = place_in_repository(args.directory)
    if args.format == "sarif":
        from .. import __version__
        from ..review.sarif import sarif

        return sarif(findings, __version__, folder)
    from ..review.github import commands

    return "\n".join(filter(None, (commands(findings, folder), counts_text(findings))))


def _shape(findings: Sequence[Finding]) -> dict[str, object]:
    return {"findings": [finding.to_json() for finding in findings], "counts": counts(findings)}
