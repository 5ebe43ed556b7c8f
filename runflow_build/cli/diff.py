"""`runflow diff`: what a change of the lock means, for the person who reviews it."""

from __future__ import annotations

import argparse

NAME = "diff"
HELP = "explain what changed in runflow.lock: the API first, breaking changes marked"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base",
        nargs="?",
        default="HEAD",
        metavar="BASE",
        help="a git revision or a file to compare with (default: HEAD)",
    )
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="default: text"
    )
    parser.epilog = "example:\n  runflow diff origin/main --format markdown"


def run(args: argparse.Namespace) -> int:
    from ..lock.diff import render_diff
    from ..tasks.diff import lock_diff

    args.json = args.format == "json"  # a failure is told in the same form
    print(render_diff(lock_diff(args.directory, args.base), args.format))
    return 0
