"""How fast files are hashed: `DigestCache`, beside plain hashlib in the same run.

    python benchmarks/hashing.py [--files 8] [--mib 256] [--runs 5] [--folder DIR]

The files are made in a temporary folder and read once before, so that the page cache holds them and
the disk says nothing. `hashlib` is what one core does, of memory and of a file; times the cores, it
is what no reading can beat. CPU time holds on a busy machine too, where the clock does not.
`repeated` finds everything in the cache.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runflow_build.sources.digests import DigestCache


def main() -> None:
    parser = argparse.ArgumentParser(description="how fast files are hashed")
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--mib", type=int, default=256, help="size of each")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to make them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure(Path(folder), options.files, options.mib << 20, options.runs)


def measure(folder: Path, count: int, size: int, runs: int) -> None:
    paths = [folder / f"{n}.bin" for n in range(count)]
    block = os.urandom(1 << 20)
    for path in paths:
        with path.open("wb") as file:
            for n in range(size >> 20):
                file.write(n.to_bytes(4, "little") + block[4:])
        os.utime(path, ns=(1_700_000_000_000_000_001, 1_700_000_000_000_000_001))
    data = paths[0].read_bytes()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "hashlib, of memory, one core": (size, lambda: hashlib.sha256(data)),
        "hashlib, of a file, one core": (size, lambda: plain(paths[0])),
        f"DigestCache, empty, {count} files": (size * count, lambda: hashed(folder, paths)),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(runs):  # in turn, so that a noisy moment hits all alike
        for name, (_, way) in ways.items():
            began, busy = time.perf_counter(), time.process_time()
            way()
            times[name].append((time.perf_counter() - began, time.process_time() - busy))
    rates, costs = [], []
    for name, taken in times.items():
        size = ways[name][0]
        rates.append(size / statistics.median(wall for wall, _ in taken))
        costs.append(size / statistics.median(cpu for _, cpu in taken))
        told = f"{rates[-1] / 1e9:6.2f} GB/s {costs[-1] / 1e9:6.2f} GB per second of CPU"
        print(f"{name:36} {told}")
    print(
        f"of hashlib x {cores} cores, by the clock: {rates[2] / rates[1] / (cores or 1):.0%}",
        end="",
    )
    print(f" of a file's speed, {rates[2] / rates[0] / (cores or 1):.0%} of memory's")
    print(f"of hashlib, by CPU:               {costs[2] / costs[1]:.0%}", end="")
    print(f" of a file's speed, {costs[2] / costs[0]:.0%} of memory's")
    repeated(folder, paths)


def plain(path: Path) -> str:
    """As hashlib.file_digest (Python 3.11) does it."""
    state, buffer = hashlib.sha256(), bytearray(1 << 18)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            state.update(view[:count])
    return state.hexdigest()


def hashed(folder: Path, paths: list[Path]) -> None:
    (folder / "digests.db").unlink(missing_ok=True)
    cache = DigestCache(folder / "digests.db")
    cache.contents_of(paths)
    cache.close()


def repeated(folder: Path, paths: list[Path]) -> None:
    cache = DigestCache(folder / "digests.db")
    cache.known(folder)  # opens it
    began = time.perf_counter()
    assert all(cache.known(path) for path in paths)
    took = time.perf_counter() - began
    cache.close()
    print(f"{'DigestCache, repeated':36} {took / len(paths) * 1e6:6.0f} us a file")


if __name__ == "__main__":
    main()
