"""`runflow verify`: is a folder what runflow.lock says?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

NAME = "verify"
HELP = "compare a restored folder with runflow.lock, and name each difference"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the restored folder")
    parser.add_argument(
        "--target", metavar="TARGET", help="linux-cu128, …; default: what was restored"
    )
    parser.add_argument(
        "--deep", action="store_true", help="read every model and installed file again"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="start its ComfyUI on the CPU, import every node pack, look for every node class",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = "example:\n  runflow verify ~/envs/poster --smoke"


def run(args: argparse.Namespace) -> int:
    from ..findings import counts_text, has_errors, render
    from ..tasks.verify import verify

    findings = verify(
        args.directory, args.folder, target=args.target, deep=args.deep, smoke=args.smoke
    )
    is_same = not has_errors(findings)
    if args.json:
        shape = {"same": is_same, "findings": [finding.to_json() for finding in findings]}
        print(json.dumps(shape))
        return 0 if is_same else 1
    if findings:
        print(render(findings), file=sys.stderr)
    works = ", and ComfyUI works" if args.smoke else ""
    if is_same:
        print(f"{args.folder} is what the lock says{works}")
    else:
        print(f"{args.folder} is not what the lock says: {counts_text(findings)}")
    return 0 if is_same else 1
