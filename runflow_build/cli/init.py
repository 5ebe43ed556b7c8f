"""`runflow init`: write runflow.yaml and its companions from workflows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tasks.init import Started

NAME = "init"
HELP = "write runflow.yaml and its companions from workflows, and list what they offer"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "workflows",
        nargs="+",
        type=Path,
        metavar="WORKFLOW",
        help="a workflow below the project's folder, in ComfyUI's editor or API format",
    )
    parser.add_argument(
        "--project", metavar="NAME", help="who owns the endpoints (default: the folder's name)"
    )
    parser.add_argument(
        "--comfyui",
        metavar="REF",
        help="tag, branch or full commit (default: the newest release that is known here)",
    )
    parser.add_argument("--force", action="store_true", help="replace a runflow.yaml")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "examples:\n"
        "  runflow init workflows/poster.json\n"
        "  runflow init workflows/*.json --project acme-photo-tools --comfyui v0.8.0"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.init import start

    done = start(
        args.directory,
        args.workflows,
        project=args.project,
        comfyui=args.comfyui,
        force=args.force,
    )
    print(json.dumps(_shape(done)) if args.json else done.summary())
    return 0


def _shape(done: Started) -> dict[str, object]:
    return {
        "written": list(done.written),
        "endpoints": {
            one.slug: {
                "workflow": one.workflow,
                "inputs": list(one.contract.inputs),
                "outputs": list(one.contract.outputs) or [exposed.name for exposed in one.outputs],
            }
            for one in done.endpoints
        },
        "findings": [finding.to_json() for finding in done.findings],
    }
