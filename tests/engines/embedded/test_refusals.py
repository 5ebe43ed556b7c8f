"""What ComfyUI refuses before it runs anything is refused with its kinds, at its nodes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from real_comfyui import run

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.errors import EngineError

# name -> {prompt, refused: {node: [kinds]}}; as ComfyUI 0.8.0 answered
CASES = json.loads((Path(__file__).parents[2] / "cases" / "refusals.json").read_text("utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_kinds_and_nodes_are_those_of_comfyui(
    name: str, engine: EmbeddedEngine, folders: RunFolders
) -> None:
    with pytest.raises(EngineError) as caught:
        engine.execute(CASES[name]["prompt"], folders)
    found: dict[str, list[str]] = {}
    for one in caught.value.findings:
        assert one.where.node is not None
        found.setdefault(one.where.node, []).append(dict(one.also)["kind"])
    assert in_order(found) == in_order(CASES[name]["refused"])


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_comfyui_still_refuses_so(name: str, comfyui: str) -> None:
    refused = run(comfyui, CASES[name]["prompt"]).refused
    assert refused is not None
    assert in_order(refused) == in_order(CASES[name]["refused"])


def in_order(refused: dict[str, list[str]]) -> dict[str, list[str]]:
    """ComfyUI looks at the inputs of a node in an order of its own."""
    return {node: sorted(kinds) for node, kinds in refused.items()}
