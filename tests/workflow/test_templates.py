"""All current templates of ComfyUI; most hold classes that ComfyUI 0.8.0 does not know."""

from __future__ import annotations

from pathlib import Path

import comfyui_workflow_templates_json
import pytest

from runflow_build.errors import WorkflowError
from runflow_build.workflow.convert import convert
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.model import Workflow

FOLDER = Path(comfyui_workflow_templates_json.__file__).parent
GUESSED = {"node-class-unknown", "node-values-unnamed"}


@pytest.fixture(scope="module")
def templates() -> list[Workflow]:
    found = []
    for path in sorted(FOLDER.rglob("*.json")):
        try:
            workflow = read_workflow(path.read_bytes(), path.name)
        except WorkflowError:  # lists of templates, and their schemas
            continue
        if workflow.format == "graph":
            found.append(workflow)
    return found


def test_every_template_converts_and_says_what_it_guesses(
    templates: list[Workflow], definitions: Definitions
) -> None:
    assert len(templates) == 644
    for workflow in templates:
        conversion = convert(workflow, definitions)
        assert conversion.errors == (), workflow.path
        unknown = {node for node, source in conversion.sources.items() if source is None}
        guessed = {note.where.node for note in conversion.notes if note.code in GUESSED}
        assert unknown == guessed, workflow.path
