"""What the author tried an endpoint out with does not get to the API."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.rewrite.trim import cut_local_wiring, drop_unneeded
from runflow_build.workflow.contract import served_contract
from runflow_build.workflow.contract_model import Contract
from runflow_build.workflow.model import Prompt
from runflow_build.workflow.reach import reached


def contract(inputs: dict[str, dict[str, Any]], output: str = "9") -> Contract:
    return Contract.model_validate(
        {
            "inputs": inputs,
            "outputs": {"out": {"type": "IMAGE", "node": output, "class": "RunflowOutputImage"}},
        }
    )


def a_row(node: str, class_type: str, required: bool) -> dict[str, Any]:
    kinds = {"RunflowInputFile": "FILE", "RunflowInputInt": "INT", "ImageScale": "INT"}
    return {
        "type": kinds[class_type],
        "required": required,
        "node": node,
        "class": class_type,
        "field": "value",
    }


def test_a_required_input_loses_its_test_value_wired_or_not() -> None:
    prompt: Prompt = {
        "1": {"class_type": "RunflowInputInt", "inputs": {"value": ["2", 0], "input_id": "a"}},
        "2": {"class_type": "PrimitiveInt", "inputs": {"value": 7}},
        "3": {"class_type": "RunflowInputInt", "inputs": {"value": 7, "input_id": "b"}},
    }
    rows = {"a": a_row("1", "RunflowInputInt", True), "b": a_row("3", "RunflowInputInt", True)}
    cut = cut_local_wiring(prompt, contract(rows))
    assert [cut[node]["inputs"] for node in "13"] == [{"input_id": "a"}, {"input_id": "b"}]


def test_a_required_file_loses_the_name_of_the_authors_own_file() -> None:
    prompt: Prompt = {
        "1": {"class_type": "RunflowInputFile", "inputs": {"file_name": "mine.mp4"}},
    }
    cut = cut_local_wiring(prompt, contract({"a": a_row("1", "RunflowInputFile", True)}))
    assert cut["1"]["inputs"] == {"file_name": ""}


def test_an_optional_input_keeps_its_wiring() -> None:
    prompt: Prompt = {"1": {"class_type": "RunflowInputInt", "inputs": {"value": ["2", 0]}}}
    rows = {"a": a_row("1", "RunflowInputInt", False)}
    assert cut_local_wiring(prompt, contract(rows)) == prompt


def test_an_exposed_field_called_value_is_left_alone() -> None:
    prompt: Prompt = {"1": {"class_type": "ImageScale", "inputs": {"value": 5}}}
    rows = {"a": a_row("1", "ImageScale", True)}
    assert cut_local_wiring(prompt, contract(rows)) == prompt


CHAIN: Prompt = {
    "1": {"class_type": "EmptyImage", "inputs": {}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "9": {"class_type": "RunflowOutputImage", "inputs": {"value": ["2", 0]}},
    "8": {"class_type": "PreviewImage", "inputs": {"images": ["7", 0]}},
    "7": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "6": {"class_type": "RunflowDeploy", "inputs": {}},
}


@pytest.mark.parametrize(
    ("keep", "left"), [([], ["1", "2", "9"]), (["8"], ["1", "2", "9", "8", "7"])]
)
def test_what_no_output_needs_goes_unless_it_is_kept(keep: list[str], left: list[str]) -> None:
    assert list(drop_unneeded(CHAIN, contract({}), keep)) == left


def test_an_input_of_the_contract_stays_although_nothing_uses_it() -> None:
    prompt = {**CHAIN, "5": {"class_type": "RunflowInputInt", "inputs": {}}}
    rows = {"a": a_row("5", "RunflowInputInt", True)}
    assert "5" in drop_unneeded(prompt, contract(rows), [])


def test_a_chain_of_thousands_is_no_problem() -> None:
    prompt: Prompt = {"0": {"class_type": "EmptyImage", "inputs": {}}}
    for number in range(1, 20_000):
        inputs = {"image": [str(number - 1), 0]}
        prompt[str(number)] = {"class_type": "ImageInvert", "inputs": inputs}
    assert drop_unneeded(prompt, contract({}, output="19999"), []) == prompt
    assert len(reached(prompt, ["19999"])) == 20_000


def test_a_saver_whose_file_an_output_gives_out_stays_and_another_goes() -> None:
    saver = {"filename_prefix": "a", "audio": ["1", 0]}
    prompt: Prompt = {
        "1": {"class_type": "LoadAudio", "inputs": {"audio": "a.flac"}},
        "2": {"class_type": "RunflowSaveAudioFlac", "inputs": saver},
        "3": {"class_type": "RunflowSaveAudioOpus", "inputs": {**saver, "quality": "64k"}},
        "9": {
            "class_type": "RunflowOutputFile",
            "inputs": {"output_id": "sound", "output_name": "", "value": ["2", 0]},
        },
    }
    served = served_contract(prompt)
    assert {name: row.node for name, row in served.outputs.items()} == {"sound": "9"}
    assert list(drop_unneeded(prompt, served, [])) == ["1", "2", "9"]
    assert list(drop_unneeded(prompt, served, ["3"])) == ["1", "2", "3", "9"]
