"""Building a project's bundles: all of them or nothing, and no touch without need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.bundle import bundle_text, read_bundle
from runflow_build.cli.main import main
from runflow_build.errors import CheckError, LockError, StaleLockError, UsageError, WorkflowError
from runflow_build.tasks.lock import relock
from runflow_build.tasks.rewrite import build

COMMIT = "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce"


def a_prompt(output_name: str = "") -> dict[str, Any]:
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
        },
        "2": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "image", "output_name": output_name, "value": ["1", 0]},
        },
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two locked endpoints, `one` and `two`."""
    for slug in ("one", "two"):
        (tmp_path / f"{slug}.json").write_text(json.dumps(a_prompt()))
    (tmp_path / "runflow.yaml").write_text(
        f"version: 1\ncomfyui: {{ref: {COMMIT}}}\nendpoints:\n"
        "  one: {workflow: one.json}\n  two: {workflow: two.json}\n"
    )
    relock(tmp_path)
    return tmp_path


def built(project: Path) -> list[str]:
    return sorted(path.name for path in (project / ".runflow" / "build").glob("*"))


def test_the_bundles_of_all_or_of_some(project: Path) -> None:
    assert build(project, ["two"]) == [project / ".runflow/build/two.json"]
    assert built(project) == ["two.json"]
    build(project)
    assert built(project) == ["one.json", "two.json"]
    bundle = read_bundle((project / ".runflow/build/one.json").read_text())
    assert (bundle.slug, set(bundle.prompt)) == ("one", {"1", "2"})


def test_a_bundle_that_is_the_same_is_not_touched(project: Path) -> None:
    (path,) = build(project, ["one"])
    before = path.stat().st_mtime_ns
    assert build(project, ["one"]) == [path]
    assert path.stat().st_mtime_ns == before


def test_one_that_cannot_be_built_keeps_all_from_being_written(project: Path) -> None:
    (project / "two.json").write_text(json.dumps({**a_prompt(), "3": a_prompt()["1"]}))
    with pytest.raises(StaleLockError):
        build(project)
    (project / "two.json").write_text("nonsense")
    with pytest.raises(WorkflowError):
        build(project)
    assert built(project) == []
    build(project, ["one"])


def test_no_key_gets_into_a_bundle_even_when_nobody_checked(project: Path) -> None:
    key = "rf_live_" + "a1b2c3d4" * 4
    relock(project)
    # Titles are in no digest, so that the lock is as fresh as before.
    prompt = a_prompt()
    prompt["1"]["_meta"] = {"title": key}
    (project / "one.json").write_text(json.dumps(prompt))
    with pytest.raises(CheckError) as caught:
        build(project, ["one"])
    assert key not in str(caught.value)
    assert built(project) == []


def test_without_a_lock_or_with_an_unknown_slug_there_is_nothing_to_build(project: Path) -> None:
    with pytest.raises(UsageError):
        build(project, ["three"])
    (project / "runflow.lock").unlink()
    with pytest.raises(LockError):
        build(project)


def test_the_command_names_bundles_relative_to_the_project(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "-C", str(project), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "bundles": [".runflow/build/one.json", ".runflow/build/two.json"],
        "findings": [],
    }


def test_check_answers_in_text_and_in_json(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "-C", str(project)]) == 0
    assert capsys.readouterr().out == "no findings\n"
    assert main(["check", "-C", str(project), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "findings": [],
        "counts": {"error": 0, "warning": 0, "note": 0},
    }
    (project / "one.json").unlink()
    assert main(["check", "-C", str(project), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["error"] == 1


HALF = "\ud800"  # of a surrogate pair: JSON has it, UTF-8 has not
PLACES: dict[str, list[dict[str, Any]]] = {
    "title": [{"_meta": {"title": HALF}}, {}],
    "class": [{"class_type": HALF}, {}],
    "field": [{"inputs": {HALF: 1}}, {}],
    "value": [{"inputs": {"color": HALF}}, {}],
    "text": [{"class_type": "Unknown", "inputs": {"text": HALF}}, {}],
    "model": [{"class_type": "LoraLoader", "inputs": {"lora_name": f"{HALF}.safetensors"}}, {}],
    "file": [{"class_type": "LoadImage", "inputs": {"image": f"{HALF}.png"}}, {}],
    "link": [{"inputs": {"width": [HALF, 0]}}, {}],
    "output": [{}, {"inputs": {"output_id": HALF, "output_name": HALF, "value": ["1", 0]}}],
}


@pytest.mark.parametrize("place", PLACES)
def test_half_a_surrogate_pair_ends_in_a_bundle_or_in_findings(
    project: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    prompt = a_prompt()
    for node, odd in zip(("1", "2"), PLACES[place], strict=True):
        prompt[node] = {**prompt[node], **odd}
    (project / "one.json").write_text(json.dumps(prompt))
    for command in ("lock", "check", "build", "status"):
        code = main([command, "-C", str(project)])
        told = capsys.readouterr()
        assert code == 0 or " error " in told.out + told.err
        (told.out + told.err).encode()
    text = (project / ".runflow/build/one.json").read_text() if built(project) else None
    assert text is None or bundle_text(read_bundle(text)) == text
