from __future__ import annotations

import os
from pathlib import Path

import pytest

from runflow_build.engines.embedded.input_files import input_file
from runflow_build.engines.embedded.node_class import NodeError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a subfolder, and links out; the folder itself is reached by a link."""
    real = tmp_path / "real"
    (real / "sub").mkdir(parents=True)
    for path in (tmp_path / "secret.png", real / "a.png", real / "sub" / "b.png"):
        path.touch()
    (real / "out.png").symlink_to(tmp_path / "secret.png")
    (real / "up").symlink_to(tmp_path)
    (real / "circle").symlink_to(real / "circle")
    os.mkfifo(real / "pipe")
    (tmp_path / "input").symlink_to(real)
    return tmp_path / "input"


@pytest.mark.parametrize("name", ["a.png", "a.png [input]", "./a.png", "sub/../a.png"])
def test_a_name_means_the_file_below_the_folder(name: str, folder: Path) -> None:
    assert input_file(folder, name).samefile(folder / "a.png")


@pytest.mark.parametrize("name", ["sub/b.png", "sub\\b.png"])
def test_both_slashes_separate(name: str, folder: Path) -> None:
    assert input_file(folder, name).samefile(folder / "sub" / "b.png")


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "/etc/hosts",
        "C:\\a.png",
        "\\\\host\\a",
        "out.png",
        "up/secret.png",
        "a\0b",
        "\ud800",
    ],
)
def test_a_name_that_leads_out_is_refused(name: str, folder: Path) -> None:
    with pytest.raises(NodeError) as caught:
        input_file(folder, name)
    assert str(caught.value) == f"the file name {name!r} is not a path inside the input folder"


@pytest.mark.parametrize("name", ["none.png", "sub", "", ".", "pipe", "a" * 5000])
def test_what_is_no_file_is_named(name: str, folder: Path) -> None:
    with pytest.raises(NodeError) as caught:
        input_file(folder, name)
    assert str(caught.value) == f"there is no file {name!r} in the input folder"


@pytest.mark.parametrize("name", ["a.png [output]", "a.png [temp]"])
def test_other_folders_of_comfyui_are_refused(name: str, folder: Path) -> None:
    with pytest.raises(NodeError) as caught:
        input_file(folder, name)
    assert str(caught.value) == (
        f"the file {name!r} is not in the input folder, the only one that is read"
    )
