"""The lock as `git log -p` shows it: each line says what it is about."""

from __future__ import annotations

from whole_lock import HASH, full_lock

from runflow_build.lock.model import EndpointPin, GPUPin, Lock, PythonPins
from runflow_build.lock.one_line_text import one_line_text

EXPECTED = [
    "API cut-out, input strength: type FLOAT, required false, node 31, class KSampler, "
    "field denoise, default 1.0, minimum 0, maximum 1",
    "API cut-out, output image: type IMAGE, node 9, class SaveImage",
    f"endpoint cut-out: name Cut out, workflow workflows/cut-out.json, prompt {HASH}, "
    "description Cuts the subject out of a photo. Fast., gpu min_vram_gb 24",
    "ComfyUI: repository https://github.com/comfyanonymous/ComfyUI, ref v0.8.0, "
    "commit 3cd7b32f1b7e, version 0.8.0",
    "pack ComfyUI-KJNodes: repository https://github.com/kijai/ComfyUI-KJNodes, ref main, "
    "commit 3cd7b32f1b7e, registry comfyui-kjnodes 1.1.9, required_by cut-out",
    "node definitions: file runflow.definitions.json, sha256 4610115bb0c8",
    "Python: version 3.12",
    "package aiohttp: 3.12.13",
    "target linux-cpu: package files none",
    "target linux-cu128: package files file pylock.linux-cu128.toml, sha256 4610115bb0c8",
    "package torch (linux-cu128): 2.8.0+cu128",
    "model checkpoints/flux1-dev.safetensors: sha256 4610115bb0c8, 23802932552 bytes (23.8 GB), "
    "url https://huggingface.co/x/resolve/abc/flux1-dev.safetensors, "
    "wanted https://huggingface.co/x/resolve/main/flux1-dev.safetensors, used_by cut-out",
    "input/example.png: sha256 4610115bb0c8, 51234 bytes (51.2 kB)",
]


def test_each_line_says_what_it_is_about_the_api_first() -> None:
    assert one_line_text(full_lock()).splitlines() == EXPECTED


def test_what_is_left_to_the_default_is_told_where_it_means_something() -> None:
    endpoint = EndpointPin(name="A", workflow="a.json", prompt=HASH, gpu=GPUPin())
    lock = Lock(runflow="0.1.0", python=PythonPins(version="3.12"), endpoints={"a": endpoint})
    assert one_line_text(lock).splitlines() == [
        f"endpoint a: name A, workflow a.json, prompt {HASH}, gpu cheapest",
        "Runflow nodes: release 0.1.0",
        "Python: version 3.12",
    ]
