"""`runflow git-setup`: `git diff runflow.lock` says what a change means."""

from __future__ import annotations

import argparse

NAME = "git-setup"
HELP = "let git diff, git log -p and git show tell a change of runflow.lock in words"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--global",
        dest="everywhere",
        action="store_true",
        help="for all repositories of this user, instead of the one that this folder is in",
    )
    parser.add_argument("--undo", action="store_true", help="take it back")
    parser.epilog = (
        "example:\n"
        "  runflow git-setup\n"
        "  git diff runflow.lock\n\n"
        "The patch itself: git diff --no-ext-diff --no-textconv, or git format-patch."
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.git_setup import git_setup, undo_git_setup

    done = (undo_git_setup if args.undo else git_setup)(args.directory, args.everywhere)
    print("\n".join(done) or "nothing to do")
    return 0
