"""What ComfyUI would refuse is found before anybody calls the endpoint."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.findings import Finding, render

Checked = Callable[..., list[Finding]]

PROMPT: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
    },
    "2": {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["1", 0],
            "upscale_method": "lanczos",
            "width": 512,
            "height": 512,
            "crop": "disabled",
        },
        "_meta": {"title": "Make it small"},
    },
    "3": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "picture", "output_name": "", "value": ["2", 0]},
    },
}


def with_input(node: str, field: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(PROMPT)
    data[node]["inputs"][field] = value
    return data


def test_a_good_prompt_has_no_findings(checked: Checked) -> None:
    assert checked(PROMPT) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "width",
            0.5,
            None,  # ComfyUI makes it 0, which is within the limits
        ),
        (
            "width",
            -1,
            "error value-out-of-range: `width` of node 2 is -1; ImageScale takes at least 0\n"
            '  at        node 2 "Make it small" (ImageScale), field width\n'
            "  fix       set it to at least 0",
        ),
        (
            "width",
            99999,
            "error value-out-of-range: `width` of node 2 is 99999; ImageScale takes at most 16384\n"
            '  at        node 2 "Make it small" (ImageScale), field width\n'
            "  fix       set it to at most 16384",
        ),
        (
            "width",
            "wide",
            "error value-wrong-type: `width` of node 2 must be a whole number\n"
            '  at        node 2 "Make it small" (ImageScale), field width\n'
            "  fix       set the value again in ComfyUI, and save",
        ),
        (
            "upscale_method",
            "lanzcos",
            "error value-not-in-list: `upscale_method` of node 2 is `lanzcos`, which ImageScale "
            "does not offer\n"
            '  at        node 2 "Make it small" (ImageScale), field upscale_method\n'
            "  fix       choose `lanczos`",
        ),
        (
            "crop",
            {"__value__": ["x"]},
            "error value-not-in-list: `crop` of node 2 is `['x']`, which ImageScale does not "
            "offer\n"
            '  at        node 2 "Make it small" (ImageScale), field crop\n'
            "  fix       choose one of: disabled, center",
        ),
        (
            "image",
            ["1", 3],
            "error link-dangling: the link into `image` of node 2 comes from output 3 of node 1, "
            "which has no such output\n"
            '  at        node 2 "Make it small" (ImageScale), field image\n'
            "  from      node 1 (EmptyImage)\n"
            "  fix       connect the input again in ComfyUI, and save",
        ),
        (
            "width",
            ["1", 0],
            "error link-type-mismatch: `width` of node 2 takes INT, but gets IMAGE\n"
            '  at        node 2 "Make it small" (ImageScale), field width\n'
            "  from      node 1 (EmptyImage)\n"
            "  fix       connect something that gives INT",
        ),
    ],
)
def test_a_value_or_link_that_comfyui_refuses(
    checked: Checked, field: str, value: Any, message: str | None
) -> None:
    found = render(checked(with_input("2", field, value)))
    assert found == (f"poster.json: {message}" if message else "")


def test_a_required_input_that_has_nothing(checked: Checked) -> None:
    data = copy.deepcopy(PROMPT)
    del data["2"]["inputs"]["image"]
    assert render(checked(data)) == (
        "poster.json: error required-input-missing: `image` of node 2 has neither a link nor a "
        "value, and needs one\n"
        '  at        node 2 "Make it small" (ImageScale), field image\n'
        "  fix       connect something that gives IMAGE"
    )


def a_constant(class_type: str, field: str) -> dict[str, Any]:
    """The prompt with a constant wired into a field of the scaler."""
    data = with_input("2", field, ["9", 0])
    value = {"PrimitiveInt": 5, "PrimitiveFloat": 0.5, "PrimitiveString": "lanczos"}[class_type]
    return {**data, "9": {"class_type": class_type, "inputs": {"value": value}}}


@pytest.mark.parametrize(
    ("class_type", "field", "fits"),
    [
        ("PrimitiveInt", "width", True),
        ("PrimitiveFloat", "width", False),  # ComfyUI converts values, not links
        ("PrimitiveString", "upscale_method", False),  # nor a text into a choice
    ],
)
def test_links_fit_by_type_alone(checked: Checked, class_type: str, field: str, fits: bool) -> None:
    codes = [one.code for one in checked(a_constant(class_type, field))]
    assert codes == ([] if fits else ["link-type-mismatch"])


def test_anything_fits_where_the_class_takes_anything(checked: Checked) -> None:
    data = {**PROMPT, "4": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}
    assert checked(data, keep=["4"]) == []


def test_files_of_one_machine_are_not_held_against_its_lists(checked: Checked) -> None:
    data = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "not-in-the-catalogue.png"}},
        "2": {"class_type": "VAELoader", "inputs": {"vae_name": "mine.safetensors"}},
        "3": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["2", 0]}},
        "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["2", 0]}},
        "5": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "o", "output_name": "", "value": ["4", 0]},
        },
    }
    assert checked(data) == []


def test_an_unknown_class_is_a_warning_since_another_engine_may_have_it(
    checked: Checked,
) -> None:
    data = copy.deepcopy(PROMPT)
    data["1"] = {"class_type": "MakeNoise", "inputs": {"amount": 5}}
    assert render(checked(data)) == (
        "poster.json: warning node-class-unknown: no definition of the class MakeNoise; what node "
        "1 takes cannot be checked\n"
        "  at        node 1 (MakeNoise)\n"
        "  fix       take its definition from a ComfyUI that has the class: "
        "runflow record --from http://127.0.0.1:8188"
    )


def test_an_unknown_class_of_a_graph_is_reported_once(checked: Checked) -> None:
    graph = {
        "version": 0.4,
        "nodes": [
            {
                "id": 1,
                "type": "MakeNoise",
                "inputs": [],
                "outputs": [{"type": "IMAGE", "links": [1]}],
            },
            {
                "id": 2,
                "type": "RunflowOutputImage",
                "inputs": [{"name": "value", "type": "IMAGE", "link": 1}],
                "widgets_values": ["picture", ""],
            },
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    }
    assert [one.code for one in checked(graph)] == ["node-class-unknown"]


def test_an_output_node_that_nothing_needs_is_noted_and_otherwise_not_checked(
    checked: Checked,
) -> None:
    data = {**PROMPT, "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}
    assert render(checked(data)) == (
        "poster.json: note output-dropped: node 4 does not run: no output of the endpoint needs "
        "it\n"
        "  at        node 4 (SaveImage)\n"
        "  fix       nothing; or, to run it all the same, add its id to `keep` of poster"
    )
    assert [one.code for one in checked(data, keep=["4"])] == ["required-input-missing"]


def test_the_test_wiring_of_a_required_input_is_not_checked(checked: Checked) -> None:
    data = with_input("2", "width", ["8", 0])
    data["8"] = {
        "class_type": "RunflowInputInt",
        "inputs": {"input_id": "w", "display_name": "", "description": "", "value": ["9", 0]},
    }
    data["9"] = {"class_type": "PrimitiveInt", "inputs": {"value": "not a number"}}
    assert checked(data) == []


def test_a_prompt_that_gives_nothing_out(checked: Checked) -> None:
    data = {"1": PROMPT["1"]}
    codes = [one.code for one in checked(data)]
    assert codes == ["prompt-no-output", "contract-no-output"]


def test_links_that_dangle_or_run_in_a_circle_are_told_instead_of_the_rest(
    checked: Checked,
) -> None:
    circle = with_input("2", "image", ["2", 0])
    assert [one.code for one in checked(circle)] == ["link-cycle"]
    assert [one.code for one in checked(with_input("2", "image", ["7", 0]))] == ["link-dangling"]
