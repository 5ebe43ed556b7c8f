from __future__ import annotations

import os
from pathlib import Path

import pytest

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.input_files import input_file
from runflow_build.engines.embedded.node_class import NodeError


@pytest.fixture
def folders(tmp_path: Path) -> RunFolders:
    """An input folder with a file, a subfolder, and links out, itself reached by a link."""
    real = tmp_path / "real"
    output = tmp_path / "output"
    for folder in (real / "sub", output / "sub"):
        folder.mkdir(parents=True)
    for path in (
        tmp_path / "secret.png",
        real / "a.png",
        real / "sub" / "b.png",
        real / "[output]",
        output / "made.png",
        output / "sub" / "b.png",
    ):
        path.touch()
    (real / "out.png").symlink_to(tmp_path / "secret.png")
    (real / "up").symlink_to(tmp_path)
    (real / "circle").symlink_to(real / "circle")
    (output / "out.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(real / "pipe")
    (tmp_path / "input").symlink_to(real)
    return RunFolders(tmp_path / "input", output)


@pytest.mark.parametrize("name", ["a.png", "a.png [input]", "./a.png", "sub/../a.png"])
def test_a_name_means_the_file_below_the_input_folder(name: str, folders: RunFolders) -> None:
    assert input_file(folders, name).samefile(folders.input / "a.png")


@pytest.mark.parametrize("name", ["sub/b.png", "sub\\b.png", "sub/b.png [input]"])
def test_both_slashes_separate(name: str, folders: RunFolders) -> None:
    assert input_file(folders, name).samefile(folders.input / "sub" / "b.png")


@pytest.mark.parametrize("name", ["made.png [output]", "sub/../made.png [output]"])
def test_a_suffix_names_the_output_folder(name: str, folders: RunFolders) -> None:
    assert input_file(folders, name).samefile(folders.output / "made.png")


def test_a_name_without_the_suffix_is_no_output(folders: RunFolders) -> None:
    with pytest.raises(NodeError, match=r"^there is no file 'made\.png' in the input folder$"):
        input_file(folders, "made.png")


@pytest.mark.parametrize("suffix", ["", " [output]"])
@pytest.mark.parametrize(
    "name",
    ["../secret.png", "/etc/hosts", "C:\\a.png", "\\\\host\\a", "out.png", "a\0b", "\ud800"],
)
def test_a_name_that_leads_out_is_refused(name: str, suffix: str, folders: RunFolders) -> None:
    kind = "output" if suffix else "input"
    with pytest.raises(NodeError) as caught:
        input_file(folders, name + suffix)
    assert str(caught.value) == (
        f"the file name {name + suffix!r} is not a path inside the {kind} folder"
    )
    assert caught.value.fix == (f"put the file into the {kind} folder and name it relative to that")


def test_a_linked_folder_that_leads_out_is_refused(folders: RunFolders) -> None:
    with pytest.raises(NodeError, match="is not a path inside the input folder"):
        input_file(folders, "up/secret.png")


@pytest.mark.parametrize("name", ["none.png", "sub", "", ".", "pipe", "a" * 5000])
def test_what_is_no_file_is_named(name: str, folders: RunFolders) -> None:
    with pytest.raises(NodeError) as caught:
        input_file(folders, name)
    assert str(caught.value) == f"there is no file {name!r} in the input folder"


def test_a_link_to_itself_is_no_file(folders: RunFolders) -> None:
    with pytest.raises(NodeError, match=r"'circle'"):  # how it fails depends on Python
        input_file(folders, "circle")


@pytest.mark.parametrize("name", ["none.png [output]", "sub [output]", "[output]"])
def test_what_is_no_output_is_named(name: str, folders: RunFolders) -> None:
    with pytest.raises(NodeError) as caught:
        input_file(folders, name)
    assert str(caught.value) == f"there is no file {name!r} in the output folder"


def test_previews_are_not_kept(folders: RunFolders) -> None:
    with pytest.raises(NodeError) as caught:
        input_file(folders, "a.png [temp]")
    assert str(caught.value) == "the file 'a.png [temp]' is not in the input folder"
