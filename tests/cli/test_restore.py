"""`runflow restore` and `verify` as people and programs see them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from restorable import PACK, PACK_FILES, Restorable, restorable

from runflow_build.cli.main import main
from runflow_build.lock.model import NodePackPin


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restorable]:
    with restorable(tmp_path) as world:
        for name, value in world.environ.items():
            monkeypatch.setenv(name, value)
        yield world


def restore(world: Restorable, *argv: str) -> int:
    return main(["-C", str(world.root), "restore", "--into", str(world.into), *argv])


def verify(world: Restorable, *argv: str) -> int:
    return main(["-C", str(world.root), "verify", str(world.into), *argv])


def test_a_log_gets_plain_lines_and_the_end_says_what_is_next(world: Restorable) -> None:
    code, told = world.restore()
    assert code == 0
    assert "done: checkout ComfyUI" in told.splitlines()
    assert "\x1b" not in told
    assert f"next: `runflow verify {world.into}`" in told
    assert world.restore() == (0, f"{world.into} is what the lock says already (linux-cpu)\n")


def test_the_plan_says_bytes_seconds_and_the_rate(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore(world, "--dry-run") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith(
        "5 steps, 701 kB to fetch and what 2 of unknown size have: about 0 s"
    )
    assert told[-1].endswith("at the assumed 50.0 MB/s")
    assert any("not trusted" not in line and "trusted" in line for line in told)


def test_a_bad_option_is_the_callers_mistake(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore(world, "--trust", "kijai/*") == 2
    assert "trust-malformed" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_left_alone(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    world.into.write_text("mine")
    assert restore(world) == 1
    assert "restore-in-the-way" in capsys.readouterr().err
    assert world.into.read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(
    ("answers", "code", "is_there"),
    [("y\n\n", 0, True), ("y\nn\n", 1, False), ("n\n", 1, False), ("\n", 1, False)],
)
def test_on_a_terminal_each_repository_and_the_plan_are_asked_about(
    world: Restorable, answers: str, code: int, is_there: bool
) -> None:
    world.policy = {}
    world.write()
    ended, told = on_terminal(world.command("restore", "--into", str(world.into)), answers)
    assert "kijai/KJNodes is not trusted by the policy" in told
    assert (ended, (world.into / "ComfyUI").exists()) == (code, is_there), told


def test_with_yes_the_plan_is_not_asked_about_but_code_is(world: Restorable) -> None:
    world.policy = {}
    world.write()
    argv = world.command("restore", "--into", str(world.into), "--yes")
    ended, told = on_terminal(argv, "y\n")
    assert (ended, "go on?" in told, "trust it?" in told) == (0, False, True), told


def on_terminal(argv: list[str], answers: str) -> tuple[int, str]:
    """Run a command on a terminal of its own where somebody types; the exit code, and the talk."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execv(argv[0], argv)
    os.write(terminal, answers.encode())
    told = b""
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # Linux: the other side has ended
            break
        if not chunk:
            break
        told += chunk
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told.decode("utf-8", "replace")


# -- verify


def test_each_difference_is_named_and_the_exit_code_is_one(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore(world) == 0
    pack = world.code / "custom_nodes/KJNodes"
    (pack / "__init__.py").write_text("mine\n")
    (world.code / "custom_nodes/Mine").mkdir()
    (world.code / "input/otter.txt").write_text("edited")
    model = world.code / "models/loras/style.safetensors"
    model.unlink()
    (module,) = world.into.glob(".venv/[lL]ib/**/site-packages/tiny/__init__.py")
    module.unlink()
    module.write_text("evil = True\n")
    capsys.readouterr()
    assert verify(world, "--json", "--deep") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is False
    assert sorted(one["code"] for one in found["findings"]) == [
        "drift-files",
        "drift-missing",
        "drift-pack",
        "drift-package",
        "drift-resource",
    ]


def test_smoke_starts_the_restored_comfyui_and_finds_what_a_pack_lacks(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore(world) == 0
    assert verify(world, "--smoke") == 0
    assert "and ComfyUI works" in capsys.readouterr().out
    broken = {**PACK_FILES, "__init__.py": "import a_module_that_nobody_has\n"}
    pin = NodePackPin(repository=PACK, commit=world.repository(PACK, broken), classes=["KJResize"])
    world.pin(nodes={"KJNodes": pin})
    assert restore(world) == 0
    capsys.readouterr()
    assert verify(world, "--smoke") == 1
    told = capsys.readouterr().err
    assert "smoke-pack-failed" in told
    assert "smoke-class-missing: ComfyUI does not have the node class KJResize" in told
    assert "No module named 'a_module_that_nobody_has'" in told


def test_a_folder_that_is_not_there_cannot_be_verified(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(world) == 1
    assert "install-missing" in capsys.readouterr().err
