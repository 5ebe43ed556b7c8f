"""Capturing a ComfyUI folder with gigabytes of models: `runflow lock --from` beside a peer.

    python benchmarks/lock_from.py [--gigabytes 2] [--runs 3] [--peer PYTHON]

PYTHON is the interpreter of a virtual environment with comfy-cli; its `comfy build init` is the
peer. Whole processes, the median of `--runs`, in turn. `first`: nothing was hashed before, and the
files are in the page cache. `looked at anew`: with --upgrade. `again`: the same command once more,
which is how it mostly is. `hashlib`: one thread that does nothing but read and hash, times the
number of cores, is what no hashing can be above.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = 8
GIT = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def install(root: Path, gigabytes: float) -> list[str]:
    """A ComfyUI folder: code in git, an environment, models of random bytes. The models' names."""
    folder = root / "models" / "loras"
    folder.mkdir(parents=True)
    (root / "custom_nodes").mkdir()
    package = root / ".venv" / "lib" / "python3.12" / "site-packages" / "numpy-2.1.0.dist-info"
    package.mkdir(parents=True)
    (root / ".venv" / "pyvenv.cfg").write_text("version = 3.12.4\n", encoding="utf-8")
    (package / "METADATA").write_text("Name: numpy\nVersion: 2.1.0\n\n", encoding="utf-8")
    for name in ("main.py", "nodes.py", "folder_paths.py", "requirements.txt"):
        (root / name).write_text("\n", encoding="utf-8")
    (root / "comfyui_version.py").write_text('__version__ = "0.8.0"\n', encoding="utf-8")
    names = [f"model-{number}.safetensors" for number in range(FILES)]
    for name in names:
        with (folder / name).open("wb") as file:
            for _ in range(int(gigabytes * 1024 / FILES)):
                file.write(os.urandom(1 << 20))
    for command in (["init", "-q", "-b", "main"], ["add", "*.py"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=root, env={**os.environ, **GIT}, check=True)
    url = "https://github.com/comfyanonymous/ComfyUI"
    subprocess.run(["git", "config", "remote.origin.url", url], cwd=root, check=True)
    return names


def project(root: Path, names: list[str], commit: str) -> None:
    """A project whose one endpoint loads all the models."""
    root.mkdir()
    nodes: dict[str, object] = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "x.safetensors"}}
    }
    source = "1"
    for number, name in enumerate(names, start=2):
        inputs = {"model": [source, 0], "lora_name": name, "strength_model": 1.0}
        nodes[str(number)] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
        source = str(number)
    nodes["99"] = {
        "class_type": "ModelSave",
        "inputs": {"model": [source, 0], "filename_prefix": "x"},
    }
    (root / "one.json").write_text(json.dumps(nodes), encoding="utf-8")
    spec = {
        "version": 1,
        "comfyui": {"ref": commit},
        "models": {"diffusion_models/x.safetensors": {"sha256": "0" * 64}},
        "policy": {"unresolved": "allow"},
        "endpoints": {"one": {"workflow": "one.json", "outputs": {"out": {"node": "99"}}}},
    }
    (root / "runflow.yaml").write_text(json.dumps(spec), encoding="utf-8")


def seconds(command: list[str], cwd: Path, cache: Path) -> float:
    environment = {**os.environ, "RUNFLOW_CACHE_DIR": str(cache), "NO_COLOR": "1", "CI": "1"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    taken = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return taken


def plain_hashing(files: list[Path]) -> float:
    start = time.perf_counter()
    for path in files:
        with path.open("rb", buffering=0) as file:
            state, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
            while size := file.readinto(buffer):
                state.update(buffer[:size])
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer", type=Path, metavar="PYTHON")
    args = parser.parse_args()
    cores = os.cpu_count() or 1
    rows: dict[str, list[float]] = {}

    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        comfyui = base / "ComfyUI"
        names = install(comfyui, args.gigabytes)
        files = [comfyui / "models" / "loras" / name for name in names]
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=comfyui, text=True)
        lock = [sys.executable, "-m", "runflow_build", "lock", "--offline", "--from", str(comfyui)]
        plain_hashing(files)  # warms the page cache
        for number in range(args.runs):
            root, cache = base / f"project-{number}", base / f"cache-{number}"
            project(root, names, commit.strip())
            took = {
                "hashlib": plain_hashing(files) / cores,
                "runflow, first": seconds(lock, root, cache),
                "runflow, looked at anew": seconds([*lock, "--upgrade"], root, cache),
            }
            seconds(lock, root, cache)  # it says once what could not be asked
            took["runflow, again"] = seconds(lock, root, cache)
            if args.peer:
                spec = base / f"comfy-build-{number}.yaml"
                peer = [str(args.peer), "-m", "comfy_cli", "--skip-prompt", "build", "init"]
                peer += [str(comfyui), "--name", "x", "--output", str(spec)]
                peer += ["--python", str(args.peer)]
                took["comfy build init, first"] = seconds(peer, base, cache)
                took["comfy build init, again"] = seconds([*peer, "--force"], base, cache)
            for name, s in took.items():
                rows.setdefault(name, []).append(s)
            shutil.rmtree(root)

    gib = args.gigabytes
    print(f"{gib:g} GiB in {FILES} models, {cores} cores; median of {args.runs}\n")
    print("| | s | GiB/s |\n| --- | --- | --- |")
    for name, taken in rows.items():
        middle = statistics.median(taken)
        print(f"| {name} | {middle:.2f} | {gib / middle:.2f} |")


if __name__ == "__main__":
    main()
