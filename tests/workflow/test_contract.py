from __future__ import annotations

from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.findings import Finding
from runflow_build.spec.model import EndpointWish, InputWish, OutputWish
from runflow_build.workflow.contract import contract_of, served_contract
from runflow_build.workflow.contract_model import Contract
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

SAMPLER = {
    "class_type": "KSampler",
    "inputs": {
        "seed": 7,
        "denoise": 0.5,
        "sampler_name": "euler",
        "model": ["1", 0],
        "cfg": ["2", 0],
    },
    "_meta": {"title": "Sample"},
}


def text_input(**inputs: Any) -> dict[str, Any]:
    shown = {"input_id": "prompt", "display_name": "Prompt", "description": "What to draw"}
    return {"class_type": "RunflowInputString", "inputs": {**shown, **inputs}}


def declared(prompt: Prompt) -> Contract:
    return served_contract(prompt)


@pytest.fixture
def exposed(definitions: Definitions) -> Any:
    """`exposed(prompt, inputs={}, outputs={})`: the contract and the findings."""

    def expose(
        prompt: Prompt,
        inputs: dict[str, InputWish] | None = None,
        outputs: dict[str, OutputWish] | None = None,
    ) -> tuple[Contract, list[Finding]]:
        wish = EndpointWish(workflow="w.json", inputs=inputs or {}, outputs=outputs or {})
        return contract_of(prompt, wish, definitions, "poster")

    return expose


# -- what Runflow nodes declare


def test_a_runflow_input_says_what_a_caller_gives() -> None:
    [(name, one)] = declared({"3": text_input()}).inputs.items()
    assert (name, one.type, one.required, one.node, one.field) == (
        "prompt", "STRING", True, "3", "value"
    )  # fmt: skip
    assert (one.display_name, one.description) == ("Prompt", "What to draw")
    assert (one.class_type, one.title, one.default) == ("RunflowInputString", None, None)


def test_empty_texts_are_absent_and_an_own_title_is_kept() -> None:
    node = {**text_input(display_name="", description=" "), "_meta": {"title": "Words"}}
    one = declared({"3": node}).inputs["prompt"]
    assert (one.display_name, one.description, one.title) == (None, None, "Words")


def test_a_title_that_the_editor_gave_is_none() -> None:
    node = {**text_input(), "_meta": {"title": "Runflow Input String"}}
    assert declared({"3": node}).inputs["prompt"].title is None


def test_a_prompt_from_before_the_switch_is_required() -> None:
    inputs = {"input_id": "a", "display_name": "", "description": ""}
    for class_type in ("RunflowInputImage", "RunflowInputFile"):
        prompt: Prompt = {"1": {"class_type": class_type, "inputs": inputs}}
        assert declared(prompt).inputs["a"].required


def test_order_is_that_of_the_prompt() -> None:
    prompt = {str(n): text_input(input_id=name) for n, name in ((9, "z"), (2, "a"), (5, "m"))}
    assert list(declared(prompt).inputs) == ["z", "a", "m"]


def test_limits_are_read_from_text_and_from_numbers() -> None:
    inputs = {"input_id": "n", "minimum": "1", "maximum": 9, "step": ""}
    one = declared({"1": {"class_type": "RunflowInputInt", "inputs": inputs}}).inputs["n"]
    assert (one.minimum, one.maximum, one.step) == (1, 9, None)


@pytest.mark.parametrize("limit", ["low", "1.5", 1.5, "nan", True, ["4", 0]])
def test_a_limit_that_is_no_whole_number_is_refused(limit: Any) -> None:
    prompt: Prompt = {
        "1": {"class_type": "RunflowInputInt", "inputs": {"input_id": "n", "minimum": limit}}
    }
    with pytest.raises(WorkflowError) as caught:
        served_contract(prompt)
    [finding] = caught.value.findings
    assert (finding.code, finding.where.field) == ("contract-limit", "minimum")


