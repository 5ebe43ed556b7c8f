"""The frame of the command line: help, exit codes, errors as text and as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runflow_build import __version__
from runflow_build.cli.main import COMMANDS, main
from runflow_build.project.paths import ProjectPaths
from runflow_build.project.save import exclusive


def runflow(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runflow_build", *argv], capture_output=True, text=True, cwd=cwd
    )


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    told = capsys.readouterr().out
    assert stop.value.code == 0
    assert [name for name in COMMANDS if f"\n    {name} " not in told] == []
    assert "3 stale lock" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    told = capsys.readouterr().out
    assert stop.value.code == 0
    assert "example" in told
    assert f"  runflow {command}" in told


@pytest.mark.parametrize("argv", [[], ["publsh"], ["lock", "--no-such-option"], ["diff", "a", "b"]])
def test_wrong_use_is_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert "usage: runflow" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"runflow {__version__}\n"


def test_an_error_is_text_on_standard_error(tmp_path: Path) -> None:
    done = runflow("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("runflow.yaml: error file-missing: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_with_json_an_error_is_json_on_standard_output(tmp_path: Path) -> None:
    done = runflow("check", "--json", cwd=tmp_path)
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["code"], finding["severity"]) == ("file-missing", "error")
    assert done.stderr == ""


def test_what_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "runflow.yaml").write_text(
        "version: 1\ncomfyui: {ref: main}\nendpoints: {a: {workflow: ü中.json}}\n", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "runflow_build", "check"],
        capture_output=True, text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert "\\xfc\\u4e2d.json does not exist" in done.stdout


@pytest.mark.parametrize("argv", [["-C", "sub", "check"], ["check", "-C", "sub"]])
def test_the_folder_may_stand_before_or_behind_the_command(argv: list[str], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "runflow.yaml").write_text("version: 1\nmodles: {}\n")
    assert "did you mean `models`?" in runflow(*argv, cwd=tmp_path).stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m runflow_build --help | head -n 1",
        shell=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="needs a signal to a thread")
def test_control_c_is_one_word_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signal comes while the command waits for another one to be done with the folder."""
    (tmp_path / "runflow.yaml").write_text("version: 1\ncomfyui: {ref: main}\nendpoints: {}\n")
    main_thread = threading.get_ident()

    def interrupt() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not waits():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    def waits() -> bool:
        frame = sys._current_frames().get(main_thread)
        while frame and frame.f_code.co_name != "exclusive":
            frame = frame.f_back
        return frame is not None

    watcher = threading.Thread(target=interrupt)
    with exclusive(ProjectPaths(tmp_path)):
        watcher.start()
        assert main(["lock", "-C", str(tmp_path)]) == 130
    watcher.join()
    assert capsys.readouterr() == ("", "interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".runflow", "runflow.yaml"]
