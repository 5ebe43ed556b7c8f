"""`runflow lock`: resolve runflow.yaml and the workflows into runflow.lock."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..findings import Finding

if TYPE_CHECKING:
    from ..tasks.lock import Relocked

NAME = "lock"
UP_TO_DATE = "runflow.lock is up to date"
HELP = "resolve runflow.yaml and the workflows into runflow.lock and its companions"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="DIR|URL",
        help="capture ComfyUI, node packs, packages and models from this installation, or take the "
        "definitions of node classes from a ComfyUI that runs at this address",
    )
    parser.add_argument(
        "--upgrade",
        nargs="*",
        metavar="NAME",
        help="resolve these anew although their wish is the same; without a name: all",
    )
    parser.add_argument(
        "--frozen",
        action="store_true",
        help="write nothing; name each disagreement and exit with 3 if there is one",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="ask nothing outside of this machine; what was answered before still counts",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="read files whole, once, where their host does not say their hash",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "examples:\n"
        "  runflow lock\n"
        "  runflow lock --from ~/ComfyUI\n"
        "  runflow lock --from http://127.0.0.1:8188\n"
        "  runflow lock --upgrade comfyui loras/house-style.safetensors\n"
        "  runflow lock --frozen\n\n"
        "Exits with 1 when a wish could not be pinned, unless `unresolved` under policy: says "
        "otherwise;\nwhat could be pinned is written all the same, and the next call asks for "
        "the rest."
    )


def run(args: argparse.Namespace) -> int:
    is_url = "://" in (args.source or "")
    if args.offline and is_url:
        raise UsageError(
            Finding(
                "options-conflict",
                "--offline uses nothing but this machine's files, and --from names an address",
                fix="leave out one of them",
            )
        )
    if args.offline and args.fetch:
        raise UsageError(
            Finding(
                "options-conflict",
                "--offline asks no host, so there is nothing to --fetch",
                fix="leave out one of them",
            )
        )
    if args.frozen and (args.source or args.upgrade is not None):
        raise UsageError(
            Finding(
                "options-conflict",
                "--frozen writes nothing, so there is nothing to capture or to upgrade",
                fix="leave out --frozen, or --from and --upgrade",
            )
        )
    if args.frozen:
        from ..tasks.fresh import require_fresh

        require_fresh(args.directory)
        print(json.dumps({"fresh": True}) if args.json else UP_TO_DATE)
        return 0
    from ..project.settled import is_settled

    source = str(Path(args.source).resolve()) if args.source else ""
    if not is_url and args.upgrade is None and is_settled(args.directory, source):
        nothing: dict[str, object] = {"written": [], "changes": [], "findings": []}
        print(json.dumps(nothing) if args.json else UP_TO_DATE)
        return 0
    since = time.time_ns()
    from ..sources.online import opened
    from ..tasks.lock import relock
    from .progress import resolving

    # `--upgrade` without a name is an empty list and means all; no `--upgrade` is None.
    upgrade = () if args.upgrade is None else args.upgrade or None
    with opened(os.environ, args.offline) as (world, digests), resolving(world) as world:
        done = relock(
            args.directory,
            install=Path(args.source) if args.source and not is_url else None,
            running=args.source if is_url else None,
            upgrade=upgrade,
            world=world,
            digests=digests,
            read_files=args.fetch,
        )
    if not is_url:
        done.settle(args.directory, source, since)
    print(json.dumps(_shape(done)) if args.json else done.summary())
    return 0 if done.is_whole else 1


def _shape(done: Relocked) -> dict[str, object]:
    return {
        "written": [path.name for path in done.written],
        "changes": [change.to_json() for change in done.changes.changes],
        "findings": [finding.to_json() for finding in done.findings],
    }
