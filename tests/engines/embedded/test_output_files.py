from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.output_files import save_pictures

TWO = np.zeros((2, 3, 5, 3), np.float32)


@pytest.fixture
def run(folders: RunFolders) -> Run:
    return Run(folders, DEFAULT_LIMITS)


def names(run: Run, prefix: str) -> list[str]:
    paths = save_pictures(run, TWO, prefix, 4)
    assert all(path.is_file() for path in paths)
    return [path.relative_to(run.folders.output).as_posix() for path in paths]


def test_numbers_go_on_where_the_folder_ends(run: Run) -> None:
    assert names(run, "a") == ["a_00001_.png", "a_00002_.png"]
    assert names(run, "b") == ["b_00001_.png", "b_00002_.png"]
    assert names(run, "a") == ["a_00003_.png", "a_00004_.png"]


def test_other_files_of_the_same_beginning_do_not_count(run: Run) -> None:
    for name in ("a_banner.png", "ab_00007_.png", "a-9_.png"):
        (run.folders.output / name).touch()
    assert names(run, "a") == ["a_00001_.png", "a_00002_.png"]


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
    ],
)
def test_a_prefix_may_hold_folders_and_marks(prefix: str, first: str, run: Run) -> None:
    assert names(run, prefix)[0] == first


def test_a_prefix_may_hold_the_date(run: Run) -> None:
    (first, _) = names(run, "%year%-%month%-%day% %hour%.%minute%.%second%")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d_00001_\.png", first)


@pytest.mark.parametrize(
    "prefix", ["../a", "/tmp/a", "a/../../b", "C:\\a", "..\\a", "link/a", "\0/a", "a\0b"]
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
        save_pictures(run, TWO, "a" * 400, 4)
    assert str(caught.value) == f"{'a' * 400} cannot be written: File name too long"


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
from runflow_build.engines.embedded.node_class import NodeError, Run
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
