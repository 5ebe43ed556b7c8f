from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine, planning
from runflow_build.errors import EngineError
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]
Refusal = Callable[[Prompt], str]

GOOD: Prompt = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
        "_meta": {"title": "Canvas"},
    },
    "2": {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["1", 0],
            "upscale_method": "lanczos",
            "width": 4,
            "height": 4,
            "crop": "disabled",
        },
    },
    "3": {"class_type": "PrimitiveInt", "inputs": {"value": 5}, "_meta": {"title": "Five"}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
}


def changed(node: str, name: str, value: Any) -> Prompt:
    prompt = {key: {**content, "inputs": dict(content["inputs"])} for key, content in GOOD.items()}
    if value is ...:
        del prompt[node]["inputs"][name]
    else:
        prompt[node]["inputs"][name] = value
    return prompt


REFUSED = {
    "required_input_missing": (
        ("2", "image", ...),
        "the required input image is missing",
        "node 2 (ImageScale), field image",
    ),
    "return_type_mismatch": (
        ("2", "image", ["3", 0]),
        'image takes IMAGE and is linked to INT of node 3 "Five" (PrimitiveInt)',
        "node 2 (ImageScale), field image",
    ),
    "value_not_in_list": (
        ("2", "crop", "middle"),
        "crop is 'middle', and not one of disabled, center",
        "node 2 (ImageScale), field crop",
    ),
    "value_bigger_than_max": (
        ("1", "width", 100_000),
        "width is 100000, bigger than its maximum of 16384",
        'node 1 "Canvas" (EmptyImage), field width',
    ),
    "value_smaller_than_min": (
        ("1", "height", 0),
        "height is 0, smaller than its minimum of 1",
        'node 1 "Canvas" (EmptyImage), field height',
    ),
    "invalid_input_type": (
        ("1", "width", "wide"),
        "width is 'wide', and not a whole number",
        'node 1 "Canvas" (EmptyImage), field width',
    ),
    "bad_linked_input": (
        ("2", "image", ["1"]),
        "image is a list, and not a link [node id, slot]",
        "node 2 (ImageScale), field image",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_each_kind_of_error_says_what_and_where(kind: str, refusal: Refusal) -> None:
    change, message, place = REFUSED[kind]
    assert refusal(changed(*change)) == (
        f"error prompt-invalid: {message}\n  at        {place}\n  kind      {kind}"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("2", "image", ["7", 0]), "image is linked to node 7, which does not exist"),
        (
            ("2", "image", ["1", 1]),
            'image is linked to output 1 of node 1 "Canvas" (EmptyImage), which does not exist',
        ),
        (("2", "image", ["1", -1]), "image is linked to output -1 of"),
        (("2", "image", "x.png"), "image takes IMAGE from another node, and is 'x.png'"),
        (("1", "width", None), "width is None, and not a whole number"),
        (("1", "width", float("nan")), "width is nan, and not a whole number"),
        (("1", "width", float("inf")), "width is inf, and not a whole number"),
        (("1", "width", "9" * 5000), f"width is '{'9' * 59}…, and not a whole number"),
        (("1", "width", {"__value__": [1]}), "width is [1], and not a whole number"),
        (("2", "crop", {}), "crop is {}, and not one of disabled, center"),
        (("2", "crop", {"__value__": ["center"]}), "crop is ['center'], and not one of"),
    ],
)
def test_an_input_that_makes_no_sense_is_refused(
    change: tuple[str, str, Any], message: str, refusal: Refusal
) -> None:
    assert refusal(changed(*change)).startswith(f"error prompt-invalid: {message}")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", 10**400])
def test_a_number_is_finite(value: Any, refusal: Refusal, node: Node) -> None:
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": node(
            "ImageBlend",
            image1=["1", 0],
            image2=["1", 0],
            blend_mode="normal",
            blend_factor=["3", 0],
        ),
        "3": node("PrimitiveFloat", value=value),
        "9": node("PreviewImage", images=["2", 0]),
    }
    assert "field value\n  kind      invalid_input_type" in refusal(prompt)


@pytest.mark.parametrize(
    ("value", "width"), [("12", 12), (12.9, 12), (True, 1), ({"__value__": 3}, 3)]
)
def test_values_are_converted_as_comfyui_converts_them(
    value: Any, width: int, pictures: Callable[[Prompt], list[Any]], node: Node
) -> None:
    prompt = {
        "1": node("EmptyImage", width=value, height=2, batch_size=1, color=0),
        "2": node("PreviewImage", images=["1", 0]),
    }
    assert pictures(prompt)[0].shape == (2, width, 3)


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_nodes(
    engine: EmbeddedEngine, folders: RunFolders
) -> None:
    prompt = changed("2", "crop", "middle")
    prompt["2"]["inputs"]["width"] = -1
    del prompt["1"]["inputs"]["color"]
    with pytest.raises(EngineError) as caught:
        engine.execute(prompt, folders)
    places = [(one.where.node, one.where.field) for one in caught.value.findings]
    assert places == [("1", "color"), ("2", "width"), ("2", "crop")]
    assert not list(folders.output.iterdir())


