"""`runflow diff`: what a reviewer reads, the API first, and what breaks a caller marked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.lock.diff import diff, render_diff
from runflow_build.lock.model import (
    ComfyUIPin,
    EndpointPin,
    GPUPin,
    Lock,
    ModelPin,
    NodePackPin,
    PythonPins,
    ResourcePin,
    TargetPins,
)
from runflow_build.lock.text import lock_text, read_lock
from runflow_build.workflow.contract_model import ContractInput, ContractOutput

ONE, TWO = "1" * 64, "2" * 64


def an_input(**fields: Any) -> ContractInput:
    shape = {"type": "STRING", "required": False, "node": "6", "class": "K", "field": "text"}
    return ContractInput.model_validate({**shape, **fields})


def an_output(**fields: Any) -> ContractOutput:
    return ContractOutput.model_validate({"type": "IMAGE", "node": "9", "class": "S", **fields})


def endpoint(**fields: Any) -> EndpointPin:
    return EndpointPin(**{"name": "Poster", "workflow": "w.json", "prompt": ONE, **fields})


def lock(**fields: Any) -> Lock:
    return Lock(**{"python": PythonPins(version="3.12"), **fields})


def with_input(**fields: Any) -> Lock:
    return lock(endpoints={"poster": endpoint(inputs={"prompt": an_input(**fields)})})


def told(before: Lock | None, after: Lock) -> str:
    return render_diff(diff(before, after), "text")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"required": True}, "BREAKING poster, input prompt: required false → true"),
        ({"required": True}, {}, "poster, input prompt: required true → false"),
        ({}, {"type": "INT"}, "BREAKING poster, input prompt: type STRING → INT"),
        ({}, {"maximum": 5}, "BREAKING poster, input prompt: maximum none → 5"),
        ({"maximum": 5}, {"maximum": 4}, "BREAKING poster, input prompt: maximum 5 → 4"),
        ({"maximum": 5}, {"maximum": 6}, "poster, input prompt: maximum 5 → 6"),
        ({"maximum": 5}, {}, "poster, input prompt: maximum 5 → none"),
        ({"minimum": 0}, {"minimum": 1}, "BREAKING poster, input prompt: minimum 0 → 1"),
        ({"minimum": 1}, {"minimum": 0}, "poster, input prompt: minimum 1 → 0"),
        ({}, {"choices": ["a"]}, "BREAKING poster, input prompt: choices none → a"),
        ({"choices": ["a", "b"]}, {"choices": ["a"]},
         "BREAKING poster, input prompt: choices a, b → a"),
        ({"choices": ["a"]}, {"choices": ["b", "a"]}, "poster, input prompt: choices a → b, a"),
        ({"choices": ["a"]}, {}, "poster, input prompt: choices a → none"),
        ({"step": 1}, {"step": 8}, "poster, input prompt: step 1 → 8"),
        ({"default": 1}, {"default": True}, "poster, input prompt: default 1 → true"),
        ({}, {"description": "Who"}, "poster, input prompt: description none → Who"),
        ({}, {"node": "7"}, "poster, input prompt: node 6 → 7"),
    ],
)  # fmt: skip
def test_what_breaks_a_caller_is_marked(
    before: dict[str, Any], after: dict[str, Any], expected: str
) -> None:
    assert told(with_input(**before), with_input(**after)) == f"API\n  {expected}"


def test_inputs_outputs_and_endpoints_come_and_go() -> None:
    before = lock(
        endpoints={
            "gone": endpoint(),
            "poster": endpoint(inputs={"a": an_input()}, outputs={"x": an_output()}),
        }
    )
    after = lock(
        endpoints={
            "fresh": endpoint(inputs={"a": an_input()}, outputs={"x": an_output()}),
            "poster": endpoint(
                inputs={"b": an_input(), "c": an_input(required=True)}, outputs={"y": an_output()}
            ),
        }
    )
    assert told(before, after) == (
        "API\n"
        "  BREAKING gone: is gone\n"
        "  BREAKING poster, input a: is gone\n"
        "  BREAKING poster, input c: is new and required\n"
        "  BREAKING poster, output x: is gone\n"
        "  fresh: is new, with 1 input and 1 output\n"
        "  poster, input b: is new and optional\n"
        "  poster, output y: is new"
    )


def test_an_output_of_another_type_breaks() -> None:
    before = lock(endpoints={"p": endpoint(outputs={"x": an_output()})})
    after = lock(endpoints={"p": endpoint(outputs={"x": an_output(type="FILE")})})
    assert diff(before, after).breaking


def everything() -> tuple[Lock, Lock]:
    """Two locks that differ in each section."""
    repository = "https://github.com/o/pack"
    before = lock(
        comfyui=ComfyUIPin(repository="https://github.com/o/c", ref="v1", commit="a" * 40),
        nodes={"pack": NodePackPin(repository=repository, commit="b" * 40)},
        python=PythonPins(
            version="3.12",
            packages={"aiohttp": "3.12.13", "old": "1"},
            targets={"linux-cu128": TargetPins(packages={"torch": "2.7.0+cu128"})},
        ),
        models={"loras/a.safetensors": ModelPin(sha256=ONE, size=1)},
        resources={"input/a.png": ResourcePin(sha256=ONE, size=1)},
        endpoints={"poster": endpoint()},
    )
    after = lock(
        comfyui=ComfyUIPin(repository="https://github.com/o/c", ref="v2", commit="c" * 40),
        nodes={"pack": NodePackPin(repository=repository, commit="b" * 40, dirty=True)},
        python=PythonPins(
            version="3.12",
            packages={"aiohttp": "3.12.14", "new": "2"},
            targets={"linux-cu128": TargetPins(packages={"torch": "2.8.0+cu128"})},
        ),
        models={"loras/a.safetensors": ModelPin(sha256=TWO, size=1)},
        resources={"input/b.png": ResourcePin(sha256=TWO, size=1)},
        endpoints={"poster": endpoint(prompt=TWO, gpu=GPUPin(min_vram_gb=24))},
    )
    return before, after


def test_sections_stand_in_the_order_of_a_review() -> None:
    assert told(*everything()) == (
        "Endpoints\n"
        "  poster: computes something else: its prompt changed\n"
        "  poster, gpu: min_vram_gb none → 24\n"
        "Models\n"
        "  loras/a.safetensors: sha256 111111111111 → 222222222222\n"
        "Node packs\n"
        "  pack: dirty false → true\n"
        "ComfyUI\n"
        "  ComfyUI: ref v1 → v2\n"
        "  ComfyUI: commit aaaaaaaaaaaa → cccccccccccc\n"
        "Packages\n"
        "  aiohttp: 3.12.13 → 3.12.14\n"
        "  new: new → 2\n"
        "  old: 1 → gone\n"
        "  torch (linux-cu128): 2.7.0+cu128 → 2.8.0+cu128\n"
        "Inputs\n"
        "  input/a.png: is gone (111111111111)\n"
        "  input/b.png: is new (222222222222)"
    )


def test_markdown_is_a_list_under_headings() -> None:
    shown = render_diff(
        diff(with_input(), with_input(required=True, description="*a* <b>")), "markdown"
    )
    assert shown == (
        "### API\n"
        "\n"
        "- **breaking** `poster, input prompt`: required false → true\n"
        "- `poster, input prompt`: description none → \\*a\\* \\<b\\>"
    )


def test_json_holds_the_values_themselves() -> None:
    shown = json.loads(render_diff(diff(with_input(), with_input(required=True)), "json"))
    assert shown == {
        "breaking": True,
        "changes": [
            {
                "section": "API",
                "subject": "poster, input prompt",
                "field": "required",
                "what": "required false → true",
                "breaking": True,
                "before": False,
                "after": True,
            }
        ],
    }


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_names_in_a_lock_cannot_move_the_cursor_of_its_reviewer(form: Any) -> None:
    after = with_input(display_name="x\x1b[2K\u202ey\ud800")
    text = render_diff(diff(with_input(), after), form)
    assert "\\u001b" in text
    assert [odd for odd in "\x1b\u202e\ud800" if odd in text] == []


def test_without_a_lock_of_before_all_is_new_and_nothing_breaks() -> None:
    found = diff(None, everything()[1])
    assert not found.breaking
    assert {change.section for change in found.changes} >= {"API", "Models", "Packages", "ComfyUI"}


def test_nothing_changed_is_said_in_each_form() -> None:
    same = diff(everything()[0], everything()[0])
    assert not same
    assert render_diff(same, "text") == "no changes"
    assert render_diff(same, "markdown") == "No changes."
    assert json.loads(render_diff(same, "json")) == {"breaking": False, "changes": []}


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.booleans(), max_size=4), st.booleans())
def test_a_lock_does_not_differ_from_itself(inputs: dict[str, bool], fixed: bool) -> None:
    one = lock(
        endpoints={
            "e": endpoint(inputs={name: an_input(required=r) for name, r in inputs.items()})
        },
        nodes={"p": NodePackPin(repository="https://x.y/z", commit="a" * 40, dirty=fixed)},
    )
    assert not diff(one, read_lock(lock_text(one)))
