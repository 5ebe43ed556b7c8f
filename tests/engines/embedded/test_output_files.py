from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.output_files import (
    save_file,
    save_files,
    save_pictures,
    windows_allows,
)

TWO = np.zeros((2, 3, 5, 3), np.float32)


@pytest.fixture(params=["with links", "without links"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One on which a file can have two names, and one on which it cannot."""
    if request.param == "without links":

        def link(*_: Path) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)


def names(run: Run, prefix: str) -> list[str]:
    paths = save_pictures(run, TWO, prefix, 4)
    assert all(path.is_file() for path in paths)
    return [path.relative_to(run.folders.output).as_posix() for path in paths]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("file_system")
def test_numbers_go_on_where_the_folder_ends(run: Run) -> None:
    assert names(run, "a") == ["a_00001_.png", "a_00002_.png"]
    assert names(run, "b") == ["b_00001_.png", "b_00002_.png"]
    assert names(run, "a") == ["a_00003_.png", "a_00004_.png"]


@pytest.mark.parametrize(
    ("there", "first"),
    [
        ("a_00007_.png", "a_00008_.png"),
        ("a_00007_.webp", "a_00008_.png"),
        ("a_7", "a_00008_.png"),
        ("a_00007_more_.png", "a_00008_.png"),
        ("a_123456_.png", "a_123457_.png"),
        ("a_99999_.png", "a_100000_.png"),
        ("a_banner.png", "a_00001_.png"),
        ("ab_00007_.png", "a_00001_.png"),
        ("a-9_.png", "a_00001_.png"),
        ("b_a_00009_.png", "a_00001_.png"),
    ],
)
def test_numbers_are_counted_as_comfyui_does(there: str, first: str, run: Run) -> None:
    (run.folders.output / there).touch()
    assert names(run, "a")[0] == first


@pytest.mark.usefixtures("file_system")
def test_no_file_is_ever_written_over(run: Run) -> None:
    # ComfyUI does not see these when it counts: the mark is not in their names.
    for name in ("n0_00001_.png", "n1_00003_.png"):
        (run.folders.output / name).write_text("kept")
    assert names(run, "n%batch_num%") == ["n0_00002_.png", "n1_00004_.png"]
    assert (run.folders.output / "n0_00001_.png").read_text() == "kept"


@pytest.mark.usefixtures("file_system")
def test_runs_that_share_a_folder_share_no_file(run: Run) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: names(run, "a"), range(24)))
    assert sorted(chain(*found)) == [f"a_{number:05}_.png" for number in range(1, 49)]
    assert len(list(run.folders.output.iterdir())) == 48


def test_a_single_file_keeps_the_batch_mark(run: Run) -> None:
    (path,) = save_file(run, "n%batch_num%", ".bin", lambda file: None)
    assert path == run.folders.output / "n%batch_num%_00001_.bin"


@pytest.mark.parametrize(
    ("prefix", "first"),
    [
        ("sub/deep/a", "sub/deep/a_00001_.png"),
        ("sub\\a", "sub/a_00001_.png"),
        ("sub/../a", "a_00001_.png"),
        ("sub/", "sub_00001_.png"),
        ("%width%x%height%", "5x3_00001_.png"),
        ("n%batch_num%", "n0_00001_.png"),
        ("50%", "50%_00001_.png"),
        ("%foo%", "%foo%_00001_.png"),
        ("", "._00001_.png"),
        ("sub/..", "._00001_.png"),
        ("..", ".._00001_.png"),
        (" é✓ ", " é✓ _00001_.png"),
        ("a_", "a__00001_.png"),
        ("a_00005_", "a_00005__00001_.png"),
    ],
)
def test_a_prefix_may_hold_folders_and_marks(prefix: str, first: str, run: Run) -> None:
    assert names(run, prefix)[0] == first


def test_a_prefix_may_hold_the_date(run: Run) -> None:
    (first, _) = names(run, "%year%-%month%-%day% %hour%.%minute%.%second%")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d_00001_\.png", first)


@pytest.mark.parametrize(
    "prefix", ["../a", "/tmp/a", "a/../../b", "C:\\a", "..\\a", "link/a", "\0/a", "a\0b", "\ud800"]
)
def test_a_prefix_that_leads_out_is_refused(prefix: str, run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (run.folders.output / "link").symlink_to(outside)
    with pytest.raises(NodeError, match=r"is not a path inside the output folder$"):
        save_pictures(run, TWO, prefix, 4)
    assert not list(outside.iterdir())


def test_what_the_system_refuses_is_named_without_the_folder(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        save_pictures(run, TWO, "sub/" + "a" * 400, 4)
    assert str(caught.value) == f"sub/{'a' * 400} cannot be written: File name too long"
    assert content(run.folders.output / "sub") == {}


def test_a_folder_that_is_a_file_is_named(run: Run) -> None:
    (run.folders.output / "sub").touch()
    with pytest.raises(NodeError, match=r"^sub/a cannot be written: "):
        save_pictures(run, TWO, "sub/a", 4)


@pytest.mark.parametrize(
    ("prefix", "allowed"),
    [
        ("a", True),
        ("sub/a.b c", True),
        ("NUL", True),  # the file is called NUL_00001_.png
        ("console/a", True),
        ("a.", True),
        ("a:b", False),
        ("a?", False),
        ('"a"', False),
        ("a\n", False),
        ("NUL/a", False),
        ("com1.old/a", False),
        ("sub./a", False),
        ("sub /a", False),
    ],
)
def test_what_windows_allows(prefix: str, allowed: bool) -> None:
    assert windows_allows(prefix) == allowed


def test_pictures_carry_no_text(run: Run) -> None:
    (path, _) = save_pictures(run, TWO, "a", 4)
    with Image.open(path) as picture:
        assert picture.info == {}


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_no_half_picture(tmp_path: Path) -> None:
    # The limit makes the write fail half-way, as a full disk does.
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.output_files import save_pictures
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
noise = np.random.default_rng(1).random((1, 64, 64, 3), np.float32)
folder = Path(sys.argv[1])
try:
    save_pictures(Run(RunFolders(folder, folder), DEFAULT_LIMITS), noise, "noise", 4)
except NodeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "noise cannot be written: File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), MemoryError()])
def test_a_writer_that_fails_leaves_nothing(error: BaseException, run: Run) -> None:
    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        raise error

    def whole(file: IO[bytes]) -> None:
        file.write(b"whole")

    with pytest.raises(type(error)):
        save_files(run, "a", ".bin", [whole, fail, whole])
    assert content(run.folders.output) == {"a_00001_.bin": b"whole"}


def test_a_file_has_no_name_until_it_is_whole(run: Run) -> None:
    def write(file: IO[bytes]) -> None:
        file.write(b"half")
        assert not list(run.folders.output.glob("a*"))

    save_file(run, "a", ".bin", write)
    assert content(run.folders.output) == {"a_00001_.bin": b"half"}


def test_a_cancelled_run_writes_no_more(folders: RunFolders) -> None:
    asked: list[bool] = []
    run = Run(folders, DEFAULT_LIMITS, cancelled=lambda: bool(asked) or bool(asked.append(True)))
    with pytest.raises(RunStoppedError):
        save_pictures(run, TWO, "a", 4)
    assert [path.name for path in folders.output.iterdir()] == ["a_00001_.png"]


def test_a_folder_that_takes_no_name_is_left_as_it_was(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "link", replace)
    with pytest.raises(NodeError, match=r"^a cannot be written: Input/output error$"):
        save_pictures(run, TWO, "a", 4)
    assert content(run.folders.output) == {}


def test_an_empty_batch_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^there is no picture to save$"):
        save_pictures(run, TWO[:0], "a", 4)
    assert content(run.folders.output) == {}
