"""`runflow record`: take the definitions of the node classes in use from a ComfyUI."""

from __future__ import annotations

import argparse
import json

NAME = "record"
HELP = "take the definitions of the node classes in use from a ComfyUI"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="URL|DIR|FILE",
        help="a running ComfyUI; an installation, which is started for it; or a saved answer of "
        "/object_info (default: $RUNFLOW_COMFYUI_URL, else http://127.0.0.1:8188)",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "examples:\n"
        "  runflow record\n"
        "  runflow record --from http://gpu-box:8188\n"
        "  runflow record --from ~/ComfyUI\n"
        "  runflow record --from object_info.json"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.record import record

    done = record(args.directory, args.source)
    if args.json:
        shape = {
            "comfyui": done.comfyui,
            "classes": list(done.classes),
            "written": [path.name for path in done.written],
            "findings": [finding.to_json() for finding in done.findings],
        }
        print(json.dumps(shape))
        return 0
    print(done.summary())
    return 0
