"""The outline of runflow.yaml, kept so that most calls read no YAML."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runflow_build.errors import SpecError
from runflow_build.project.outline import Outline, outline

SPEC = """\
version: 1
organization: acme
comfyui: {ref: v0.8.0}
endpoints:
  poster: {workflow: flows/poster.json}
  card: {workflow: flows/card.json}
"""
EXPECTED = Outline({"poster": "flows/poster.json", "card": "flows/card.json"}, "acme")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "runflow.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def modules_after(root: Path) -> set[str]:
    code = (
        "import sys; from pathlib import Path\n"
        "from runflow_build.project.outline import outline\n"
        "outline(Path(sys.argv[1])); print(*sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True
    )
    return set(told.stdout.split())


def test_it_says_what_the_tasks_need(root: Path) -> None:
    assert outline(root) == EXPECTED
    assert outline(root) == EXPECTED, "and the same from what was kept"


def test_what_is_kept_is_read_without_pydantic_and_yaml(root: Path) -> None:
    assert {"pydantic", "yaml"} <= modules_after(root)
    assert not {"pydantic", "yaml"} & modules_after(root)


def test_a_change_of_runflow_yaml_is_seen(root: Path) -> None:
    outline(root)
    (root / "runflow.yaml").write_text(SPEC.replace("card", "post"), encoding="utf-8")
    assert set(outline(root).endpoints) == {"poster", "post"}


@pytest.mark.parametrize("kept", ["", "{", "[]", "null", '{"of": 1}', "\x00", "[" * 100_000])
def test_a_damaged_outline_is_made_anew(root: Path, kept: str) -> None:
    outline(root)
    (root / ".runflow" / "outline.json").write_text(kept, encoding="utf-8")
    assert outline(root) == EXPECTED
    assert json.loads((root / ".runflow" / "outline.json").read_text())["endpoints"]


def test_the_outline_of_another_release_is_made_anew(root: Path) -> None:
    outline(root)
    path = root / ".runflow" / "outline.json"
    shape = json.loads(path.read_text())
    digest, _, _ = shape["of"].partition(" ")
    path.write_text(json.dumps({**shape, "of": f"{digest} 0.0.1", "endpoints": {}}))
    assert outline(root) == EXPECTED


def test_a_broken_spec_is_refused_and_nothing_kept(root: Path) -> None:
    (root / "runflow.yaml").write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(SpecError, match="spec-missing-key"):
        outline(root)
    assert not (root / ".runflow").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs a folder that cannot be made")
def test_a_folder_that_cannot_be_written_works_as_well(root: Path) -> None:
    (root / ".runflow").write_text("a file is in the way")
    assert outline(root) == EXPECTED
