"""The extra_model_paths.yaml of an installation, read as ComfyUI reads it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runflow_build.errors import ResolveError
from runflow_build.findings import render
from runflow_build.sources.extra_paths import FILE
from runflow_build.sources.install import Install, find_install

COMFYUI = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()
PYTHON = Path(os.environ.get("COMFYUI_PYTHON", COMFYUI / ".venv" / "bin" / "python"))

KINDS = ("loras", "checkpoints", "text_encoders", "clip", "diffusion_models", "custom_nodes")
FULL = """
other_ui:
  base_path: ../shared
  loras: |
    Lora
    LyCORIS/./deep/..
  clip: old/clip
  unet: old/unet
  custom_nodes: packs
home:
  base_path: ~/$KIND
  checkpoints: ckpt
  new: here
first:
  is_default: true
  loras: beside
  text_encoders: /srv/encoders
again:
  is_default: yes
  base_path: ../shared
  loras: Lora
last:
  is_default: no
  loras: beside
nothing:
"""

ASK = """
import json, sys
code, file, *kinds = sys.argv[1:-2]
sys.argv[1:] = sys.argv[-2:]
sys.path.insert(0, code)
import comfy.options; comfy.options.enable_args_parsing()
import folder_paths
from utils.extra_config import load_extra_path_config
load_extra_path_config(file)
print(json.dumps([folder_paths.get_folder_paths(kind) for kind in kinds]))
"""

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """A ComfyUI with that extra_model_paths.yaml."""

    def write(text: str) -> Path:
        code = tmp_path / "ComfyUI"
        code.mkdir()
        for name in ("main.py", "nodes.py"):
            (code / name).touch()
        (code / FILE).write_text(text, encoding="utf-8")
        return code

    return write


def test_its_folders_are_searched_after_comfyuis_own_or_before(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("KIND", "a111")
    code = written(FULL)
    models, shared, install = code / "models", tmp_path / "shared", find_install(code)
    kinds = ("loras", "checkpoints", "text_encoders", "diffusion_models", "custom_nodes", "new")
    assert {kind: list(install.folders(kind)) for kind in kinds} == {
        "loras": [
            shared / "Lora",
            code / "beside",
            models / "loras",
            shared / "LyCORIS",
        ],
        "checkpoints": [models / "checkpoints", tmp_path / "home/a111/ckpt"],
        "text_encoders": [
            Path("/srv/encoders"),
            models / "text_encoders",
            models / "clip",
            shared / "old/clip",
        ],
        "diffusion_models": [models / "unet", models / "diffusion_models", shared / "old/unet"],
        "custom_nodes": [code / "custom_nodes", shared / "packs"],
        "new": [models / "new", tmp_path / "home/a111/here"],
    }


@pytest.mark.comfyui
def test_comfyui_itself_searches_the_same_folders(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not PYTHON.exists():
        pytest.skip(f"no interpreter {PYTHON}; set COMFYUI_PYTHON")
    monkeypatch.setenv("KIND", "a111")
    code = written(FULL)
    words = [PYTHON, "-c", ASK, COMFYUI, code / FILE, *KINDS]
    said = subprocess.run(
        [*map(str, words), "--base-directory", str(code)], capture_output=True, text=True
    )
    assert said.stderr == ""
    install = find_install(code)
    assert json.loads(said.stdout) == [[str(one) for one in install.folders(k)] for k in KINDS]


def test_models_and_packs_that_lie_there_are_captured(written: Written, tmp_path: Path) -> None:
    install = find_install(written("x: {base_path: ../far, loras: L, custom_nodes: packs}\n"))
    lora, pack = tmp_path / "far/L/sub/a.safetensors", tmp_path / "far/packs/P/__init__.py"
    for path in (lora, pack):
        path.parent.mkdir(parents=True)
        path.touch()
    assert install.model("loras/sub/a.safetensors") == lora
    assert install.packs["P"].folder == pack.parent


def test_it_is_that_beside_the_real_main_py(written: Written, tmp_path: Path) -> None:
    code, linked = written("x: {loras: L}\n"), tmp_path / "linked"
    linked.mkdir()
    (linked / "main.py").symlink_to(code / "main.py")
    (linked / "nodes.py").symlink_to(code / "nodes.py")
    assert find_install(linked).folders("loras") == [linked / "models/loras", code / "L"]


@pytest.mark.parametrize("text", ["", "# all of it is a comment\n"])
def test_an_empty_file_names_nothing(written: Written, text: str) -> None:
    code = written(text)
    assert find_install(code) == Install(code, code, None)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("x:\n  loras: [a]\n", ":2:3", "extra-paths-invalid: `x.loras` is not the path of a"),
        ("x:\n  loras:\n", ":2:3", "extra-paths-invalid: `x.loras` is not the path of a"),
        ('x:\n  loras: "a\\0b"\n', ":2:3", "extra-paths-invalid: `x.loras` is not the path of a"),
        ("x:\n  base_path: 7\n", ":2:3", "extra-paths-invalid: `x.base_path` is not the path"),
        ("x:\n  loras: a\ny: b\n", ":3:1", "extra-paths-invalid: `y` is not a mapping"),
        ("- loras\n", "", "extra-paths-invalid: the file is not a mapping"),
        ("x: {loras: a\n", ":2:1", "yaml-syntax: a bracket is never closed"),
        ("x: &a {loras: a}\ny: *a\n", ":1:4", "yaml-anchor: "),
    ],
)
def test_an_odd_file_is_a_finding_that_says_where(
    written: Written, text: str, place: str, said: str
) -> None:
    code = written(text)
    with pytest.raises(ResolveError) as refused:
        find_install(code)
    assert render(refused.value.findings).startswith(f"{code / FILE}{place}: error {said}")


def test_a_file_that_is_no_text_is_a_finding(written: Written) -> None:
    code = written("")
    (code / FILE).write_bytes(b"x: {loras: \xff}\n")
    with pytest.raises(ResolveError, match="file-not-text"):
        find_install(code)
