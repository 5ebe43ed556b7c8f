"""`runflow init`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runflow_build.cli.main import main

PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "Old Photo.json").write_text(json.dumps(PROMPT), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_tells_what_it_found_and_what_comes_next(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "flows/Old Photo.json"]) == 0
    assert capsys.readouterr().out == (
        "wrote .runflow/runflow.v1.schema.json, .gitattributes, .gitignore, runflow.yaml\n"
        "  old-photo  from flows/Old Photo.json\n"
        "    input   none yet; 1 suggested in runflow.yaml\n"
        "    output  image: the files of node 2 (SaveImage)\n"
        "next: look through runflow.yaml, then `runflow lock`\n"
    )


def test_a_program_reads_it_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "flows/Old Photo.json", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["endpoints"] == {
        "old-photo": {"workflow": "flows/Old Photo.json", "inputs": [], "outputs": ["image"]}
    }
    assert "runflow.yaml" in told["written"]


def test_the_folder_can_be_another_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    workflow = folder / "flows" / "Old Photo.json"
    assert main(["init", "-C", str(folder), str(workflow), "--project", "acme"]) == 0
    assert "project: acme\n" in (folder / "runflow.yaml").read_text(encoding="utf-8")