def test_choices_are_lines() -> None:
    one = declared({"3": text_input(choices="ink\n\n  pencil \n")}).inputs["prompt"]
    assert one.choices == ["ink", "pencil"]


@pytest.mark.parametrize(
    ("class_type", "inputs", "source", "default"),
    [
        ("RunflowInputInt", {"value": ["2", 0]}, {"value": 5}, 5),
        ("RunflowInputInt", {"value": 6}, {}, 6),
        ("RunflowInputBoolean", {"value": False}, {}, False),
        ("RunflowInputFile", {"file_name": "a.pdf"}, {}, "a.pdf"),
        ("RunflowInputFile", {"file_name": "a.pdf", "value": "b.pdf"}, {}, "b.pdf"),
        ("RunflowInputInt", {"value": ["2", 0]}, {"value": ["8", 0]}, None),
        ("RunflowInputInt", {"value": ["8", 0]}, {}, None),
        ("RunflowInputInt", {}, {}, None),
    ],
)
def test_the_default_of_an_optional_input_is_what_the_author_wired(
    class_type: str, inputs: dict[str, Any], source: dict[str, Any], default: Any
) -> None:
    prompt: Prompt = {
        "1": {"class_type": class_type, "inputs": {"input_id": "a", "required": False, **inputs}},
        "2": {"class_type": "PrimitiveInt", "inputs": source},
    }
    assert declared(prompt).inputs["a"].default == default
    prompt["1"]["inputs"]["required"] = True
    assert declared(prompt).inputs["a"].default is None


def test_the_default_of_an_optional_image_is_its_loaders_file() -> None:
    prompt: Prompt = {
        "1": {
            "class_type": "RunflowInputImage",
            "inputs": {"input_id": "a", "required": False, "value": ["2", 0]},
        },
        "2": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    }
    assert declared(prompt).inputs["a"].default == "x.png"


def test_outputs_are_declared_by_their_nodes() -> None:
    outputs = declared(
        {
            "1": {
                "class_type": "RunflowOutputImage",
                "inputs": {"output_id": "a", "output_name": "A"},
            },
            "2": {"class_type": "RunflowOutputFile", "inputs": {"output_id": "b"}},
        }
    ).outputs
    assert [(name, one.type, one.display_name) for name, one in outputs.items()] == [
        ("a", "IMAGE", "A"),
        ("b", "FILE", None),
    ]


def test_one_id_twice_names_both_nodes_and_the_first_stays(exposed: Any) -> None:
    prompt = {"1": text_input(), "2": text_input(input_id=" prompt")}
    contract, [finding] = exposed(prompt)
    assert contract.inputs["prompt"].node == "1"
    assert (finding.code, finding.where.file, finding.where.node) == (
        "contract-id-duplicate", "w.json", "2"
    )  # fmt: skip
    assert finding.also == (("also", "node 1 (RunflowInputString), field input_id"),)


@pytest.mark.parametrize("name", ["", "  ", None, ["4", 0]])
def test_a_blank_id_is_refused(name: Any) -> None:
    with pytest.raises(WorkflowError) as caught:
        served_contract({"1": text_input(input_id=name)})
    assert [finding.code for finding in caught.value.findings] == ["contract-id-blank"]


# -- what runflow.yaml exposes


def test_an_exposed_field_is_optional_and_takes_the_workflows_value(exposed: Any) -> None:
    contract, findings = exposed({"6": SAMPLER}, {"seed": InputWish(node="6", field="seed")})
    one = contract.inputs["seed"]
    assert findings == []
    assert (one.type, one.required, one.default, one.title) == ("INT", False, 7, "Sample")
    assert (one.minimum, one.maximum, one.step) == (0, 2**64 - 1, None)


def test_a_node_may_be_named_by_its_title(exposed: Any) -> None:
    contract, _ = exposed({"6": SAMPLER}, {"seed": InputWish(node="Sample", field="seed")})
    assert contract.inputs["seed"].node == "6"


