"""Record the pixels that ComfyUI's output nodes make of the prompts in tests/cases/pixels.

    python tools/record_pixels.py http://127.0.0.1:8188 tests/cases/pixels/masks.json …

Needs a running ComfyUI of the version that the cases' README names, on a CPU, whose input folder
is tests/cases/pixels/input. `masks.json` holds prompts by name; `masks.npz` beside it is written
anew: an array of 8-bit pixels per picture, called `<name>/<node>/<number>`. A prompt that ComfyUI
does not run is an error here.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "worlds"))
from real_comfyui import run


def main() -> int:
    url, *paths = sys.argv[1:]
    for path in map(Path, paths):
        pictures: dict[str, Any] = {}
        for name, prompt in json.loads(path.read_text(encoding="utf-8")).items():
            outcome = run(url, prompt)
            if not outcome.files:
                print(f"{path}: {name}: {outcome}", file=sys.stderr)
                return 1
            counts: dict[str, int] = {}
            for made in outcome.files:
                number = counts[made.node] = counts.get(made.node, -1) + 1
                with Image.open(io.BytesIO(made.data)) as picture:
                    pictures[f"{name}/{made.node}/{number}"] = np.asarray(picture)
        np.savez_compressed(path.with_suffix(".npz"), **pictures)
        print(f"{path}: {len(pictures)} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
