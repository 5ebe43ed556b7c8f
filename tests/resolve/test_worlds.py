"""Worlds as data: each folder of cases/resolve/ is a project, and what locking it gives.

`world.json`, where there is one, is the ComfyUI installation to capture from, built for real, and
under `outside` what the sources answer (see twins.py); without that, none of them is asked.
`expected.txt` holds all findings; `expected.lock` is the whole lock, absent where none is written.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from twins import world_of

from runflow_build import __version__
from runflow_build.errors import ResolveError, RunflowError
from runflow_build.findings import render
from runflow_build.project.load import load
from runflow_build.sources.world import World
from runflow_build.tasks.fresh import staleness
from runflow_build.tasks.lock import relock

CASES = Path(__file__).parent.parent / "cases" / "resolve"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_world_gives_its_lock_and_its_findings(
    case: Path, tmp_path: Path, new_install: Any
) -> None:
    root = tmp_path / "project"
    shutil.copytree(case, root)
    told = json.loads(_text(root / "world.json") or "{}")
    outside = told.pop("outside", None)
    world = None if outside is None else world_of(outside)
    install = new_install(told) if told else None
    before = _text(root / "runflow.lock")
    try:
        findings = relock(root, install=install, world=world).findings
    except ResolveError as error:
        findings = error.findings

    assert render(findings) == _text(case / "expected.txt").rstrip("\n")
    after = _text(root / "runflow.lock").replace(f"runflow: {__version__}\n", "runflow: RELEASE\n")
    assert after == (_text(case / "expected.lock") or before)
    assert relock_is_idle(root, install, world, findings)


@pytest.mark.parametrize("name", ["declared_facts", "models_that_the_workflow_carries"])
def test_a_lock_is_stale_exactly_when_locking_would_change_it(name: str, tmp_path: Path) -> None:
    """For every value of runflow.yaml and of the workflow, changed to another one."""
    root = tmp_path / "project"
    shutil.copytree(CASES / name, root)
    spec, workflow = root / "runflow.yaml", root / "one.json"
    relock(root)
    for file, document in (
        (spec, yaml.safe_load(spec.read_text("utf-8"))),
        (workflow, json.loads(workflow.read_text("utf-8"))),
    ):
        for changed in _variants(document):
            shutil.rmtree(tmp_path / "edited", ignore_errors=True)
            edited = Path(shutil.copytree(root, tmp_path / "edited"))
            (edited / file.name).write_text(json.dumps(changed), encoding="utf-8")
            with suppress(RunflowError):  # not every variant can be locked
                fresh = not staleness(load(edited))
                assert fresh is not bool(relock(edited).written), changed
                assert staleness(load(edited)) == []


# Layout means nothing, and other wires give nothing that can be locked.
_WIRING = ("pos", "size", "order", "link", "links", "outputs")


def _variants(document: Any) -> Iterator[Any]:
    """The document with one value after the other replaced by another of its type."""
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in items:
            for variant in () if key in _WIRING else _variants(value):
                changed = copy.copy(document)
                changed[key] = variant
                yield changed
    elif isinstance(document, str):
        yield "f" * len(document) if len(document) in (40, 64) else f"{document}x"
    elif isinstance(document, bool):
        yield not document
    elif isinstance(document, int | float):
        yield document + 1


def relock_is_idle(root: Path, install: Path | None, world: World | None, findings: Any) -> bool:
    """Locking again writes nothing: with the installation and the sources at hand, and without."""
    if any(finding.severity == "error" for finding in findings):
        return True
    again = relock(root, install=install, world=world)
    return not again.written and not relock(root).written


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
