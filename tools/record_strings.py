"""Record what ComfyUI's text classes and primitives make of the inputs in tests/cases/strings.json.

    python tools/record_strings.py http://127.0.0.1:8188 tests/cases/strings.json

Needs a running ComfyUI. The file holds rows {"class": …, "inputs": …, "text": …}; each text, as
PreviewAny shows the value, is written anew, null where the node fails.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "worlds"))
from real_comfyui import run


def shown(url: str, row: Any) -> str | None:
    """The text that PreviewAny shows; None when the node fails."""
    prompt = {
        "1": {"class_type": row["class"], "inputs": row["inputs"]},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    outcome = run(url, prompt)
    if outcome.refused:
        raise ValueError(f"ComfyUI refuses {row}: {outcome.refused}")
    return None if outcome.failed else outcome.texts[0][1]


def main() -> int:
    url, path = sys.argv[1], Path(sys.argv[2])
    rows = json.loads(path.read_text(encoding="utf-8"))
    texts = [shown(url, row) for row in rows]
    lines = [json.dumps({**row, "text": text}) for row, text in zip(rows, texts, strict=True)]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8", newline="\n")
    print(f"{path}: {len(lines)} rows, {texts.count(None)} of them failures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