def test_a_node_that_nothing_needs_is_not_checked(
    pictures: Callable[[Prompt], list[Any]],
) -> None:
    assert len(pictures(changed("3", "value", "five"))) == 1


def test_a_prompt_without_outputs_is_refused(refusal: Refusal) -> None:
    nothing = "error prompt-invalid: the prompt has no output node\n  kind      prompt_no_outputs"
    assert refusal({key: GOOD[key] for key in ("1", "2", "3")}) == nothing
    assert refusal({}) == nothing


@pytest.mark.parametrize("content", [None, [], {}, {"class_type": 3, "inputs": {}}])
def test_what_is_no_node_is_refused(content: Any, refusal: Refusal) -> None:
    assert refusal({**GOOD, "5": content}) == (
        "error prompt-invalid: the node has no class_type, or its inputs are not a mapping\n"
        "  at        node 5\n  kind      invalid_prompt"
    )


def test_a_missing_class_is_named_with_its_node(refusal: Refusal, node: Node) -> None:
    assert refusal({**GOOD, "5": node("KSampler", title="Draw")}) == (
        "error engine-class-missing: the embedded engine does not have KSampler\n"
        '  at        node 5 "Draw" (KSampler)\n'
        "  fix       run this prompt on ComfyUI"
    )


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "installed", lambda package: package != "torch")


@pytest.mark.usefixtures("without_torch")
def test_an_option_that_needs_a_package_names_it(refusal: Refusal) -> None:
    assert refusal(changed("2", "upscale_method", "area")) == (
        "error engine-extra-missing: ImageScale with upscale_method area needs torch, which is not"
        " installed\n"
        "  at        node 2 (ImageScale), field upscale_method\n"
        "  fix       pip install 'runflow-build[embedded]', or run this prompt on ComfyUI"
    )
    assert "needs torch" not in refusal(changed("2", "upscale_method", 7))


@pytest.mark.usefixtures("without_torch")
def test_a_class_that_needs_a_package_names_it(refusal: Refusal, node: Node) -> None:
    blur = node("ImageBlur", image=["1", 0], blur_radius=1, sigma=1.0)
    assert refusal({**GOOD, "5": blur}) == (
        "error engine-extra-missing: ImageBlur needs torch, which is not installed\n"
        "  at        node 5 (ImageBlur)\n"
        "  fix       pip install 'runflow-build[embedded]', or run this prompt on ComfyUI"
    )


def test_a_missing_file_is_found_before_anything_runs(refusal: Refusal, node: Node) -> None:
    prompt = {
        "1": node("LoadImage", title="Photo", image="photo.png"),
        "2": node("PreviewImage", images=["1", 0]),
    }
    assert refusal(prompt) == (
        "error prompt-invalid: there is no file 'photo.png' in the input folder\n"
        '  at        node 1 "Photo" (LoadImage), field image\n'
        "  kind      custom_validation_failed\n"
        "  fix       put it there, or correct the name"
    )


def test_a_circle_is_named_by_its_nodes(refusal: Refusal, node: Node) -> None:
    prompt = {
        "1": node("ImageInvert", title="First", image=["3", 0]),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("ImageInvert", image=["2", 0]),
        "9": node("PreviewImage", images=["3", 0]),
    }
    assert refusal(prompt) == (
        "error prompt-invalid: 3 nodes feed each other in a circle: 3, 2, 1\n"
        "  at        node 3 (ImageInvert)\n"
        "  kind      dependency_cycle"
    )


def test_a_circle_that_no_output_needs_does_no_harm(
    pictures: Callable[[Prompt], list[Any]], node: Node
) -> None:
    prompt = {**GOOD, "7": node("ImageInvert", image=["7", 0])}
    assert len(pictures(prompt)) == 1


def test_a_circle_of_thousands_is_found(refusal: Refusal, node: Node) -> None:
    prompt = {
        str(number): node("ImageInvert", image=[str((number + 1) % 5000), 0])
        for number in range(5000)
    }
    message = refusal({**prompt, "save": node("PreviewImage", images=["0", 0])})
    assert message.startswith(
        "error prompt-invalid: 5000 nodes feed each other in a circle: 0, 1, 2, 3, 4, 5, 6, 7 …\n"
    )
