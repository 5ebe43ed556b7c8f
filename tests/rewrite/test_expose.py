"""Exposed fields and outputs become Runflow nodes where a link can go, and rows where not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.rewrite.expose import expose
from runflow_build.workflow.contract_model import Contract, ContractInput
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

PROMPT: Prompt = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}},
    "2": {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["1", 0],
            "upscale_method": "lanczos",
            "width": 512,
            "height": 256,
            "crop": "disabled",
        },
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
OUTPUT = {"outputs": {"picture": {"node": "3"}}}


def test_a_number_gets_a_node_in_front_with_its_limits_and_default(
    world: Callable[..., Any],
) -> None:
    wish = {"width": {"node": "2", "field": "width", "minimum": 64, "step": 8, "default": 768}}
    bundle = world(PROMPT, inputs=wish, **OUTPUT).rewritten()
    assert bundle.prompt["2"]["inputs"]["width"] == ["runflow-width", 0]
    assert bundle.prompt["runflow-width"]["inputs"] == {
        "input_id": "width",
        "display_name": "",
        "description": "",
        "required": False,
        "minimum": "64",
        "maximum": "16384",
        "step": "8",
        "value": 768,
    }
    row = bundle.contract.inputs["width"]
    assert (row.node, row.class_type, row.field) == ("runflow-width", "RunflowInputInt", "value")


def test_the_test_value_of_a_required_field_is_gone(world: Callable[..., Any]) -> None:
    wish = {"prefix": {"node": "3", "field": "filename_prefix", "required": True}}
    data = copy.deepcopy(PROMPT)
    data["3"]["inputs"]["filename_prefix"] = "my secret test"
    bundle = world(data, inputs=wish, keep=["3"], **OUTPUT).rewritten()
    assert "my secret test" not in str(bundle.prompt)
    assert "value" not in bundle.prompt["runflow-prefix"]["inputs"]


def test_a_choice_stays_in_its_field_and_travels_as_a_row(world: Callable[..., Any]) -> None:
    wish = {"method": {"node": "2", "field": "upscale_method", "default": "area"}}
    bundle = world(PROMPT, inputs=wish, **OUTPUT).rewritten()
    assert bundle.prompt["2"]["inputs"]["upscale_method"] == "area"
    row = bundle.contract.inputs["method"]
    assert (row.type, row.node, row.field) == ("COMBO", "2", "upscale_method")


def test_a_loader_stays_behind_an_optional_picture_as_its_default(
    world: Callable[..., Any],
) -> None:
    wish = {"photo": {"node": "1", "field": "image"}}
    bundle = world(PROMPT, inputs=wish, **OUTPUT).rewritten()
    assert bundle.prompt["2"]["inputs"]["image"] == ["runflow-photo", 0]
    assert bundle.prompt["runflow-photo"]["inputs"]["value"] == ["1", 0]
    assert bundle.prompt["1"] == PROMPT["1"]
    assert bundle.contract.inputs["photo"].default == "cat.png"


def test_the_loader_of_a_required_picture_goes(world: Callable[..., Any]) -> None:
    wish = {"photo": {"node": "1", "field": "image", "required": True}}
    bundle = world(PROMPT, inputs=wish, **OUTPUT).rewritten()
    assert "1" not in bundle.prompt
    assert "cat.png" not in str(bundle.prompt)


def test_a_loader_whose_mask_is_used_takes_the_file_name_itself(
    world: Callable[..., Any],
) -> None:
    data = {
        **PROMPT,
        "4": {"class_type": "MaskToImage", "inputs": {"mask": ["1", 1]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "m"}},
    }
    outputs = {"picture": {"node": "3"}, "mask": {"node": "5"}}
    wish = {"photo": {"node": "1", "field": "image", "required": True}}
    bundle = world(data, inputs=wish, outputs=outputs).rewritten()
    assert bundle.prompt["1"]["inputs"]["image"] == ""
    row = bundle.contract.inputs["photo"]
    assert (row.type, row.node, row.field) == ("IMAGE", "1", "image")


def test_a_saved_picture_becomes_an_output_node_fed_by_the_same_link(
    world: Callable[..., Any],
) -> None:
    bundle = world(PROMPT, outputs={"picture": {"node": "3", "display_name": "It"}}).rewritten()
    assert "3" not in bundle.prompt
    assert bundle.prompt["runflow-picture"] == {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "picture", "output_name": "It", "value": ["2", 0]},
    }
    assert bundle.contract.outputs["picture"].node == "runflow-picture"


def test_a_kept_saver_runs_beside_its_output(world: Callable[..., Any]) -> None:
    assert {"3", "runflow-picture"} <= set(world(PROMPT, keep=["3"], **OUTPUT).rewritten().prompt)


def test_an_output_of_another_kind_stays_as_it_is(world: Callable[..., Any]) -> None:
    data = {
        "1": {"class_type": "LoadAudio", "inputs": {"audio": "a.flac"}},
        "2": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "x"}},
    }
    bundle = world(data, outputs={"sound": {"node": "2"}}).rewritten()
    assert bundle.prompt == {key: {**node} for key, node in data.items()}
    row = bundle.contract.outputs["sound"]
    assert (row.type, row.node, row.class_type) == ("FILE", "2", "SaveAudio")


def test_the_ids_of_injected_nodes_do_not_meet(world: Callable[..., Any]) -> None:
    wish = {"x": {"node": "2", "field": "width"}}
    data = {**PROMPT, "runflow-x": {"class_type": "EmptyImage", "inputs": {}}}
    bundle = world(data, inputs=wish, outputs={"x": {"node": "3"}}).rewritten()
    assert bundle.contract.inputs["x"].node == "runflow-x-2"
    assert bundle.contract.outputs["x"].node == "runflow-x-3"


RUNFLOW: Prompt = {
    "1": {
        "class_type": "RunflowInputString",
        "inputs": {
            "input_id": "title",
            "display_name": "",
            "description": "",
            "required": False,
            "value": ["2", 0],
        },
    },
    "2": {"class_type": "PrimitiveString", "inputs": {"value": "Hello"}},
    "3": {"class_type": "RunflowOutputFile", "inputs": {"output_id": "f", "value": ["1", 0]}},
}


def test_a_constant_behind_an_optional_input_becomes_its_literal_default(
    world: Callable[..., Any],
) -> None:
    prompt = world(RUNFLOW).rewritten().prompt
    assert prompt["1"]["inputs"]["value"] == "Hello"
    assert "2" not in prompt


def test_computed_wiring_behind_an_optional_input_is_the_workflows_default(
    world: Callable[..., Any],
) -> None:
    data = copy.deepcopy(RUNFLOW)
    data["2"] = {
        "class_type": "StringConcatenate",
        "inputs": {"string_a": "a", "string_b": "b", "delimiter": ""},
    }
    prompt = world(data).rewritten().prompt
    assert prompt["1"]["inputs"]["value"] == ["2", 0]
    assert "2" in prompt


def test_what_the_spec_says_of_a_runflow_node_is_written_into_its_widgets(
    world: Callable[..., Any],
) -> None:
    wish = {
        "title": {
            "display_name": "Title",
            "description": "What stands on it",
            "default": "Hi",
            "choices": ["Hi", "Bye"],
        }
    }
    inputs = world(RUNFLOW, inputs=wish).rewritten().prompt["1"]["inputs"]
    assert inputs == {
        "input_id": "title",
        "display_name": "Title",
        "description": "What stands on it",
        "required": False,
        "choices": "Hi\nBye",
        "value": "Hi",
    }


def test_a_default_picture_of_the_spec_replaces_the_wired_one(world: Callable[..., Any]) -> None:
    data = {
        "1": {
            "class_type": "RunflowInputImage",
            "inputs": {"input_id": "photo", "required": False, "value": ["2", 0]},
        },
        "2": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}},
        "3": {"class_type": "RunflowOutputImage", "inputs": {"output_id": "o", "value": ["1", 0]}},
    }
    prompt = world(data, inputs={"photo": {"default": "dog.png"}}).rewritten().prompt
    assert prompt["1"]["inputs"]["value"] == ["runflow-photo-default", 0]
    assert prompt["runflow-photo-default"]["inputs"] == {"image": "dog.png"}
    assert "2" not in prompt
    assert world(data).rewritten().prompt["1"]["inputs"]["value"] == ["2", 0]


def test_a_required_picture_in_the_place_of_a_default_leaves_no_default(
    world: Callable[..., Any],
) -> None:
    data = {
        "1": {
            "class_type": "RunflowInputImage",
            "inputs": {"input_id": "photo", "required": False, "value": ["2", 0]},
        },
        "2": {"class_type": "LoadImage", "inputs": {"image": "my-private-test.png"}},
        "3": {"class_type": "RunflowOutputImage", "inputs": {"output_id": "o", "value": ["1", 0]}},
    }
    wish = {"other": {"node": "2", "field": "image", "required": True}}
    bundle = world(data, inputs=wish).rewritten()
    assert bundle.prompt["1"]["inputs"]["value"] == ["runflow-other", 0]
    assert bundle.contract.inputs["photo"].default is None
    assert "my-private-test.png" not in str(bundle)


# -- fields that a run draws


def encode(text: str) -> Prompt:
    return {
        "1": {
            "class_type": "CLIPTextEncode",
            "inputs": {"text": text, "clip": ["2", 0]},
            "_meta": {"title": "Words", "drawn": {"text": "choice"}},
        },
        "2": {"class_type": "CLIPLoader", "inputs": {}},
    }


def exposed(prompt: Prompt, definitions: Definitions, **more: Any) -> Prompt:
    row = {"type": "STRING", "required": False, "node": "1", "field": "text"}
    one = ContractInput.model_validate({**row, "class": prompt["1"]["class_type"], **more})
    return expose(prompt, Contract(inputs={"words": one}), definitions)[0]


def test_the_mark_of_an_exposed_text_moves_with_it(definitions: Definitions) -> None:
    prompt = exposed(encode("{a|b}"), definitions, default="{a|b}")
    assert prompt["runflow-words"]["inputs"]["value"] == "{a|b}"
    assert prompt["runflow-words"]["_meta"] == {"drawn": {"value": "choice"}}
    assert prompt["1"]["_meta"] == {"title": "Words"}


@pytest.mark.parametrize("more", [{"default": "{c|d}"}, {"required": True}])
def test_a_default_of_runflow_yaml_and_none_at_all_are_not_drawn(
    definitions: Definitions, more: dict[str, Any]
) -> None:
    prompt = exposed(encode("{a|b}"), definitions, **more)
    assert prompt["1"]["inputs"]["text"] == ["runflow-words", 0]
    assert "drawn" not in str(prompt)


def test_a_text_that_takes_no_link_keeps_its_mark_while_it_is_the_default(
    definitions: Definitions,
) -> None:
    unknown = encode("{a|b}")
    unknown["1"]["class_type"] = "NobodyKnows"
    kept = exposed(unknown, definitions, default="{a|b}")
    assert kept["1"] == unknown["1"]
    assert "drawn" not in str(exposed(unknown, definitions, default="{c|d}"))


def test_the_mark_of_a_constant_behind_an_input_moves_with_its_text(
    definitions: Definitions,
) -> None:
    prompt: Prompt = {
        "1": {
            "class_type": "RunflowInputString",
            "inputs": {"input_id": "words", "required": False, "value": ["2", 0]},
        },
        "2": {
            "class_type": "PrimitiveString",
            "inputs": {"value": "{a|b}"},
            "_meta": {"drawn": {"value": "choice"}},
        },
    }
    served = exposed(prompt, definitions, field="value", default="{a|b}")
    assert served["1"]["inputs"]["value"] == "{a|b}"
    assert served["1"]["_meta"] == {"drawn": {"value": "choice"}}
