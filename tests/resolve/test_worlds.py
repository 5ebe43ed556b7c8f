"""Worlds as data: each folder of cases/resolve/ is a project, and what locking it gives.

`world.json`, where there is one, is the ComfyUI installation to capture from, built for real.
`expected.txt` holds all findings; `expected.lock` is the whole lock, absent where none is written.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import ResolveError
from runflow_build.findings import render
from runflow_build.tasks.lock import relock

CASES = Path(__file__).parent.parent / "cases" / "resolve"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_world_gives_its_lock_and_its_findings(
    case: Path, tmp_path: Path, new_install: Any
) -> None:
    root = tmp_path / "project"
    shutil.copytree(case, root)
    world = root / "world.json"
    install = new_install(json.loads(world.read_text("utf-8"))) if world.exists() else None
    before = _text(root / "runflow.lock")
    try:
        findings = relock(root, install=install).findings
    except ResolveError as error:
        findings = error.findings

    assert render(findings) == _text(case / "expected.txt").rstrip("\n")
    assert _text(root / "runflow.lock") == (_text(case / "expected.lock") or before)
    assert relock_is_idle(root, install, findings)


def relock_is_idle(root: Path, install: Path | None, findings: Any) -> bool:
    """Locking again writes nothing: with the installation at hand, and without."""
    if any(finding.severity == "error" for finding in findings):
        return True
    return not relock(root, install=install).written and not relock(root).written


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
