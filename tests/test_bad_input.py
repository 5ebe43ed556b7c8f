"""Bad input is normal input: each folder of cases/bad/ is a project, expected.txt the whole talk.

expected.txt is a transcript. A line `$ runflow …` is run in a copy of the folder; what follows is
everything it said, and `exit N`. `make.py` makes, in the copy, what does not belong into git: huge
or binary files. `<project>` stands for the copy's path.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from runflow_build.cli.main import main

CASES = Path(__file__).parent / "cases" / "bad"


def transcript(commands: list[str], project: Path) -> str:
    """What the commands say, one after the other, in the form of expected.txt."""
    told = []
    for command in commands:
        screen = io.StringIO()
        program, *argv = shlex.split(command)
        assert program == "runflow"
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            try:
                code: object = main(argv)
            except SystemExit as stop:  # argparse
                code = stop.code
        told.append(f"$ {command}\n{screen.getvalue()}exit {code}\n")
    return "".join(told).replace(str(project), "<project>")


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_bad_input_gets_the_whole_expected_message(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(case, project)
    expected = (project / "expected.txt").read_text(encoding="utf-8")
    (project / "expected.txt").unlink()
    monkeypatch.chdir(project)
    if (project / "make.py").exists():
        runpy.run_path("make.py", run_name="__main__")
    commands = [line[2:] for line in expected.splitlines() if line.startswith("$ ")]

    assert transcript(commands, project) == expected
    leftovers = [path.name for path in project.rglob("*") if path.suffix == ".tmp"]
    assert not leftovers, "no half-written file is left behind"
