"""Record the sound files that ComfyUI's output nodes make of the prompts in tests/cases/audio.

    python tools/record_audio.py http://127.0.0.1:8188 tests/cases/audio/exact.json …

Needs a running ComfyUI of the version that the cases' README names, whose input folder is
tests/cases/pixels/input, started with --disable-metadata. `exact.npz` beside `exact.json` is
written anew: the bytes of each file, called `<name>/<node>/<number><suffix>`. A prompt that ComfyUI
does not run is an error here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "worlds"))
from real_comfyui import run


def main() -> int:
    url, *paths = sys.argv[1:]
    for path in map(Path, paths):
        sounds: dict[str, Any] = {}
        for name, prompt in json.loads(path.read_text(encoding="utf-8")).items():
            outcome = run(url, prompt)
            if not outcome.files:
                print(f"{path}: {name}: {outcome}", file=sys.stderr)
                return 1
            counts: dict[str, int] = {}
            for made in outcome.files:
                number = counts[made.node] = counts.get(made.node, -1) + 1
                key = f"{name}/{made.node}/{number}{Path(made.name).suffix}"
                sounds[key] = np.frombuffer(made.data, np.uint8)
        np.savez_compressed(path.with_suffix(".npz"), **sounds)
        print(f"{path}: {len(sounds)} sounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
