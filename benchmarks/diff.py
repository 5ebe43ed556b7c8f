"""How fast two large locks are compared: `runflow diff` as a whole process, beside `git diff`.

    python benchmarks/diff.py [--runs 15] [--models 400] [--packages 300] [--packs 40]

Every second model, every third package and each pack is another one in the second lock. `start-up`
is the same command on two locks that hold next to nothing: it must not take more than 0.3 s beyond
that. `git diff --no-index` compares the lines of the same two files, and knows nothing of what they
mean. Rows are medians of processes that were started in turn, so that a noisy moment hits all
alike; CPU time holds on a busy machine too, where the clock does not.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from runflow_build.lock.model import (
    EndpointPin,
    Lock,
    ModelPin,
    NodePackPin,
    PythonPins,
    TargetPins,
)
from runflow_build.lock.text import lock_text

MOST_S = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description="how fast two large locks are compared")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--models", type=int, default=400)
    parser.add_argument("--packages", type=int, default=300)
    parser.add_argument("--packs", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = (options.models, options.packages, options.packs)
        measure(Path(folder), options.runs, *sizes)


def measure(folder: Path, runs: int, models: int, packages: int, packs: int) -> None:
    small, large = folder / "small", folder / "large"
    for root, sizes in ((small, (0, 0, 0)), (large, (models, packages, packs))):
        root.mkdir()
        for state, name in enumerate(("old.lock", "runflow.lock")):
            text = lock_text(a_lock(state, *sizes))
            (root / name).write_text(text, encoding="utf-8", newline="\n")
    runflow = [sys.executable, "-m", "runflow_build", "diff", "--offline", "old.lock"]
    plain = ["git", "diff", "--no-index", "--no-ext-diff", "old.lock", "runflow.lock"]
    rows: list[tuple[str, Path, list[str]]] = [
        ("start-up (two locks of one fact)", small, runflow),
        ("runflow diff, text", large, runflow),
        ("runflow diff, markdown", large, [*runflow, "--format", "markdown"]),
        ("runflow diff, JSON", large, [*runflow, "--format", "json"]),
        ("git diff --no-index", large, plain),
    ]
    times: list[list[tuple[float, float]]] = [[] for _ in rows]
    for number in range(runs + 1):  # the first one warms the disk up
        for found, (_, root, command) in zip(times, rows, strict=True):
            taken = timed(command, root)
            if number:
                found.append(taken)
    lines = (large / "runflow.lock").read_text(encoding="utf-8").count("\n")
    print(f"{models} models, {packages} packages, {packs} node packs: {lines} lines a lock")
    print(f"{'':<36}{'wall':>9}{'CPU':>9}{'beyond start-up':>18}")
    base = median(times[0])
    for (label, *_), found in zip(rows, times, strict=True):
        wall, cpu = median(found)
        beyond = f"{(cpu - base[1]) * 1000:>12.0f} ms CPU" if label.startswith("runflow") else ""
        print(f"{label:<36}{wall * 1000:>6.0f} ms{cpu * 1000:>6.0f} ms{beyond:>18}")
    print(f"at most {MOST_S * 1000:.0f} ms beyond start-up")


def timed(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a process took."""
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - began, os.times()
    assert done.returncode in (0, 1), command  # 1: git's word for "they differ"
    user = after.children_user - before.children_user
    return wall, user + after.children_system - before.children_system


def median(found: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in found), statistics.median(cpu for _, cpu in found)


def a_lock(state: int, models: int, packages: int, packs: int) -> Lock:
    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    def model(number: int) -> ModelPin:
        place = f"https://huggingface.co/owner/model-{number}/resolve"
        content = digest(f"model {number} {state * (number % 2)}")
        return ModelPin(
            sha256=content,
            size=1_000_000_000 + number + state * (number % 2),
            url=f"{place}/{content[:40]}/model.safetensors",
            wanted=f"{place}/main/model.safetensors",
            used_by=["poster"],
        )

    def pack(number: int) -> NodePackPin:
        return NodePackPin(
            repository=f"https://github.com/owner/pack-{number}",
            ref="main",
            commit=digest(f"pack {number} {state}")[:40],
            required_by=["poster"],
        )

    versions = {f"package-{n}": f"{n % 9}.{state * (n % 3 == 0)}.1" for n in range(packages)}
    torch = {"torch": "2.8.0+cu128"} if packages else {}
    targets = {"linux-cu128": TargetPins(packages=torch)}
    return Lock(
        nodes={f"pack-{number}": pack(number) for number in range(packs)},
        python=PythonPins(version="3.12", packages=versions, targets=targets),
        models={f"loras/model-{number}.safetensors": model(number) for number in range(models)},
        endpoints={
            "poster": EndpointPin(
                name="Poster", workflow="poster.json", prompt=digest(f"prompt {state}")
            )
        },
    )


if __name__ == "__main__":
    main()
