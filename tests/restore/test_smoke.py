"""A ComfyUI is started, asked for its classes, and ended: a small one here, the real one below."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from restorable import COMFYUI_FILES, HERE, PACK, UPSTREAM, restorable

from runflow_build.lock.model import ComfyUIPin, NodePackPin
from runflow_build.restore.smoke import import_errors, smoke
from runflow_build.sources.install import Install

GOOD = "NODE_CLASS_MAPPINGS = {'KJResize': object}\n"
BAD = "import a_module_that_nobody_has\n"


def install(folder: Path, **packs: str) -> Install:
    """A ComfyUI with node packs: name -> text of its __init__.py."""
    files = {**COMFYUI_FILES, **{f"custom_nodes/{name}/__init__.py": packs[name] for name in packs}}
    for name, text in files.items():
        path = folder / "ComfyUI" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    environment = folder / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    return Install(folder / "ComfyUI", folder / "ComfyUI", environment)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in's Python is a symbolic link")
class TestStarted:
    def test_a_comfyui_that_has_all_classes_has_no_findings(self, tmp_path: Path) -> None:
        place = install(tmp_path, KJNodes=GOOD)
        assert smoke(place, {"EmptyImage": None, "KJResize": "KJNodes"}, ["KJNodes"]) == []

    def test_a_pack_that_cannot_be_imported_is_named_with_the_error(self, tmp_path: Path) -> None:
        found = smoke(install(tmp_path, KJNodes=BAD), {"KJResize": "KJNodes"}, ["KJNodes"])
        assert [(one.code, one.message) for one in found] == [
            ("smoke-pack-failed", "the node pack KJNodes cannot be imported"),
            ("smoke-class-missing", "ComfyUI does not have the node class KJResize"),
        ]
        said = "No module named 'a_module_that_nobody_has'"
        assert found[0].also == (("said", said),)
        assert found[1].also == (("pack", "KJNodes should bring it"), ("said", said))

    def test_a_class_of_nobody_is_missing_all_the_same(self, tmp_path: Path) -> None:
        (one,) = smoke(install(tmp_path), {"Gone": None}, [])
        assert (one.code, one.also) == ("smoke-class-missing", ())

    def test_a_comfyui_that_does_not_start_says_why(self, tmp_path: Path) -> None:
        place = install(tmp_path)
        (tmp_path / "ComfyUI" / "main.py").write_text("import a_module_that_nobody_has\n")
        (one,) = smoke(place, {}, [])
        assert one.code == "comfyui-not-started"
        assert any("a_module_that_nobody_has" in text for _, text in one.also)
        assert one.fix and "--from" not in one.fix


REAL_LOG = """\
Traceback (most recent call last):
  File "/srv/ComfyUI/nodes.py", line 2154, in load_custom_node
ModuleNotFoundError: No module named 'gguf'

Cannot import /srv/ComfyUI/custom_nodes/ComfyUI-GGUF module for custom nodes: No module named 'gguf'
Skip /srv/ComfyUI/custom_nodes/empty pack module for custom nodes due to the lack of \
NODE_CLASS_MAPPINGS or NODES_LIST (need one).
Error while calling comfy_entrypoint in C:\\ComfyUI\\custom_nodes\\Modern: boom

Import times for custom nodes:
   0.0 seconds: /srv/ComfyUI/custom_nodes/websocket_image_save.py
   0.1 seconds (IMPORT FAILED): /srv/ComfyUI/custom_nodes/ComfyUI-GGUF
   0.1 seconds (IMPORT FAILED): /srv/ComfyUI/custom_nodes/Silent
"""


def test_import_errors_are_read_off_what_comfyui_says() -> None:
    assert import_errors(REAL_LOG) == {
        "ComfyUI-GGUF": "No module named 'gguf'",
        "empty pack": "due to the lack of NODE_CLASS_MAPPINGS or NODES_LIST (need one).",
        "Modern": "boom",
        "Silent": "ComfyUI says no more than that",
    }


def test_a_token_in_an_error_is_not_shown() -> None:
    log = "Cannot import /x/custom_nodes/A module for custom nodes: https://u:hunter2@x/y failed"
    assert "hunter2" not in import_errors(log)["A"]


COMFYUI = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()
REAL_PACK = """\
import torch
from comfy_extras.nodes_mask import MaskComposite


class KJResize(MaskComposite):
    pass


NODE_CLASS_MAPPINGS = {"KJResize": KJResize}
"""


@pytest.mark.comfyui
def test_the_real_comfyui_is_restored_from_nothing_but_a_lock_and_works(tmp_path: Path) -> None:
    packages = next(iter((COMFYUI / ".venv/lib").glob(f"python{HERE}/site-packages")), None)
    if not (COMFYUI / ".git").exists() or packages is None:
        pytest.skip(f"no clone of ComfyUI with a .venv of Python {HERE} in {COMFYUI}")
    argv = ["git", "-C", str(COMFYUI), "ls-files", "-z"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split("\0")
    files = {name: COMFYUI / name for name in listed if name and (COMFYUI / name).is_file()}
    with restorable(tmp_path) as world:
        # A clone by hand may lack objects; a commit of its files has all.
        commit = world.repository(UPSTREAM, {name: files[name].read_bytes() for name in files})
        pack = world.repository(PACK, {"__init__.py": REAL_PACK})
        pin = NodePackPin(repository=PACK, commit=pack, classes=["KJResize"])
        world.pin(
            comfyui=ComfyUIPin(repository=UPSTREAM, ref="v0.8.0", commit=commit),
            nodes={"KJNodes": pin},
        )
        code, told = world.restore()
        assert code == 0, told
        # Gigabytes of packages are another test's affair: those of the real one are borrowed.
        (site,) = world.into.glob(".venv/lib/python*/site-packages")
        (site / "borrowed.pth").write_text(f"{packages}\n")
        code, told = world.verify("--smoke")
        assert code == 0, told
        assert "and ComfyUI works" in told
        broken = {"__init__.py": "import a_module_that_nobody_has\n"}
        pin = pin.model_copy(update={"commit": world.repository(PACK, broken)})
        world.pin(nodes={"KJNodes": pin})
        assert world.restore()[0] == 0
        code, told = world.verify("--smoke")
        assert code == 1
        assert "smoke-class-missing: ComfyUI does not have the node class KJResize" in told
        assert "No module named 'a_module_that_nobody_has'" in told
