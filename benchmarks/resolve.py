"""Resolving a large project: `runflow lock` against a stand-in of the public hosts on loopback.

    python benchmarks/resolve.py [--models 400] [--packs 40] [--delay 0.05] [--runs 3]

Whole processes, the median of `--runs`. `first`: empty caches, every answer after `--delay`
seconds, node packs from git repositories on this disk. `warm, offline`: another project that asks
the same, from the caches alone. `one by one`: the look-ups of models with httpx, one after another,
which is what a script costs; `--help`: what no process of ours can be below.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

APP = Path(__file__).parent.parent / "tests" / "worlds" / "app.py"
GIT = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def remotes(folder: Path, packs: int) -> dict[str, str]:
    """A bare repository for each pack, and the environment that makes git find them."""
    for number in range(packs):
        bare = folder / "bench" / f"pack-{number}"
        work = folder / "work" / f"pack-{number}"
        work.mkdir(parents=True)
        project = f'[project]\nname = "pack-{number}"\nversion = "1.1.0"\n'
        (work / "pyproject.toml").write_text(project, encoding="utf-8")
        (work / "__init__.py").write_text("", encoding="utf-8")
        for command in (
            ["init", "-q", "-b", "main"],
            ["add", "."],
            ["commit", "-qm", "1.1.0"],
            ["tag", "v1.1.0"],
            ["clone", "-q", "--bare", ".", str(bare)],
        ):
            subprocess.run(["git", *command], cwd=work, env={**os.environ, **GIT}, check=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder.as_uri()}/bench/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/bench/",
    }


def project(root: Path, models: int, packs: int) -> None:
    """An endpoint that loads all the models, and has a node of each pack."""
    root.mkdir()
    nodes: list[dict[str, object]] = [
        {
            "id": number + 1,
            "type": f"Pack{number}Class0",
            "inputs": [],
            "outputs": [],
            "properties": {"cnr_id": f"pack-{number}", "ver": "1.1.0"},
        }
        for number in range(packs)
    ]
    for number in range(models):
        name = f"model-{number}.safetensors"
        url = f"https://huggingface.co/bench/model-{number}/resolve/main/{name}"
        nodes.append(
            {
                "id": packs + number + 1,
                "type": "LoraLoaderModelOnly",
                "inputs": [],
                "outputs": [],
                "widgets_values": [name, 1],
                "properties": {"models": [{"name": name, "url": url, "directory": "loras"}]},
            }
        )
    graph = {"nodes": nodes, "links": [], "version": 0.4}
    (root / "one.json").write_text(json.dumps(graph), encoding="utf-8")
    spec = {
        "version": 1,
        "comfyui": {"ref": "v0.8.0"},
        "endpoints": {"one": {"workflow": "one.json"}},
    }
    (root / "runflow.yaml").write_text(json.dumps(spec), encoding="utf-8")


@contextmanager
def stand_in(models: int, packs: int, delay_s: float) -> Iterator[str]:
    """The public hosts in a process of their own; what RUNFLOW_MIRRORS has to be."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(APP), "--port", str(port), "--delay", str(delay_s)]
    command += ["--models", str(models), "--packs", str(packs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        mirrors = process.stdout.readline().strip()
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield mirrors
    finally:
        process.terminate()
        process.wait()


def seconds(command: list[str], environ: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True)
    taken = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return taken


ONE_BY_ONE = """
import sys, httpx
with httpx.Client() as client:
    for number in range(int(sys.argv[2])):
        url = f"{sys.argv[1]}/bench/model-{number}/resolve/main/model-{number}.safetensors"
        assert client.head(url).headers["x-linked-etag"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=int, default=400)
    parser.add_argument("--packs", type=int, default=40)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    rows: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        stand_in(args.models, args.packs, args.delay) as mirrors,
    ):
        base = Path(folder)
        environ = {**remotes(base / "remotes", args.packs), "RUNFLOW_MIRRORS": mirrors}
        hub = dict(pair.split("=", 1) for pair in mirrors.split())["https://huggingface.co"]
        runflow = [sys.executable, "-m", "runflow_build"]
        one_by_one = [sys.executable, "-c", ONE_BY_ONE, hub, str(args.models)]
        for number in range(args.runs):
            cached = {**environ, "RUNFLOW_CACHE_DIR": str(base / f"cache-{number}")}
            first, second = base / f"first-{number}", base / f"second-{number}"
            project(first, args.models, args.packs)
            project(second, args.models, args.packs)
            offline = [*runflow, "-C", str(second), "lock", "--offline"]
            took = {
                "first": seconds([*runflow, "-C", str(first), "lock"], cached),
                "warm, offline": seconds(offline, cached),
                "one by one, models alone": seconds(one_by_one, environ),
                "`runflow lock --help`": seconds([*runflow, "lock", "--help"], environ),
            }
            if (first / "runflow.lock").read_bytes() != (second / "runflow.lock").read_bytes():
                sys.exit("the two locks differ")
            for name, taken in took.items():
                rows.setdefault(name, []).append(taken)
    print(f"{args.models} models, {args.packs} packs, {args.delay * 1000:g} ms an answer\n")
    print("| | s |\n| --- | --- |")
    for name, times in rows.items():
        print(f"| {name} | {statistics.median(times):.2f} |")


if __name__ == "__main__":
    main()
