"""Record what ComfyUI makes of the prompts in tests/cases/video/saved.json.

    python tools/record_videos.py http://127.0.0.1:8188

Needs a running ComfyUI as tools/record_files.py does. The file holds by name a `prompt` with one
node that saves a video, and whether it is `copied`; `made`, what the file is, is written anew.
`fps.json` beside it is written anew, too: a file of the input folder -> its frames per second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "worlds"))
from real_comfyui import run
from video_facts import facts

CASES = Path(__file__).resolve().parent.parent / "tests" / "cases" / "video"
INPUT = CASES.parent / "pixels" / "input"


def main() -> int:
    url = sys.argv[1]
    cases = json.loads((CASES / "saved.json").read_text(encoding="utf-8"))
    for name, case in cases.items():
        outcome = run(url, case["prompt"])
        if len(outcome.files) != 1:
            print(f"{name}: {outcome}", file=sys.stderr)
            return 1
        case["made"] = facts(outcome.files[0].data, case["copied"])
    (CASES / "saved.json").write_text(lines(cases), encoding="utf-8")
    rates = {path.name: fps(url, path.name) for path in sorted(INPUT.glob("vi_*"))}
    (CASES / "fps.json").write_text(lines(rates), encoding="utf-8")
    print(f"{len(cases)} videos, {len(rates)} rates")
    return 0


def fps(url: str, file: str) -> float:
    prompt = {
        "1": {"class_type": "LoadVideo", "inputs": {"file": file}},
        "2": {"class_type": "GetVideoComponents", "inputs": {"video": ["1", 0]}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
    }
    return float(run(url, prompt).texts[0][1])


def lines(rows: dict[str, Any]) -> str:
    """JSON with a row a line."""
    inside = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    return f"{{\n{inside}\n}}\n"


if __name__ == "__main__":
    sys.exit(main())
