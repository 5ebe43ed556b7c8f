"""`runflow restore`: a ComfyUI with everything that the lock holds, in a folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..restore.plan import Step
    from ..tasks.restore_planning import Outcome

NAME = "restore"
HELP = "make a ComfyUI with all node packs, packages and models of runflow.lock in a folder"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--into",
        required=True,
        type=Path,
        metavar="DIR",
        help="the folder; what it has already is kept, what is the user's is never replaced",
    )
    parser.add_argument(
        "--target", metavar="TARGET", help="linux-cu128, …; default: what fits this machine"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="SLUG", help="only what these endpoints use"
    )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="OWNER/NAME",
        help="code of this repository may be installed; may be repeated",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="do nothing; show what would be done"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask whether to begin")
    parser.add_argument("--offline", action="store_true", help="use nothing but this machine")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "Code of repositories that the policy does not trust is asked about, once for each;\n"
        "without a terminal it is refused.\n\n"
        "examples:\n"
        "  runflow restore --into ~/envs/poster --dry-run\n"
        "  runflow restore --into ~/envs/poster --trust kijai/ComfyUI-KJNodes"
    )


def run(args: argparse.Namespace) -> int:
    from ..findings import has_errors
    from ..tasks.restore import restore
    from ..tasks.restore_planning import Manners
    from .restore_progress import progress_on

    # Questions and progress are on standard error, so that standard output can go into a file.
    is_talk = sys.stdin.isatty() and sys.stderr.isatty() and not args.json
    with progress_on(sys.stderr, quiet=args.json) as progress:
        manners = Manners(
            progress=progress,
            show=(lambda outcome: None) if args.json else _show,
            ask=_ask if is_talk else None,
            wants_yes=is_talk and not args.yes,
        )
        outcome = restore(
            args.directory,
            args.into,
            manners,
            target=args.target,
            only=args.only,
            trust=args.trust,
            offline=args.offline,
            dry_run=args.dry_run,
        )
    if args.json:
        print(json.dumps(outcome.to_json()))
    else:
        _tell(outcome)
    return 1 if has_errors(outcome.findings) else 0


def _tell(outcome: Outcome) -> None:
    """What was done, or would be; findings are on standard error."""
    from ..findings import render

    if outcome.findings:
        print(render(outcome.findings), file=sys.stderr)
    if not outcome.is_done:
        print(text_of(outcome))
    elif outcome.plan.steps:
        print(f"{outcome.folder} is what the lock says ({outcome.target})")
        print(f"next: `runflow verify {outcome.folder}`")
    else:
        print(f"{outcome.folder} is what the lock says already ({outcome.target})")


def _show(outcome: Outcome) -> None:
    print(text_of(outcome), file=sys.stderr)


def text_of(outcome: Outcome) -> str:
    """The plan as a table for a person, with what it costs."""
    from ..findings import printable
    from ..lock.file_facts import size_text

    steps, rate = outcome.plan.steps, outcome.rate
    if not steps:
        return f"nothing to do in {outcome.folder} ({outcome.target})"
    width = min(48, max(len(step.name) for step in steps))
    lines = [f"{outcome.folder} ({outcome.target})"]
    lines += [printable(f"  {_row(step, width)}") for step in steps]
    unsized = outcome.plan.unsized
    more = f" and what {unsized} of unknown size have" if unsized else ""
    per_s = f"{'measured' if rate.is_measured else 'assumed'} {size_text(round(rate.per_s))}/s"
    lines.append(
        f"{len(steps)} step{'s' if len(steps) > 1 else ''}, {size_text(outcome.plan.fetch)} to "
        f"fetch{more}: about {outcome.seconds:.0f} s at the {per_s}"
    )
    return "\n".join(lines)


def _row(step: Step, width: int) -> str:
    from ..lock.file_facts import size_text

    size = "?" if step.size is None else size_text(step.size) if step.size else ""
    trust = {True: "trusted", False: "not trusted", None: ""}[step.trusted]
    commit = f"{step.commit[:12]} " if step.commit else ""
    row = f"{step.kind:<11} {step.name:<{width}} {size:>8}  {commit}{step.reason}"
    return f"{row}, {trust}" if trust else row


def _ask(text: str) -> str:
    print(text, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
