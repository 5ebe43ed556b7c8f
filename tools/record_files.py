"""Record the files that ComfyUI's output nodes make of the prompts in tests/cases/pixels and audio.

    python tools/record_files.py http://127.0.0.1:8188 tests/cases/pixels/masks.json …

Needs a running ComfyUI of the version that the cases' README names, on a CPU, whose input folder
is tests/cases/pixels/input, started with --disable-metadata. `masks.json` holds prompts by name;
`masks.npz` beside it is written anew: an array of 8-bit pixels per picture, called
`<name>/<node>/<number>`, or the bytes of another file, called the same with its suffix. A prompt
that ComfyUI does not run is an error here.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "worlds"))
from real_comfyui import Made, run
from recorded_files import numbered, pixels

PICTURES = (".png", ".webp")


def main() -> int:
    url, *paths = sys.argv[1:]
    for path in map(Path, paths):
        arrays: dict[str, Any] = {}
        for name, prompt in json.loads(path.read_text(encoding="utf-8")).items():
            outcome = run(url, prompt)
            if not outcome.files:
                print(f"{path}: {name}: {outcome}", file=sys.stderr)
                return 1
            for key, made in numbered(outcome.files).items():
                suffix, array = recorded(made)
                arrays[f"{name}/{key}{suffix}"] = array
        np.savez_compressed(path.with_suffix(".npz"), **arrays)
        print(f"{path}: {len(arrays)} files")
    return 0


def recorded(made: Made) -> tuple[str, Any]:
    """The suffix that its name keeps, and the array."""
    suffix = Path(made.name).suffix
    if suffix in PICTURES:
        return "", pixels(io.BytesIO(made.data))
    return suffix, np.frombuffer(made.data, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
