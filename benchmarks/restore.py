"""What a restore costs when nothing is to be done: whole processes, beside the bare tools.

    python benchmarks/restore.py [--runs 9] [--packs 40] [--models 400] [--packages 60]

The folder is a real one: a ComfyUI and node packs as git clones, models in the store, a virtual
environment by uv; all hosts are on loopback. Every row is the median of whole processes, started in
turn so that a noisy moment hits all alike. `uv pip sync` and `git status` are what somebody would
run by hand to know the same of packages and clones; nothing by hand looks at models.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "worlds"))

from index import wheel
from restorable import HERE, PACK_FILES, Restorable, restorable

from runflow_build.lock.model import ModelPin, NodePackPin
from runflow_build.lock.pylock import LockedPackage, PackageFile


def filled(world: Restorable, packs: int, models: int, packages: int) -> None:
    """Lock so many packs, models and packages."""
    for number in range(packages):
        one = wheel(f"package-{number}", "1.0")
        world.index.add(one)
        url = f"https://files.pythonhosted.org/{one.path}"
        file = PackageFile(url, one.sha256, len(one.content))
        world.packages.append(LockedPackage(one.project, "1.0", wheels=(file,)))
    nodes = dict(world.lock.nodes)
    for number in range(packs - len(nodes)):
        url = f"https://github.com/kijai/pack-{number}"
        files = {**PACK_FILES, **{f"part_{n}.py": f"n = {n}\n" for n in range(30)}}
        nodes[f"pack-{number}"] = NodePackPin(repository=url, commit=world.repository(url, files))
    files_: dict[str, ModelPin] = {}
    for number in range(models):
        files_[f"loras/{number}.safetensors"] = world.model(f"{number}.safetensors", b"%d" % number)
    world.pin(nodes=nodes, models=files_)


def timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def process(argv: list[str], environ: dict[str, str]) -> Callable[[], object]:
    def run() -> object:
        return subprocess.run(argv, env=environ, check=True, stdout=subprocess.DEVNULL)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--packs", type=int, default=40)
    parser.add_argument("--models", type=int, default=400)
    parser.add_argument("--packages", type=int, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, restorable(Path(name)) as world:
        filled(world, args.packs, args.models, args.packages)
        environ = {**os.environ, **world.environ}
        first = timed(lambda: print(world.restore()[1].splitlines()[-1]))
        print(f"{'first restore':<44}{first:8.2f} s")
        names = [f"{one.name}=={one.version}" for one in world.packages]
        wishes = Path(name) / "requirements.txt"
        wishes.write_text("\n".join(names))
        python = str(world.into / ".venv/bin/python")
        index = f"{world.index.url}/pypi/simple"
        sync = [
            "uv",
            "pip",
            "sync",
            "--quiet",
            str(wishes),
            "--python",
            python,
            "--index-url",
            index,
        ]
        clones = [world.code, *sorted((world.code / "custom_nodes").glob("*/"))]
        status = [process(["git", "-C", str(one), "status", "--short"], environ) for one in clones]
        rows: dict[str, Callable[[], object]] = {
            f"runflow restore, nothing to do (Python {HERE})": process(
                world.command("restore", "--into", str(world.into)), environ
            ),
            "runflow verify": process(world.command("verify", str(world.into)), environ),
            "runflow --version": process(world.command("--version"), environ),
            "uv pip sync, nothing to do": process(sync, environ),
            f"git status in {len(clones)} clones, one by one": lambda: [run() for run in status],
        }
        times: dict[str, list[float]] = {row: [] for row in rows}
        for _ in range(args.runs):
            for row, run in rows.items():
                times[row].append(timed(run))
        for row, taken in times.items():
            print(f"{row:<44}{statistics.median(taken):8.2f} s   (best {min(taken):.2f})")


if __name__ == "__main__":
    main()
