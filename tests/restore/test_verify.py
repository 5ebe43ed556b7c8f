"""Each thing that is not as the lock says is a finding with its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runflow_build.restore.package_drift import PackageDrift
from runflow_build.restore.plan import InTheWay, Present, Tree
from runflow_build.restore.state import Restored
from runflow_build.restore.verify import differences
from runflow_build.restore.wanted import Wanted, WantedFile, WantedPackages, WantedTree
from runflow_build.sources.files import Content

CODE, PACK, OTHER = "c" * 40, "d" * 40, "e" * 40
MODEL, INPUT, STRANGE = "1" * 64, "2" * 64, "3" * 64
URL = "https://github.com/comfyanonymous/ComfyUI"
PACK_URL = "https://github.com/kijai/ComfyUI-KJNodes"
PACK_PLACE = "ComfyUI/custom_nodes/KJNodes"
MODEL_PLACE = "ComfyUI/models/loras/style.safetensors"
INPUT_PLACE = "ComfyUI/input/otter.png"

WANTED = Wanted(
    trees=(
        WantedTree("ComfyUI", "ComfyUI", URL, CODE),
        WantedTree("KJNodes", PACK_PLACE, PACK_URL, PACK),
    ),
    packages=WantedPackages("linux-cpu", "3.12", "pylock.linux-cpu.toml", "", 3, 900),
    files=(
        WantedFile("models/loras/style.safetensors", MODEL_PLACE, MODEL, 70, None),
        WantedFile("input/otter.png", INPUT_PLACE, INPUT, 5, None),
    ),
)
SAME = Present(
    trees={"ComfyUI": Tree(CODE, URL), PACK_PLACE: Tree(PACK, PACK_URL)},
    files={MODEL_PLACE: Content(MODEL, 70), INPUT_PLACE: Content(INPUT, 5)},
    environment=True,
)


def told(present: Present) -> list[tuple[str, str | None]]:
    return [(one.code, one.where.file) for one in differences(WANTED, present)]


def test_a_folder_as_the_lock_says_has_no_differences() -> None:
    assert differences(WANTED, SAME) == []


def test_an_empty_folder_lacks_each_thing_by_name() -> None:
    assert told(Present()) == [
        ("drift-missing", place)
        for place in ("ComfyUI", PACK_PLACE, ".venv", MODEL_PLACE, INPUT_PLACE)
    ]


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        (Tree(OTHER, PACK_URL), "drift-commit"),
        (Tree(None, PACK_URL), "drift-commit"),
        (Tree(PACK, "https://github.com/fork/ComfyUI-KJNodes"), "drift-commit"),
        (InTheWay("a folder that is no git clone"), "drift-commit"),
        (Tree(PACK, PACK_URL, changes=("nodes.py",)), "drift-files"),
        (Tree(PACK, PACK_URL, submodules=("lib",)), "drift-submodule"),
    ],
)
def test_a_pack_that_differs_is_named(tree: Tree | InTheWay, code: str) -> None:
    present = replace(SAME, trees={**SAME.trees, PACK_PLACE: tree})
    assert told(present) == [(code, PACK_PLACE)]


def test_changed_files_are_named_up_to_a_number() -> None:
    changes = tuple(f"{number:02}.py" for number in range(25))
    tree = Tree(PACK, PACK_URL, changes=changes)
    (one,) = differences(WANTED, replace(SAME, trees={**SAME.trees, PACK_PLACE: tree}))
    ((_, files),) = one.also
    assert files.splitlines()[0] == "00.py"
    assert files.splitlines()[-1] == "and 5 more"


def test_a_pack_that_nobody_locked_is_named() -> None:
    assert told(replace(SAME, strangers=["Mine"])) == [("drift-pack", "ComfyUI/custom_nodes/Mine")]


def test_a_package_that_differs_is_told_as_its_environment_says() -> None:
    off = [PackageDrift("torch", "version", "torch is 2.7, and 2.8 is locked")]
    (one,) = differences(WANTED, replace(SAME, packages=off))
    assert (one.code, one.message) == ("drift-package", "torch is 2.7, and 2.8 is locked")


def test_a_package_beyond_the_lock_may_be_of_an_install_script_that_was_allowed() -> None:
    present = replace(SAME, packages=[PackageDrift("gguf", "extra", "gguf is not locked")])
    assert differences(WANTED, present)[0].severity == "error"
    ran = replace(present, state=Restored(scripts={"KJNodes": PACK}))
    assert differences(WANTED, ran)[0].severity == "warning"


@pytest.mark.parametrize("found", [Content(STRANGE, 70), InTheWay("a folder")])
@pytest.mark.parametrize(
    ("place", "code"), [(MODEL_PLACE, "drift-model"), (INPUT_PLACE, "drift-resource")]
)
def test_a_file_with_another_content_is_named(
    place: str, code: str, found: Content | InTheWay
) -> None:
    assert told(replace(SAME, files={**SAME.files, place: found})) == [(code, place)]


def test_a_remote_with_a_password_is_named_without_it() -> None:
    tree = Tree(PACK, "https://user:hunter2@evil.example/a/b")
    (one,) = differences(WANTED, replace(SAME, trees={**SAME.trees, PACK_PLACE: tree}))
    assert "hunter2" not in str(one)
