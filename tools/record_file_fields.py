"""Record which inputs of ComfyUI's own node classes name files, and below which folder those lie.

    python tools/record_file_fields.py ~/ComfyUI --python ~/ComfyUI/.venv/bin/python

/object_info lists the files of the machine that answers, and does not say from where. So that
ComfyUI is started on a base directory that has one marker file in each of its folders: an input
whose choices hold a marker is an input for files of that folder. Inputs inside a dynamic combo are
written as the prompt writes them, `outer.inner`. A folder that ends in a slash is one whose folders
are the choices, not its files.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

TARGET = Path(__file__).resolve().parent.parent / "runflow_build" / "catalogue" / "file_fields.json"
PORT = 8191
START_S = 180

# ComfyUI's own table of model folders: {name: ([folder below models/], [suffix])}.
ASK_FOLDERS = """
import json, os, folder_paths as f
print(json.dumps({
    name: ([os.path.relpath(path, f.models_dir) for path in paths], sorted(suffixes))
    for name, (paths, suffixes) in f.folder_names_and_paths.items()
}))
"""
# What loaders of input files look for, each in its own way.
INPUTS = ("a.png", "a.wav", "a.mp4", "a.latent", "a.txt", "3d/a.glb")
INPUT_FOLDER = "folder"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("comfyui", type=Path, help="ComfyUI's folder, with main.py in it")
    parser.add_argument("--python", default=sys.executable, help="the Python that it runs in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        markers = make_markers(Path(base), model_folders(arguments.comfyui, arguments.python))
        info = object_info(arguments.comfyui, arguments.python, base)
    classes = {
        name: fields
        for name, definition in sorted(info.items())
        if (fields := dict(file_fields(definition["input"], markers)))
    }
    lines = [f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in classes.items()]
    text = '{"file_fields": 1, "classes": {\n' + ",\n".join(lines) + "\n}}\n"
    TARGET.write_text(text, "utf-8", newline="\n")
    print(f"{TARGET}: {len(classes)} of {len(info)} classes")


def model_folders(comfyui: Path, python: str) -> dict[str, tuple[list[str], list[str]]]:
    run = [python, "-c", ASK_FOLDERS]
    answer = subprocess.run(run, cwd=comfyui, check=True, capture_output=True, text=True).stdout
    folders: dict[str, tuple[list[str], list[str]]] = json.loads(answer)
    del folders["custom_nodes"]
    return folders


def make_markers(base: Path, folders: Mapping[str, tuple[list[str], list[str]]]) -> dict[str, str]:
    """Put the markers below `base`; what the markers are listed as -> the folder they stand for.

    ComfyUI has two places for some folders (`unet` is the old name of `diffusion_models`); the name
    that its table has is the one that counts.
    """
    markers, files = {}, []
    for name, (places, suffixes) in folders.items():
        for place in places:
            marker = f"{name}-{place}-marker"
            if suffixes == ["folder"]:
                files.append(f"models/{place}/{marker}/model_index.json")
                markers[marker] = f"models/{name}/"
            else:
                marker += ".safetensors" if ".safetensors" in suffixes else suffixes[0]
                files.append(f"models/{place}/{marker}")
                markers[marker] = f"models/{name}"
    for name in INPUTS:
        folder, slash, stem = name.rpartition("/")
        marker = f"{folder}{slash}input-marker-{stem}"
        files.append(f"input/{marker}")
        markers[marker] = "input"
    files.append(f"input/input-marker-{INPUT_FOLDER}/a.png")
    markers[f"input-marker-{INPUT_FOLDER}"] = "input/"
    for file in files:
        (base / file).parent.mkdir(parents=True, exist_ok=True)
        (base / file).touch()
    return markers


def object_info(comfyui: Path, python: str, base: str) -> dict[str, Any]:
    """What a ComfyUI without node packs says of its classes when it runs on `base`."""
    run = [python, "main.py", "--cpu", "--base-directory", base, "--port", str(PORT)]
    run += ["--disable-auto-launch", "--disable-all-custom-nodes"]
    (Path(base) / "custom_nodes").mkdir()
    server = subprocess.Popen(run, cwd=comfyui)
    try:
        for _ in range(START_S):
            time.sleep(1)
            if server.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{PORT}/object_info") as answer:
                    info: dict[str, Any] = json.load(answer)
                    return info
            except URLError:
                continue
        raise SystemExit("ComfyUI did not start; its messages stand above")
    finally:
        server.terminate()
        server.wait()


def file_fields(
    inputs: Mapping[str, Any], markers: Mapping[str, str], outer: str = ""
) -> Iterator[tuple[str, str]]:
    """(field, folder) of the inputs whose choices hold a marker."""
    for section in ("required", "optional"):
        for name, (kind, *rest) in (inputs.get(section) or {}).items():
            choices = kind if isinstance(kind, list) else (rest or [{}])[0].get("options") or []
            folders = {markers[one] for one in choices if isinstance(one, str) and one in markers}
            if len(folders) > 1:
                raise SystemExit(f"{outer}{name} lists files of several folders: {folders}")
            yield from ((f"{outer}{name}", folder) for folder in folders)
            for one in choices:
                if isinstance(one, dict) and "inputs" in one:
                    yield from file_fields(one["inputs"], markers, f"{outer}{name}.")


if __name__ == "__main__":
    main()
