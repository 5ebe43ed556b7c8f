"""`runflow build`: validate, rewrite, and write the bundles that `publish` sends."""

from __future__ import annotations

import argparse
import json
import sys

NAME = "build"
HELP = "validate the endpoints and write their bundles to .runflow/build"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="endpoints (default: all)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = "examples:\n  runflow build\n  runflow build poster --json"


def run(args: argparse.Namespace) -> int:
    from ..errors import CheckError
    from ..findings import has_errors, render
    from ..tasks.rewrite import build
    from ..tasks.validate import validate

    findings = validate(args.directory, args.slugs)
    if has_errors(findings):
        raise CheckError(*findings)
    paths = [
        path.relative_to(args.directory).as_posix() for path in build(args.directory, args.slugs)
    ]
    if args.json:
        print(json.dumps({"bundles": paths, "findings": [one.to_json() for one in findings]}))
        return 0
    if findings:
        print(render(findings), file=sys.stderr)
    print("\n".join(paths))
    return 0
