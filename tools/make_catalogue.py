"""Write a catalogue of node definitions from the answer of a ComfyUI's /object_info.

    curl -s http://127.0.0.1:8188/object_info > object_info.json
    python tools/make_catalogue.py object_info.json 0.8.0

Ask a ComfyUI without custom nodes and without models, so that no choice names somebody's files. A
compressed answer (`.json.gz`) is taken as well.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.definitions_text import definitions_text

FOLDER = Path(__file__).resolve().parent.parent / "runflow_build" / "catalogue"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("object_info", type=Path, help="the saved answer of /object_info")
    parser.add_argument("version", help="version of that ComfyUI: 0.8.0")
    arguments = parser.parse_args()
    data = arguments.object_info.read_bytes()
    raw = json.loads(gzip.decompress(data) if arguments.object_info.suffix == ".gz" else data)
    fields = json.loads((FOLDER / "file_fields.json").read_bytes())["classes"]
    classes = {name: {**node, "files": fields.get(name)} for name, node in raw.items()}
    target = FOLDER / f"nodes-{arguments.version}.json"
    text = definitions_text(Definitions(None, classes, arguments.version), classes)
    target.write_text(text, "utf-8", newline="\n")
    print(f"{target}: {len(raw)} classes, {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
