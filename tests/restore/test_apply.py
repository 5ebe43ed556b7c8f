"""A whole restore over real git, real uv and real HTTP on loopback, through the command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from place import Fault
from restorable import (
    COMFYUI_FILES,
    MODEL,
    PACK,
    PACK_FILES,
    UPSTREAM,
    Restorable,
    restorable,
    tree_of,
)

from runflow_build.cli.main import main
from runflow_build.lock.model import EndpointPin, ModelPin, NodePackPin, ResourcePin

OTHER = b"another model"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restorable]:
    with restorable(tmp_path) as world:
        for name, value in world.environ.items():
            monkeypatch.setenv(name, value)
        yield world


@pytest.fixture
def restored(world: Restorable) -> Restorable:
    assert run(world) == 0
    return world


def run(world: Restorable, *argv: str, command: str = "restore") -> int:
    where = ["--into", str(world.into)] if command == "restore" else [str(world.into)]
    return main(["-C", str(world.root), command, *where, *argv])


def told(world: Restorable, capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    """What `restore --json` says."""
    capsys.readouterr()
    run(world, "--json", *argv)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [one["code"] for one in found["findings"]]


def steps(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["kind"], one["name"]) for one in found["steps"]]


def head(folder: Path) -> str:
    argv = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


# -- what is made


def test_an_empty_folder_becomes_what_the_lock_says(restored: Restorable) -> None:
    world = restored
    assert world.lock.comfyui
    assert head(world.code) == world.lock.comfyui.commit
    assert head(world.code / "custom_nodes/KJNodes") == world.lock.nodes["KJNodes"].commit
    assert (world.code / "models/loras/style.safetensors").read_bytes() == MODEL
    assert (world.code / "input/otter.txt").read_bytes() == b"an otter"
    assert list(world.into.glob(".venv/[lL]ib/**/site-packages/tiny/__init__.py"))
    assert run(world, command="verify") == 0


def test_the_second_time_there_is_nothing_to_do(
    restored: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(restored.files.place.asked), len(restored.index.asked)
    found = told(restored, capsys)
    assert (found["steps"], found["done"], found["findings"]) == ([], True, [])
    assert (len(restored.files.place.asked), len(restored.index.asked)) == before


def test_a_dry_run_shows_the_plan_and_makes_nothing(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(world, capsys, "--dry-run")
    assert steps(found) == [
        ("checkout", "ComfyUI"),
        ("checkout", "KJNodes"),
        ("environment", f"pylock.{found['target']}.toml"),
        ("model", "models/loras/style.safetensors"),
        ("resource", "input/otter.txt"),
    ]
    assert found["fetch"]["bytes"] >= len(MODEL)
    assert (found["done"], found["fetch"]["rate"]) == (False, "assumed")
    assert not world.into.exists()


def test_a_second_folder_takes_the_model_from_the_store(
    restored: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    restored.files.place.repos.clear()
    other = restored.folder / "other"
    assert main(["-C", str(restored.root), "restore", "--into", str(other)]) == 0
    assert (other / "ComfyUI/models/loras/style.safetensors").read_bytes() == MODEL


def test_an_input_file_is_a_copy_that_may_be_edited(restored: Restorable) -> None:
    (restored.code / "input/otter.txt").write_text("edited")
    assert (restored.root / "input/otter.txt").read_bytes() == b"an otter"


def test_an_input_file_with_a_url_is_fetched_and_is_a_copy(world: Restorable) -> None:
    pin = world.model("long.bin", OTHER)
    pins = {"input/long.bin": ResourcePin(sha256=pin.sha256, size=pin.size, url=pin.url)}
    world.pin(resources=pins)
    assert run(world) == 0
    file = world.code / "input/long.bin"
    assert (file.read_bytes(), os.access(file, os.W_OK)) == (OTHER, True)


def test_only_what_the_named_endpoints_use_is_restored(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = world.lock.nodes["KJNodes"].model_copy(update={"required_by": ["a"]})
    endpoint = EndpointPin(name="A", workflow="a.json", prompt="0" * 64)
    world.pin(nodes={"KJNodes": pin}, endpoints={"a": endpoint, "b": endpoint})
    kinds = {slug: steps(told(world, capsys, "--only", slug, "--dry-run")) for slug in "ab"}
    assert kinds["a"][:2] == [("checkout", "ComfyUI"), ("checkout", "KJNodes")]
    assert kinds["b"] == [one for one in kinds["a"] if one[1] != "KJNodes"]
    assert codes(told(world, capsys, "--only", "c", "--dry-run")) == ["endpoint-unknown"]


# -- a lock that changed


def test_a_newer_lock_moves_what_the_older_one_put_there(restored: Restorable) -> None:
    world = restored
    files = {**PACK_FILES, "new.py": "", "__init__.py": "NODE_CLASS_MAPPINGS = {}\n"}
    pack = world.repository(PACK, files)
    world.pin(
        nodes={"KJNodes": NodePackPin(repository=PACK, commit=pack)},
        models={"loras/style.safetensors": world.model("style.safetensors", OTHER)},
    )
    assert run(world) == 0
    assert head(world.code / "custom_nodes/KJNodes") == pack
    assert (world.code / "models/loras/style.safetensors").read_bytes() == OTHER
    assert run(world, command="verify") == 0


def test_an_old_lock_goes_back_although_runflow_yaml_moved_on(restored: Restorable) -> None:
    newer = {**COMFYUI_FILES, "comfyui_version.py": '__version__ = "0.9.0"\n'}
    restored.repository(UPSTREAM, newer)
    spec = restored.root / "runflow.yaml"
    spec.write_text(spec.read_text().replace("v0.8.0", "v0.9.0"))
    assert run(restored) == 0
    assert "0.8.0" in (restored.code / "comfyui_version.py").read_text()


# -- what is the user's


@pytest.mark.parametrize(
    "place",
    [
        "ComfyUI/models/loras/style.safetensors",
        "ComfyUI/input/otter.txt",
        "ComfyUI/custom_nodes/KJNodes/mine.py",
        "ComfyUI/mine.txt",
        ".venv/mine.txt",
    ],
)
def test_what_the_user_has_there_stays_and_nothing_is_done(
    world: Restorable, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = world.into / place
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    if place.startswith(".venv"):
        (world.into / ".venv/pyvenv.cfg").write_text("version = 3.12.1\n")
    before = tree_of(world.into)
    found = told(world, capsys)
    assert set(codes(found)) == {"restore-in-the-way"}
    assert tree_of(world.into) == before
    assert mine.read_text() == "mine"


def test_a_changed_model_is_not_replaced(
    restored: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    model = restored.code / "models/loras/style.safetensors"
    model.unlink()
    model.write_bytes(b"trained here")
    assert codes(told(restored, capsys)) == ["restore-in-the-way"]
    assert model.read_bytes() == b"trained here"


def test_changed_code_at_the_right_commit_stays_with_a_warning(
    restored: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    file = restored.code / "custom_nodes/KJNodes/__init__.py"
    file.write_text("mine\n")
    found = told(restored, capsys)
    assert (codes(found), found["done"]) == (["drift-files"], True)
    assert file.read_text() == "mine\n"


# -- what is missing or wrong, before anything is done


def test_without_a_lock_there_is_nothing_to_restore(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.root / "runflow.lock").unlink()
    assert codes(told(world, capsys)) == ["lock-missing"]


def test_a_pylock_that_is_not_the_locks_is_refused(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    (pylock,) = world.root.glob("pylock.*")
    pylock.write_text(pylock.read_text() + "\n")
    assert codes(told(world, capsys)) == ["lock-companion"]


def test_a_model_without_a_source_stops_all_before_it_begins(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    world.pin(models={"loras/style.safetensors": ModelPin(sha256="0" * 64)})
    assert codes(told(world, capsys)) == ["model-no-source"]
    assert not (world.into / "ComfyUI").exists()


def test_a_pack_whose_name_leads_out_is_refused(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = world.lock.nodes["KJNodes"]
    world.pin(nodes={"../../outside": pin})
    assert codes(told(world, capsys)) == ["restore-name"]
    assert not (world.folder / "outside").exists()


def test_a_full_disk_is_known_before_anything_is_fetched(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = world.lock.models["loras/style.safetensors"]
    world.pin(models={"loras/style.safetensors": pin.model_copy(update={"size": 10**16})})
    assert codes(told(world, capsys)) == ["restore-no-room"]
    assert world.files.place.asked == []


# -- what fails on the way


def test_a_file_that_cannot_be_had_stops_only_itself(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    url = world.lock.models["loras/style.safetensors"].url or ""
    world.files.place.faults[url] = Fault(times=None, status=404)
    assert codes(told(world, capsys)) == ["download-failed"]
    assert head(world.code / "custom_nodes/KJNodes") == world.lock.nodes["KJNodes"].commit
    world.files.place.faults.clear()
    assert steps(told(world, capsys)) == [("model", "models/loras/style.safetensors")]
    assert run(world, command="verify") == 0


def test_without_comfyui_nothing_is_put_into_its_folder(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.lock.comfyui
    gone = world.lock.comfyui.model_copy(update={"commit": "9" * 40})
    world.pin(comfyui=gone)
    assert codes(told(world, capsys)) == ["restore-not-fetched"]
    assert not (world.into / "ComfyUI").exists()


def test_offline_everything_has_to_be_at_hand(
    restored: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(restored, capsys, "--offline")["done"]
    restored.pin(models={"loras/other.safetensors": restored.model("other.safetensors", OTHER)})
    before = len(restored.files.place.asked)
    assert codes(told(restored, capsys, "--offline")) == ["download-failed"]
    assert len(restored.files.place.asked) == before


# -- whose code runs


def test_code_that_nobody_trusts_is_refused_without_a_terminal(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    world.policy = {}
    world.write()
    found = told(world, capsys)
    assert codes(found) == ["code-not-trusted"]
    assert not (world.into / "ComfyUI").exists()


def test_a_yes_beforehand_is_remembered_in_the_folder_alone(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    world.policy = {}
    world.write()
    assert told(world, capsys, "--trust", "kijai/KJNodes")["done"]
    files = {**PACK_FILES, "new.py": ""}
    pin = NodePackPin(repository=PACK, commit=world.repository(PACK, files))
    world.pin(nodes={"KJNodes": pin})
    assert told(world, capsys)["done"]
    other = ["-C", str(world.root), "restore", "--into", str(world.folder / "other"), "--json"]
    assert main(other) == 1


def test_a_submodule_is_asked_about_like_its_repository(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    library = world.repository("https://github.com/stranger/library", {"lib.py": ""})
    modules = '[submodule "lib"]\n\tpath = lib\n\turl = https://github.com/stranger/library\n'
    pack = world.repositories[PACK].commit_modules(modules, {"lib": library})
    world.pin(nodes={"KJNodes": NodePackPin(repository=PACK, commit=pack)})
    found = told(world, capsys)
    assert codes(found) == ["code-not-trusted"]
    assert "stranger/library" in found["findings"][0]["message"]
    assert told(world, capsys, "--trust", "stranger/library")["done"]
    assert (world.code / "custom_nodes/KJNodes/lib/lib.py").exists()
    assert run(world, command="verify") == 0


def test_an_install_script_runs_only_if_the_policy_names_its_pack(
    restored: Restorable, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = restored
    made = world.code / "custom_nodes/KJNodes/installed.txt"
    assert not made.exists()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    world.policy["install_scripts"] = ["KJNodes"]
    world.write()
    assert steps(told(world, capsys)) == [("script", "KJNodes")]
    assert "HF_TOKEN" not in made.read_text().split()
    assert "VIRTUAL_ENV" in made.read_text().split()
    log = (world.into / ".runflow/install-KJNodes.log").read_text()
    assert str(world.into / ".venv") in log
    assert steps(told(world, capsys)) == []


def test_an_install_script_that_may_not_run_is_told_of(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert codes(told(world, capsys)) == ["install-script-not-run"]


def test_an_install_script_that_fails_is_run_again(
    world: Restorable, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = world.repository(PACK, {**PACK_FILES, "install.py": "raise SystemExit('no wheel')\n"})
    world.policy["install_scripts"] = ["KJNodes"]
    world.pin(nodes={"KJNodes": NodePackPin(repository=PACK, commit=pack)})
    found = told(world, capsys)
    assert codes(found) == ["install-script-failed"]
    assert [row["text"] for row in found["findings"][0]["also"]] == ["no wheel"]
    assert codes(told(world, capsys)) == ["install-script-failed"]