def test_an_id_comes_before_a_title(exposed: Any) -> None:
    prompt = {"6": SAMPLER, "7": {**SAMPLER, "_meta": {"title": "6"}}}
    contract, _ = exposed(prompt, {"seed": InputWish(node="6", field="seed")})
    assert contract.inputs["seed"].node == "6"


def test_a_wish_refines_what_the_class_and_the_workflow_say(exposed: Any) -> None:
    wish = InputWish(
        node="6", field="denoise", required=True, maximum=0.8, step=0.1, display_name="How much"
    )
    one = exposed({"6": SAMPLER}, {"strength": wish})[0].inputs["strength"]
    assert (one.required, one.default, one.minimum, one.maximum) == (True, None, 0.0, 0.8)
    assert (one.step, one.display_name) == (0.1, "How much")


def test_a_combo_keeps_its_choices_or_takes_the_wishes(exposed: Any) -> None:
    wishes = {
        "all": InputWish(node="6", field="sampler_name"),
        "few": InputWish(node="7", field="sampler_name", choices=["euler", "ddim"]),
    }
    inputs = exposed({"6": SAMPLER, "7": SAMPLER}, wishes)[0].inputs
    assert inputs["all"].type == "COMBO"
    assert "dpmpp_2m" in inputs["all"].choices
    assert inputs["few"].choices == ["euler", "ddim"]


def test_a_loader_of_models_has_no_choices_of_its_own(exposed: Any) -> None:
    """A bare ComfyUI lists `pixel_space` there; which files there are, each machine says."""
    prompt = {"1": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}}}
    wish = {"vae": InputWish(node="1", field="vae_name")}
    one = exposed(prompt, wish)[0].inputs["vae"]
    assert (one.type, one.default, one.choices) == ("COMBO", "ae.safetensors", None)


def test_a_loaders_picture_is_exposed_as_image_and_its_other_files_as_file(exposed: Any) -> None:
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "2": {"class_type": "LoadAudio", "inputs": {"audio": "a.mp3"}},
        "3": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    }
    wishes = {
        "photo": InputWish(node="1", field="image"),
        "song": InputWish(node="2", field="audio"),
        "socket": InputWish(node="3", field="image"),
    }
    contract, findings = exposed(prompt, wishes)
    assert findings == []
    assert [(one.type, one.default) for one in contract.inputs.values()] == [
        ("IMAGE", "x.png"),
        ("FILE", "a.mp3"),
        ("IMAGE", "x.png"),
    ]


@pytest.mark.parametrize(
    ("value", "kind"), [("x", "STRING"), (1, "INT"), (0.5, "FLOAT"), (True, "BOOLEAN")]
)
def test_a_field_of_an_unknown_class_has_its_values_type(
    value: Any, kind: str, exposed: Any
) -> None:
    prompt = {"1": {"class_type": "SomePackNode", "inputs": {"x": value}}}
    assert exposed(prompt, {"x": InputWish(node="1", field="x")})[0].inputs["x"].type == kind


def test_runflow_nodes_come_first_and_exposed_ones_in_the_order_of_the_file(exposed: Any) -> None:
    prompt = {"6": SAMPLER, "9": text_input()}
    wishes = {
        "z": InputWish(node="6", field="seed"),
        "a": InputWish(node="6", field="denoise"),
        "prompt": InputWish(description="Refined"),
    }
    contract, findings = exposed(prompt, wishes)
    assert findings == []
    assert list(contract.inputs) == ["prompt", "z", "a"]
    assert contract.inputs["prompt"].description == "Refined"


def test_a_wish_may_make_a_required_input_optional(exposed: Any) -> None:
    one = exposed({"3": text_input(value="a cat")}, {"prompt": InputWish(required=False)})[0]
    assert (one.inputs["prompt"].required, one.inputs["prompt"].default) == (False, "a cat")


