"""What our WEBM settings cost and give beside ComfyUI's, which are PyAV's own but for the quality.

python benchmarks/webm.py [--runs 3] [--frames 48] [--crf 32]

Each row is a scene at a size: frames per second of both, measured in turns, so that a busy machine
slows both; then size and PSNR of ours relative to ComfyUI's. VP9 has to be at least 1.8 x as fast
with the PSNR within 0.3 dB and the size within 5 percent; on processors that are otherwise idle,
because half of it comes from using all. On smooth drawings two processors do not get there: PyAV's
settings search little in them, and libvpx knows no faster search that keeps the size (`cpu-used` 5
is as fast as 3, `deadline=realtime` makes files 30 to 100 percent larger). AV1 has ComfyUI's
settings and must be no slower.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from PIL import Image

from runflow_build.media.video import VideoParts
from runflow_build.media.video_writing import av1, encode, fast_vp9

SIZES = ((640, 360), (854, 480), (1280, 720))
RATE = Fraction(24)


class Nobody:
    """Asks for nothing."""

    def claim(self, images: int, height: int, width: int, channels: int = 3) -> None: ...
    def claim_values(self, count: int) -> None: ...
    def check(self) -> None: ...


def film(frames: int, width: int, height: int) -> Any:
    """A drifting texture with a little grain, and a block that crosses it."""
    random = np.random.default_rng(3)
    coarse = random.integers(0, 255, (height // 8 + 64, width // 8 + 64, 3), np.uint8)
    large = Image.fromarray(coarse).resize((width + 512, height + 512), Image.Resampling.BICUBIC)
    grain = random.normal(0, 6, (height + 512, width + 512, 1))
    texture = np.clip(np.asarray(large) * 0.8 + 20 + grain, 0, 255).astype(np.uint8)
    made = []
    for n in range(frames):
        frame = texture[2 * n : 2 * n + height, 3 * n : 3 * n + width].copy()
        left = 9 * n % (width - 80)
        frame[height // 3 : height // 3 + 60, left : left + 80] = (240, 30, 60)
        made.append(frame)
    return (np.stack(made) / 255).astype(np.float32)


def drawing(frames: int, width: int, height: int) -> Any:
    """Smooth gradients that change slowly, as rendered pictures do."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    made = []
    for n in range(frames):
        waves = [np.sin(x / 40 + n / 9), np.cos(y / 30 - n / 7), np.sin((x + y) / 90)]
        made.append(np.stack(waves, -1) * np.float32(0.5) + np.float32(0.5))
    return np.stack(made)


def by_comfyui(images: Any, codec: str, crf: float) -> bytes:
    """As SaveWEBM writes it."""
    encoder, pixels = ("libvpx-vp9", "yuv420p") if codec == "vp9" else ("libsvtav1", "yuv420p10le")
    file = io.BytesIO()
    options = {"crf": str(crf)} | ({"preset": "6"} if codec == "av1" else {})
    with av.open(file, "w", format="webm") as container:
        stream: Any = container.add_stream(encoder, rate=RATE, options=options)
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt, stream.bit_rate = pixels, 0
        for image in images:
            frame = np.clip(image * np.float32(255), 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def by_us(images: Any, codec: str, crf: float) -> bytes:
    file = io.BytesIO()
    coding = fast_vp9(crf) if codec == "vp9" else av1(crf)
    encode(file, "webm", VideoParts(images, RATE), coding, Nobody())
    return file.getvalue()


def psnr(data: bytes, images: Any) -> float:
    errors = []
    with av.open(io.BytesIO(data)) as container:
        for frame, image in zip(container.decode(video=0), images, strict=True):
            decoded = frame.to_ndarray(format="rgb24") / np.float32(255)
            errors.append(np.mean((decoded - image) ** 2))
    return float(-10 * np.log10(np.mean(errors)))


def timed(work: Callable[[], bytes]) -> tuple[float, bytes]:
    start = time.perf_counter()
    data = work()
    return time.perf_counter() - start, data


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--frames", type=int, default=48)
    options.add_argument("--crf", type=float, default=32.0)
    given = options.parse_args()
    os.environ["SVT_LOG"] = "1"  # errors only
    print(f"crf {given.crf:g}, {given.frames} frames, best of {given.runs}")
    print(
        f"{'codec':6}{'scene':9}{'size':>10}{'ComfyUI':>12}{'ours':>12}{'speed':>8}"
        f"{'bytes':>9}{'PSNR':>11}"
    )
    for codec in ("vp9", "av1"):
        for width, height in SIZES:
            for scene in (film, drawing):
                row(codec, scene, width, height, given)


def row(codec: str, scene: Any, width: int, height: int, given: Any) -> None:
    images = scene(given.frames, width, height)
    theirs: list[float] = []
    ours: list[float] = []
    for _ in range(given.runs):
        seconds, their_data = timed(lambda: by_comfyui(images, codec, given.crf))
        theirs.append(seconds)
        seconds, our_data = timed(lambda: by_us(images, codec, given.crf))
        ours.append(seconds)
    their_rate, our_rate = given.frames / min(theirs), given.frames / min(ours)
    bigger = len(our_data) / len(their_data) - 1
    better = psnr(our_data, images) - psnr(their_data, images)
    print(
        f"{codec:6}{scene.__name__:9}{f'{width}x{height}':>10}{their_rate:>8.1f} fps"
        f"{our_rate:>8.1f} fps{our_rate / their_rate:>7.2f}x{bigger:>+9.1%}{better:>+8.2f} dB",
        flush=True,
    )


if __name__ == "__main__":
    main()
