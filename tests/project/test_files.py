"""Reading a file, and all that can be wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runflow_build.errors import SpecError, WorkflowError
from runflow_build.findings import Finding
from runflow_build.project.files import read_file, spec_bytes, text_of
from runflow_build.project.paths import ProjectPaths


def refused(path: Path, largest: int = 100) -> Finding:
    with pytest.raises(WorkflowError) as caught:
        read_file(path, f"flows/{path.name}", largest, WorkflowError)
    (finding,) = caught.value.findings
    assert finding.where.file == f"flows/{path.name}"
    return finding


def test_a_file_is_read_up_to_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 100)
    assert read_file(path, "a.json", 100, WorkflowError) == b"x" * 100
    assert refused(path, 99).code == "file-too-large"


def test_a_file_as_large_as_it_claims_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(80 * 2**20)  # sparse
    assert refused(path, 64 * 2**20).message == "the file has 80.0 MiB; 64 MiB are allowed"


def test_a_missing_file_gets_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "portrait.json").touch()
    (tmp_path / "notes.txt").touch()
    finding = refused(tmp_path / "potrait.json")
    assert finding.code == "file-missing"
    assert finding.message == (
        "flows/potrait.json does not exist; did you mean `flows/portrait.json`?"
    )


def test_a_missing_folder_is_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone" / "a.json").message == "flows/a.json does not exist"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path).message.endswith("cannot be read: it is a folder")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert refused(tmp_path / "a" / "b.json").code == "file-unreadable"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").message.endswith("it is not a regular file")


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_circle_of_links_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    assert refused(tmp_path / "a").code == "file-unreadable"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").touch(mode=0o000)
    assert refused(tmp_path / "a").code == "file-unreadable"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a\nb\xff", 2, "byte 4 is not UTF-8"),
        ("{}".encode("utf-16"), None, "the file is UTF-16, not UTF-8"),
    ],
)
def test_what_is_not_utf_8_is_said(data: bytes, line: int | None, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        text_of(data, "runflow.yaml", SpecError)
    (finding,) = caught.value.findings
    assert (finding.code, finding.message, finding.where.line) == ("file-not-text", message, line)


def test_without_runflow_yaml_init_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="runflow init WORKFLOW"):
        spec_bytes(ProjectPaths(tmp_path))


def test_a_runflow_yml_is_to_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "runflow.yml").touch()
    with pytest.raises(SpecError, match=r"rename runflow\.yml"):
        spec_bytes(ProjectPaths(tmp_path))
