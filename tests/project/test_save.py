"""Files are written whole or not at all; the failures are real ones."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from runflow_build.errors import SaveError
from runflow_build.project.paths import ProjectPaths
from runflow_build.project.save import exclusive, save_files, state_folder

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions and limits")
unprivileged = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere"
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A fresh interpreter in which the code runs; it may use `sys.argv[1:]` and standard input."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    files = {tmp_path / "a" / "b.txt": "é\n", tmp_path / "c.bin": b"\x00\r\n"}
    assert save_files(files) == list(files)
    assert (tmp_path / "a" / "b.txt").read_bytes() == "é\n".encode()
    assert (tmp_path / "c.bin").read_bytes() == b"\x00\r\n"
    assert names(tmp_path) == ["a", "b.txt", "c.bin"]


def test_a_file_that_is_the_same_already_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"same")
    os.utime(path, (1, 1))
    assert save_files({path: "same", tmp_path / "b": "new"}) == [tmp_path / "b"]
    assert path.stat().st_mtime == 1


@posix
def test_a_new_file_gets_the_mode_of_the_umask_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("x")
    old.chmod(0o640)
    former = os.umask(0o027)
    try:
        save_files({old: "y", new: "y"})
    finally:
        os.umask(former)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


@posix
def test_a_link_is_replaced_and_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.write_text("precious")
    link = tmp_path / "runflow.lock"
    link.symlink_to(secret)
    save_files({link: "new"})
    assert secret.read_text() == "precious"
    assert not link.is_symlink()


def test_a_folder_in_the_way_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(SaveError) as caught:
        save_files({tmp_path / "a": "1", tmp_path / "b": "2"})
    (finding,) = caught.value.findings
    assert finding.code == "file-not-written"
    assert finding.message.startswith("b cannot be written: ")
    assert names(tmp_path) == ["b"]


@unprivileged
def test_a_folder_that_may_not_be_written_says_how_to_mend_it(tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    with pytest.raises(SaveError) as caught:
        save_files({folder / "a": "1"})
    assert (caught.value.findings[0].fix or "").startswith("make the folder and the file writable")


@posix
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """The limit on the size of files fails a write in the middle, as a full disk does."""
    for name in ("a", "runflow.lock"):
        (tmp_path / name).write_text("old")
    done = python(
        """
        import resource, signal, sys
        from pathlib import Path
        from runflow_build.errors import SaveError
        from runflow_build.project.save import save_files
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        root = Path(sys.argv[1])
        try:
            save_files({root / "a": "new", root / "runflow.lock": "x" * 1_000_000})
        except SaveError as error:
            print(error)
        """,
        str(tmp_path),
    )
    told, _ = done.communicate(timeout=60)
    assert told == (
        "runflow.lock: error file-not-written: runflow.lock cannot be written: File too large\n"
        "  state     nothing was changed\n"
        "  fix       raise the limit on the size of files, and run the command again\n"
    )
    assert names(tmp_path) == ["a", "runflow.lock"]
    assert (tmp_path / "a").read_text() == (tmp_path / "runflow.lock").read_text() == "old"


@posix
def test_an_interrupt_in_the_middle_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """The signal comes while the first of many files lie beside their targets."""
    (tmp_path / "runflow.lock").write_text("old")
    process = python(
        """
        import os, sys
        from pathlib import Path
        from runflow_build.project.save import save_files
        root = Path(sys.argv[1])
        files = {root / f"{n:04}": os.urandom(200_000) for n in range(400)}
        print("ready", flush=True)
        try:
            save_files({**files, root / "runflow.lock": "new"})
        except KeyboardInterrupt:
            print("interrupted")
        """,
        str(tmp_path),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 30
    while len(names(tmp_path)) < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert told == "interrupted\n"
    assert names(tmp_path) == ["runflow.lock"]
    assert (tmp_path / "runflow.lock").read_text() == "old"


# -- one writer at a time


def test_two_writers_take_turns(tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    events: list[str] = []
    held = threading.Event()

    def other() -> None:
        held.wait()
        with exclusive(paths):
            events.append("second")

    thread = threading.Thread(target=other)
    thread.start()
    with exclusive(paths):
        held.set()
        time.sleep(0.1)
        events.append("first")
    thread.join()
    assert events == ["first", "second"]


def test_a_writer_in_another_process_is_waited_for(tmp_path: Path) -> None:
    process = python(
        """
        import sys, time
        from pathlib import Path
        from runflow_build.project.paths import ProjectPaths
        from runflow_build.project.save import exclusive
        with exclusive(ProjectPaths(Path(sys.argv[1]))):
            print("held", flush=True)
            sys.stdin.readline()
        """,
        str(tmp_path),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(SaveError) as caught, exclusive(ProjectPaths(tmp_path), 0.1):
            raise AssertionError("two writers at once")
        assert caught.value.findings[0].code == "project-busy"
    finally:
        process.kill()
        process.communicate()
    with exclusive(ProjectPaths(tmp_path), 10):
        pass  # the system freed what the killed process held


def test_the_lock_is_freed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(ProjectPaths(tmp_path)):
        raise ZeroDivisionError
    with exclusive(ProjectPaths(tmp_path), 0):
        pass


def test_the_state_folder_is_made(tmp_path: Path) -> None:
    assert state_folder(ProjectPaths(tmp_path)) == tmp_path / ".runflow"
    assert (tmp_path / ".runflow").is_dir()


@unprivileged
def test_a_state_folder_that_may_not_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / ".runflow").mkdir(mode=0o500)
    with pytest.raises(SaveError) as caught:
        state_folder(ProjectPaths(tmp_path))
    (finding,) = caught.value.findings
    assert finding.fix == "make the folder and the file writable, and run the command again"


def test_a_file_below_the_state_folder_is_named_with_its_folders(tmp_path: Path) -> None:
    (tmp_path / ".runflow").write_text("in the way")
    with pytest.raises(SaveError) as caught:
        save_files({ProjectPaths(tmp_path).bundle("poster"): "{}"})
    (finding,) = caught.value.findings
    assert finding.where.file == ".runflow/build/poster.json"
    assert "delete the file" in (finding.fix or "")
