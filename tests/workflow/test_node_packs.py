from __future__ import annotations

from typing import Any

from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt, Workflow
from runflow_build.workflow.node_packs import PackReference, pack_references

NOTHING = Definitions(None, {})


def node(number: int, class_type: str, **properties: str) -> dict[str, Any]:
    return {"id": number, "type": class_type, "properties": properties}


def prompt_of(**classes: str) -> Prompt:
    """`prompt_of(_12_5="A")`: a prompt with node `12:5` of class A."""
    return {
        number.strip("_").replace("_", ":"): {"class_type": name, "inputs": {}}
        for number, name in classes.items()
    }


DATA = {
    "nodes": [
        node(1, "KSampler", cnr_id="comfy-core", ver="0.8.0"),
        node(2, "A", cnr_id="pack-a", ver="1.2.3"),
        node(3, "B", aux_id="owner/pack-b", ver="0" * 40),
        node(4, "C"),
        {"id": 5, "type": "D"},
        node(6, "SetNode", cnr_id="comfyui-kjnodes", ver="1.0.0"),
        node(9, "s"),
    ],
    "definitions": {"subgraphs": [{"id": "s", "nodes": [node(7, "E", cnr_id="pack-e")]}]},
    "extra": {"groupNodes": {"g": {"nodes": [node(-1, "F", cnr_id="pack-f")]}}},
}
PROMPT = prompt_of(_1="KSampler", _2="A", _3="B", _4="C", _5="D", _9_7="E")


def test_packs_are_what_the_nodes_of_the_prompt_say_in_subgraphs_too() -> None:
    core, *packs = pack_references(PROMPT, Workflow("w.json", "graph", DATA), NOTHING)
    assert core.is_core
    assert packs == [
        PackReference("A", "pack-a", None, "1.2.3", "2"),
        PackReference("B", None, "owner/pack-b", "0" * 40, "3"),
        PackReference("E", "pack-e", None, None, "9:7"),
    ]


def test_packs_are_what_the_nodes_of_a_group_node_say() -> None:
    data = {**DATA, "nodes": [node(20, "workflow/g")]}
    references = pack_references(prompt_of(_20_0="F"), Workflow("w.json", "graph", data), NOTHING)
    assert [(one.cnr_id, one.node) for one in references] == [("pack-f", "20:0")]


def test_a_node_that_only_the_browser_has_needs_no_pack() -> None:
    references = pack_references(PROMPT, Workflow("w.json", "graph", DATA), NOTHING)
    assert "comfyui-kjnodes" not in {one.cnr_id for one in references}


def test_nodes_of_one_pack_may_name_two_versions() -> None:
    data = {"nodes": [node(1, "A", cnr_id="p", ver="a" * 40), node(2, "B", cnr_id="p", ver="1.0")]}
    workflow = Workflow("w.json", "graph", data)
    references = pack_references(prompt_of(_1="A", _2="B"), workflow, NOTHING)
    assert [one.version for one in references] == ["a" * 40, "1.0"]


def test_of_a_prompt_file_the_recorded_definitions_know_the_packs() -> None:
    raw = {"input": {}, "python_module": "custom_nodes.ComfyUI-Pack"}
    core = {"input": {}, "python_module": "custom_nodes.websocket_image_save"}
    definitions = Definitions({"A": raw, "Own": core}, {"Own": core})
    prompt = prompt_of(_1="A", _2="B", _3="Own")
    [one] = pack_references(prompt, Workflow("w.json", "prompt", {}), definitions)
    assert one == PackReference("A", None, None, None, "1", None, "ComfyUI-Pack")
