"""`runflow models adopt`: where local model files can be had by others, into runflow.yaml."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tasks.adopt import Adopted

NAME = "models"
HELP = "find the public source of local model files, and write it to runflow.yaml"


def add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        "  runflow models adopt ~/ComfyUI --dry-run\n"
        "  runflow models adopt /mnt/models --all"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    adopt = actions.add_parser(
        "adopt",
        help="find sources by hash, and write those that nothing names yet to runflow.yaml",
        description="Hash the model files that the project uses, and find for each a public place "
        "of the same content: at Civitai by its hash; where ComfyUI-Manager lists the name, and in "
        "Hugging Face repositories called like the file, by the hash that the hub says.",
    )
    adopt.add_argument(
        "source",
        type=Path,
        metavar="DIR",
        help="a models folder, or a ComfyUI installation that has one",
    )
    adopt.add_argument(
        "--all", action="store_true", help="all model files there, whether used or not"
    )
    adopt.add_argument(
        "--dry-run", action="store_true", help="write nothing; show what would be written"
    )
    adopt.add_argument(
        "--offline",
        action="store_true",
        help="ask nothing outside of this machine; what was answered before still counts",
    )
    adopt.add_argument(  # as every command takes it, before its words or behind them
        "-C",
        "--directory",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="the folder of runflow.yaml (default: this one)",
    )
    adopt.add_argument("--json", action="store_true", help="print the outcome as JSON")


def run(args: argparse.Namespace) -> int:
    from ..sources.online import opened
    from ..tasks.adopt import adopt
    from .progress import resolving

    with opened(os.environ, args.offline) as (world, digests), resolving(world) as world:
        done = adopt(
            args.directory,
            args.source,
            world=world,
            digests=digests,
            everything=args.all,
            dry_run=args.dry_run,
        )
    print(json.dumps(_shape(done)) if args.json else done.summary())
    return 0 if done.is_whole else 1


def _shape(done: Adopted) -> dict[str, object]:
    return {
        "written": done.is_written,
        "models": [
            {
                "path": one.path,
                "state": one.state,
                "sha256": one.content.sha256,
                "size": one.content.size,
                "url": one.url,
            }
            for one in done.found
        ],
        "absent": list(done.absent),
        "findings": [finding.to_json() for finding in done.findings],
    }
