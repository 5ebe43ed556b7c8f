"""Write a catalogue of node definitions from the answer of a ComfyUI's /object_info.

    curl -s http://127.0.0.1:8188/object_info > object_info.json
    python tools/make_catalogue.py object_info.json 0.8.0

Ask a ComfyUI without custom nodes and without models, so that no choice names somebody's files.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from runflow_build.workflow.definitions import Definitions, definitions_text

FOLDER = Path(__file__).resolve().parent.parent / "runflow_build" / "catalogue"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("object_info", type=Path, help="the saved answer of /object_info")
    parser.add_argument("version", help="version of that ComfyUI: 0.8.0")
    arguments = parser.parse_args()
    raw = json.loads(arguments.object_info.read_bytes())
    target = FOLDER / f"nodes-{arguments.version}.json"
    target.write_text(definitions_text(Definitions(raw, {}), raw), "utf-8", newline="\n")
    print(f"{target}: {len(raw)} classes")


if __name__ == "__main__":
    main()
