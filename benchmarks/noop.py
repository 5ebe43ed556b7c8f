"""What it costs when nothing changed: whole `doit` processes, beside a bare doit in the same run.

    python benchmarks/noop.py [--runs 15]

Every row is the median of whole processes, started in turn so that a noisy moment hits all alike.
`bare doit` is a dodo.py of two tasks with nothing to do: what no build on doit can be below.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMIT = "3cd7b32f" + "0" * 32
DODO = """
from runflow_build.tasks import DOIT_CONFIG, projects

build = projects(".")
"""
BARE_DODO = """
def task_one():
    return {"actions": ["true"], "file_dep": ["dodo.py"]}

def task_two():
    return {"actions": ["true"], "file_dep": ["dodo.py"], "task_dep": ["one"]}
"""


def prompt(models: list[str]) -> dict[str, object]:
    """A small endpoint; each model goes through a LoraLoaderModelOnly chain that feeds a save."""
    nodes: dict[str, object] = {
        "1": {
            "class_type": "UNETLoader",
            "inputs": {"unet_name": "base.safetensors", "weight_dtype": "default"},
        },
        "2": {
            "class_type": "RunflowInputInt",
            "inputs": {
                "input_id": "width",
                "display_name": "Width",
                "description": "",
                "required": True,
            },
        },
        "3": {
            "class_type": "EmptyImage",
            "inputs": {"width": ["2", 0], "height": 64, "batch_size": 1, "color": 0},
        },
        "4": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "image", "output_name": "Image", "value": ["3", 0]},
        },
    }
    source = "1"
    for number, model in enumerate(models, start=10):
        nodes[str(number)] = {
            "class_type": "LoraLoaderModelOnly",
            "inputs": {"model": [source, 0], "lora_name": model, "strength_model": 1.0},
        }
        source = str(number)
    nodes["5"] = {
        "class_type": "ModelSave",
        "inputs": {"model": [source, 0], "filename_prefix": "merged"},
    }
    return nodes


def project(root: Path, endpoints: int, models: int) -> None:
    """A project with all models declared, `models` of them spread over the endpoints."""
    root.mkdir()
    (root / "dodo.py").write_text(DODO)
    names = [f"lora-{number}.safetensors" for number in range(models)]
    share = -(-models // endpoints) if endpoints else 0
    lines = ["version: 1", f"project: {root.name}", f"comfyui: {{ref: {COMMIT}}}", "models:"]
    for path in ["diffusion_models/base.safetensors", *(f"loras/{name}" for name in names)]:
        sha = hashlib.sha256(path.encode()).hexdigest()
        url = f"https://huggingface.co/acme/models/resolve/{COMMIT}/{path}"
        lines.append(f"  {path}: {{url: {url}, sha256: {sha}, size: 1000}}")
    lines.append("endpoints:")
    for number in range(endpoints):
        slug = f"{root.name}-{number}"  # both projects publish to one server
        mine = names[number * share : (number + 1) * share]
        (root / f"{slug}.json").write_text(json.dumps(prompt(mine)))
        lines += [f"  {slug}:", f"    workflow: {slug}.json"]
        lines += ['    keep: ["5"]', "    outputs: {}"]
    (root / "runflow.yaml").write_text("\n".join(lines) + "\n")


@contextmanager
def server(folder: Path) -> Iterator[dict[str, str]]:
    """A loopback server in a process of its own, with a key, as environment variables."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    runflow = [sys.executable, "-m", "runflow_build"]
    key = subprocess.run(
        [*runflow, "keys", "create", "--data", str(folder), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    process = subprocess.Popen(
        [*runflow, "serve", "--data", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        url = next(word for line in process.stdout for word in line.split() if "http://" in word)
        yield {"RUNFLOW_API_URL": url, "RUNFLOW_API_KEY": json.loads(key.stdout)["key"]}
    finally:
        process.terminate()
        process.wait()


def timed(task: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds of one whole `doit` process."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "doit", *task],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"doit {' '.join(task)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name, server(Path(name, "server")) as remote:
        folder = Path(name)
        bare, small, large = folder / "bare", folder / "small", folder / "large"
        bare.mkdir()
        (bare / "dodo.py").write_text(BARE_DODO)
        project(small, endpoints=1, models=2)
        project(large, endpoints=50, models=500)
        rows: list[tuple[str, str, Path, list[str], dict[str, str]]] = [
            ("bare doit, 2 tasks", "1.0", bare, [], {}),
            ("lock, 1 endpoint", "2.5", small, ["lock"], {}),
            ("validate, 1 endpoint", "2.5", small, ["validate"], {}),
            ("rewrite, 1 endpoint", "2.5", small, ["rewrite"], {}),
            ("publish, 1 endpoint", "4.0", small, ["publish"], remote),
            ("lock, 50 endpoints, 500 models", "8.0", large, ["lock"], {}),
            ("validate, 50 endpoints, 500 models", "8.0", large, ["validate"], {}),
            ("rewrite, 50 endpoints, 500 models", "8.0", large, ["rewrite"], {}),
            ("publish, 50 endpoints, 500 models", "8.0", large, ["publish"], remote),
        ]
        for _, _, where, task, environment in rows:
            for _ in range(3):  # the work itself, and what is remembered of it
                timed(task, where, environment)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        times: list[list[float]] = [[] for _ in rows]
        for _ in range(runs):
            for found, (_, _, where, task, environment) in zip(times, rows, strict=True):
                found.append(timed(task, where, environment))
    base = statistics.median(times[0])
    print(f"{'no-op (whole process)':<38}{'median':>9}{'x bare':>8}{'at most':>9}")
    for (label, limit, *_), found in zip(rows, times, strict=True):
        median = statistics.median(found)
        print(f"{label:<38}{median * 1000:>6.0f} ms{median / base:>8.2f}{limit:>9}")
    print(f"largest process of all, the first builds and the server included: {peak // 1024} MB")


if __name__ == "__main__":
    main()