@pytest.mark.parametrize(
    ("name", "wish", "code", "place"),
    [
        ("x", InputWish(node="99", field="seed"), "node-missing", "node"),
        ("x", InputWish(node="6", field="sed"), "field-missing", "field"),
        ("x", InputWish(node="6", field="cfg"), "field-linked", "field"),
        ("x", InputWish(node="6", field="model"), "field-unsupported", "field"),
        ("promt", InputWish(), "contract-input-unknown", "promt"),
        ("prompt", InputWish(node="6", field="seed"), "contract-id-duplicate", "prompt"),
        ("x", InputWish(node="3", field="value"), "contract-id-duplicate", "x"),
    ],
)
def test_a_wish_that_cannot_be_met_says_where_in_runflow_yaml(
    name: str, wish: InputWish, code: str, place: str, exposed: Any
) -> None:
    contract, [finding] = exposed({"3": text_input(), "6": SAMPLER}, {name: wish})
    assert finding.code == code
    assert finding.where.key[:3] == ("endpoints", "poster", "inputs")
    assert finding.where.key[-1] == place
    assert finding.fix
    assert list(contract.inputs) == ["prompt"]


def test_one_field_under_two_names_is_refused(exposed: Any) -> None:
    wish = InputWish(node="6", field="seed")
    contract, [finding] = exposed({"6": SAMPLER}, {"a": wish, "b": wish})
    assert (finding.code, list(contract.inputs)) == ("contract-id-duplicate", ["a"])


def test_a_title_that_two_nodes_have_names_both(exposed: Any) -> None:
    prompt = {"6": SAMPLER, "8": SAMPLER}
    _, [finding] = exposed(prompt, {"x": InputWish(node="Sample", field="seed")})
    assert finding.code == "node-ambiguous"
    assert [text for _, text in finding.also] == [
        'node 6 "Sample" (KSampler)',
        'node 8 "Sample" (KSampler)',
    ]


def test_the_nearest_name_is_offered(exposed: Any) -> None:
    _, findings = exposed(
        {"6": SAMPLER},
        {"a": InputWish(node="Sampel", field="seed"), "b": InputWish(node="6", field="sed")},
    )
    assert ["did you mean `Sample`?" in findings[0].message] == [True]
    assert ["did you mean `seed`?" in findings[1].message] == [True]


def test_outputs_can_be_exposed_and_refined(exposed: Any) -> None:
    prompt = {
        "1": {"class_type": "SaveImage", "inputs": {}},
        "2": {"class_type": "SaveVideo", "inputs": {}},
        "3": {"class_type": "RunflowOutputImage", "inputs": {"output_id": "own"}},
        "4": {"class_type": "UnknownSaver", "inputs": {}},
    }
    wishes = {
        "image": OutputWish(node="1", display_name="Picture"),
        "video": OutputWish(node="2"),
        "own": OutputWish(description="The best one"),
        "other": OutputWish(node="4"),
    }
    contract, findings = exposed(prompt, None, wishes)
    assert findings == []
    assert [(name, one.type) for name, one in contract.outputs.items()] == [
        ("own", "IMAGE"),
        ("image", "IMAGE"),
        ("video", "FILE"),
        ("other", "FILE"),
    ]
    assert contract.outputs["image"].display_name == "Picture"
    assert contract.outputs["own"].description == "The best one"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (OutputWish(node="6"), "not-an-output"),
        (OutputWish(node="99"), "node-missing"),
        (OutputWish(), "contract-output-unknown"),
        (OutputWish(node="3"), "contract-id-duplicate"),
    ],
)
def test_an_output_that_cannot_be_exposed_is_a_finding(
    wish: OutputWish, code: str, exposed: Any
) -> None:
    prompt = {
        "6": SAMPLER,
        "3": {"class_type": "RunflowOutputImage", "inputs": {"output_id": "own"}},
    }
    contract, [finding] = exposed(prompt, None, {"x": wish})
    assert (finding.code, list(contract.outputs)) == (code, ["own"])
