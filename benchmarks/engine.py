"""What the embedded engine costs, beside the same work done by hand with Pillow and numpy.

python benchmarks/engine.py [--runs 20] [--comfyui http://127.0.0.1:8188]

trivial   EmptyImage -> ImageInvert -> SaveImage, 64 x 48, in a warm process; at most 3 ms. Each run
          has a colour of its own, so that nothing is taken from a cache
up …      a 1920 x 1080 picture scaled to 3840 x 2160; lanczos at most 1.2 x Pillow's own time
down …    the other way round; beside Pillow's own filter of that name, whose pixels are others
import    a fresh interpreter that builds the engine; at most 150 ms over one that does nothing

Where a ComfyUI runs, the trivial prompt goes there, too, until /history says that it is done.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.extras import installed
from runflow_build.engines.embedded.kernels.resampling import scale
from runflow_build.project.catalogue import shipped
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt


def trivial_prompt(color: int) -> Prompt:
    sizes = {"width": 64, "height": 48, "batch_size": 1}
    return {
        "1": {"class_type": "EmptyImage", "inputs": {**sizes, "color": color}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "out"}},
    }


HD, UHD = (1920, 1080), (3840, 2160)
BUILD = (
    "from runflow_build.engines.embedded import EmbeddedEngine\n"
    "from runflow_build.workflow.definitions import Definitions\n"
    "EmbeddedEngine(Definitions(None, {}))"
)


def trivial_by_hand(folder: Path) -> None:
    image = np.empty((48, 64, 3), np.float32)
    image[:] = [0x33 / 255, 0x66 / 255, 0x99 / 255]
    pixels = np.clip(255.0 * (1.0 - image), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "by-hand.png", compress_level=4)


def fresh_interpreter(code: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in _NO_BYTECODE}
    subprocess.run([sys.executable, "-c", code], check=True, env=environ)


_NO_BYTECODE = ("PYTHONDONTWRITEBYTECODE",)  # an installed package has its bytecode


def measured_ms(
    work: Callable[[], object],
    peer: Callable[[], object],
    runs: int,
    pick: Callable[[list[float]], float],
) -> list[float]:
    """What `pick` takes of both, measured in turns so that a busy machine slows both."""
    times: list[list[float]] = [[], []]
    for _ in range(runs + 1):  # the first one warms up
        for one, found in zip((work, peer), times, strict=True):
            begun = time.perf_counter()
            one()
            found.append((time.perf_counter() - begun) * 1000)
    return [pick(found[1:]) for found in times]


def scalings() -> Iterator[tuple[str, Callable[[], object], Callable[[], object]]]:
    """One float32 picture by the engine, the same in 8 bits by Pillow."""
    filters = {"lanczos": Image.Resampling.LANCZOS}
    if installed("torch"):
        filters |= {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    for way, old, new in (("up", HD, UHD), ("down", UHD, HD)):
        noise = np.random.default_rng(1).integers(0, 256, (old[1], old[0], 3), np.uint8)
        floats = (noise.astype(np.float32) / 255)[np.newaxis]
        picture = Image.fromarray(noise)
        for method, resampling in filters.items():
            yield (
                f"{way} {method}",
                partial(scale, floats, *new, method, "disabled"),
                partial(picture.resize, new, resampling),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="The embedded engine beside Pillow and numpy.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--comfyui", default="http://127.0.0.1:8188", metavar="URL")
    args = parser.parse_args()
    runs: int = args.runs
    engine = EmbeddedEngine(Definitions(None, shipped("0.8.0")))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)

        colors = count()

        def trivial() -> None:  # a folder per run, as the server does it
            folder = Path(tempfile.mkdtemp(dir=root))
            engine.execute(trivial_prompt(next(colors)), RunFolders(folder, folder))

        rows = [
            ("trivial", trivial, lambda: trivial_by_hand(root), statistics.median),
            *((*row, min) for row in scalings()),
            (
                "import",
                lambda: fresh_interpreter(BUILD),
                lambda: fresh_interpreter(""),
                min,
            ),
        ]
        print(f"{'':<15}{'engine':>11}{'by hand':>11}{'ratio':>8}")
        for label, work, peer, pick in rows:
            ours, theirs = measured_ms(work, peer, runs, pick)
            print(f"{label:<15}{ours:>8.2f} ms{theirs:>8.2f} ms{ours / theirs:>8.2f}")
    if answers(args.comfyui):
        times = [comfyui_ms(args.comfyui, trivial_prompt(next(colors))) for _ in range(runs)]
        print(f"ComfyUI, trivial, over HTTP {statistics.median(times):>8.2f} ms")
    else:
        print(f"no ComfyUI at {args.comfyui}")


def answers(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/system_stats", timeout=2).is_success)
    except httpx.HTTPError:
        return False


def comfyui_ms(url: str, prompt: Prompt) -> float:
    """From the question until /history has the prompt."""
    with httpx.Client(base_url=url) as client:
        client.get("/queue")  # the connection is there already
        begun = time.perf_counter()
        number = client.post("/prompt", json={"prompt": prompt}).json()["prompt_id"]
        while not client.get(f"/history/{number}").json():
            time.sleep(0.0005)
        return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
