"""`runflow diff`: what a change of the lock means, for the person who reviews it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..lock.diff.code import Distances
    from ..tasks.diff import Moves

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
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="for a terminal, a comment on a pull request, or a program (default: text)",
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 1 when there are changes, and with 0 when there are none, as git diff does",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="do not ask the repositories how many commits lie between two",
    )
    # What `runflow git-setup` tells git to run; not for people.
    parser.add_argument("--for-git", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.add_argument("--text-for-git", metavar="FILE", help=argparse.SUPPRESS)
    parser.epilog = (
        "examples:\n"
        "  runflow diff\n"
        "  runflow diff origin/main --format markdown\n"
        "  runflow diff release-3 --exit-code --offline\n\n"
        "The worst change gives the word for all: breaking (a call that worked may fail), risky\n"
        "(code, weights, cost or trust are not what they were) or safe."
    )


def run(args: argparse.Namespace) -> int:
    if args.for_git is not None or args.text_for_git is not None:
        from ..tasks.git_driver import diff_text, plain_text

        told = plain_text(args.text_for_git) if args.for_git is None else diff_text(args.for_git)
        _write(told)
        return 0
    from ..lock.diff import render_diff
    from ..tasks.diff import lock_diff, place_in_repository

    args.json = args.format == "json"  # a failure is told in the same form
    found = lock_diff(args.directory, args.base, None if args.offline else _count)
    project = "" if args.format == "text" else place_in_repository(args.directory)
    print(render_diff(found, args.format, project, args.base))
    return 1 if args.exit_code and found else 0


def _count(moves: Moves) -> Distances:
    import os

    from ..sources.git.hosts import GitCache
    from ..sources.user_cache import cache_folder
    from ..tasks.diff import counted

    return counted(GitCache(cache_folder(os.environ) / "git"), moves)


def _write(text: str) -> None:
    """For git, which takes bytes on every system: UTF-8, LF."""
    import sys

    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()
