"""What a caller may give, and what becomes of it in the prompt."""

from __future__ import annotations

import copy
import math
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.errors import BindError
from runflow_build.rewrite.bind import bind as bind_run
from runflow_build.rewrite.bind import coerce
from runflow_build.workflow.contract_model import Contract, ContractInput, ContractOutput
from runflow_build.workflow.model import Prompt

NOON = datetime(2031, 4, 5, 12)
bind = partial(bind_run, seed="run-1", now=NOON)


def an_input(type_: str, **more: Any) -> ContractInput:
    row = {
        "type": type_,
        "required": False,
        "node": "1",
        "class": f"RunflowInput{type_.title()}",
        "field": "value",
    }
    return ContractInput.model_validate({**row, **more})


def contract_of_one(type_: str, **more: Any) -> Contract:
    return Contract(inputs={"it": an_input(type_, **more)})


def refusal(contract: Contract, values: Any) -> list[tuple[str, str | None, str]]:
    with pytest.raises(BindError) as caught:
        coerce(contract, values)
    return [(each.code, each.where.field, each.message) for each in caught.value.findings]


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("STRING", "", ""),
        ("STRING", "Zürich 🏔", "Zürich 🏔"),
        ("INT", 7, 7),
        ("INT", 7.0, 7),
        ("INT", 18446744073709551615, 18446744073709551615),
        ("INT", -(10**30), -(10**30)),
        ("FLOAT", 3, 3.0),
        ("FLOAT", 0.1, 0.1),
        ("BOOLEAN", False, False),
        ("IMAGE", "cat.png", "cat.png"),
        ("IMAGE", "sub folder/Größe 1.png", "sub folder/Größe 1.png"),
        ("FILE", "clip.mp4", "clip.mp4"),
        ("FILE", "..hidden/..x", "..hidden/..x"),
    ],
)
def test_a_fitting_value_arrives_in_the_type_of_its_input(
    type_: str, value: Any, expected: Any
) -> None:
    coerced = coerce(contract_of_one(type_), {"it": value})["it"]
    assert coerced == expected
    assert type(coerced) is type(expected)


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        ("STRING", 5, "`it` must be text, not a number"),
        ("STRING", ["a"], "`it` must be text, not a list"),
        ("STRING", "\ud800", "`it` must be Unicode text, not half a surrogate pair"),
        ("INT", 7.9, "`it` must be a whole number, not 7.9"),
        ("INT", "7", "`it` must be a whole number, not text"),
        ("INT", True, "`it` must be a whole number, not true or false"),
        ("INT", math.inf, "`it` must be a whole number, not inf"),
        ("INT", math.nan, "`it` must be a whole number, not nan"),
        ("FLOAT", math.nan, "`it` must be a finite number, not nan"),
        ("FLOAT", -math.inf, "`it` must be a finite number, not -inf"),
        ("FLOAT", "0.5", "`it` must be a number, not text"),
        ("FLOAT", False, "`it` must be a number, not true or false"),
        ("BOOLEAN", 1, "`it` must be true or false, not a number"),
        ("BOOLEAN", "true", "`it` must be true or false, not text"),
        ("IMAGE", "", "`it` must name an input file, not ``"),
        ("IMAGE", "/etc/passwd", "`it` must name an input file, not `/etc/passwd`"),
        ("IMAGE", "a/../../x.png", "`it` must name an input file, not `a/../../x.png`"),
        ("IMAGE", "..\\x.png", "`it` must name an input file, not `..\\x.png`"),
        ("FILE", "C:/x.png", "`it` must name an input file, not `C:/x.png`"),
        ("FILE", "a//b", "`it` must name an input file, not `a//b`"),
        ("FILE", "a\0b", "`it` must name an input file, not `a\\x00b`"),
        ("IMAGE", "x.png [output]", "`it` must name an input file, not `x.png [output]`"),
        ("IMAGE", {"url": "x"}, "`it` must be text, not an object"),
    ],
)
def test_a_value_of_another_type_is_refused(type_: str, value: Any, message: str) -> None:
    assert refusal(contract_of_one(type_), {"it": value}) == [("input-wrong-type", "it", message)]


@pytest.mark.parametrize(
    ("contract", "value", "message"),
    [
        (contract_of_one("INT", minimum=1), 0, "`it` must be at least 1, not 0"),
        (contract_of_one("FLOAT", maximum=1), 1.5, "`it` must be at most 1, not 1.5"),
        (contract_of_one("FLOAT", maximum=1), 7, "`it` must be at most 1, not 7"),
        (contract_of_one("INT", minimum=1), -7.0, "`it` must be at least 1, not -7.0"),
        pytest.param(
            contract_of_one("FLOAT"), 10**400, "`it` is too large for a number", id="too-large"
        ),
        pytest.param(
            contract_of_one("INT", maximum=8),
            10**5000,
            "`it` must be at most 8, not a number of more than 77 digits",
            id="endless",
        ),
        (
            contract_of_one("COMBO", choices=["a", "b"]),
            "c",
            "`it` is none of the choices: `c`",
        ),
        (contract_of_one("STRING", choices=["a"]), "", "`it` is none of the choices: ``"),
    ],
)
def test_a_value_outside_the_limits_is_refused(
    contract: Contract, value: Any, message: str
) -> None:
    assert refusal(contract, {"it": value}) == [("input-out-of-range", "it", message)]


def test_the_step_is_a_hint_for_forms_and_not_a_limit() -> None:
    assert coerce(contract_of_one("FLOAT", step=0.1), {"it": 0.25}) == {"it": 0.25}


def test_all_fields_are_reported_at_once() -> None:
    contract = Contract(
        inputs={
            "prompt": an_input("STRING", required=True),
            "steps": an_input("INT", minimum=1, maximum=50),
            "size": an_input("INT"),
        }
    )
    with pytest.raises(BindError) as caught:
        coerce(contract, {"promt": "an otter", "steps": 0, "size": "big"})
    assert str(caught.value) == (
        "error input-missing: `prompt` is required\n"
        "  fix       give `prompt` (text)\n"
        "error input-out-of-range: `steps` must be at least 1, not 0\n"
        "  fix       give a whole number from 1 up to 50\n"
        "error input-wrong-type: `size` must be a whole number, not text\n"
        "  fix       give a whole number\n"
        "error input-unknown: there is no input `promt`; did you mean `prompt`?\n"
        "  fix       use one of: `prompt`, `steps`, `size`"
    )


def test_null_for_an_optional_input_counts_as_left_out() -> None:
    assert coerce(contract_of_one("INT"), {"it": None}) == {}


def test_null_for_a_required_input_counts_as_missing() -> None:
    required = contract_of_one("INT", required=True)
    assert refusal(required, {"it": None}) == [("input-missing", "it", "`it` is required")]


def test_values_that_are_no_object_are_refused() -> None:
    message = "the input must be an object from name to value, not a list"
    assert refusal(Contract(), [1]) == [("input-wrong-type", None, message)]


def test_an_endless_unknown_key_is_shortened_and_many_are_counted() -> None:
    found = refusal(contract_of_one("INT"), {f"{n}{'x' * 2000}": 1 for n in range(25)})
    assert len(found) == 21
    assert len(found[0][2]) < 100
    assert found[-1][2] == "there are 5 more unknown inputs"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
EVERYTHING = Contract(
    inputs={
        "string": an_input("STRING", node="1"),
        "int": an_input("INT", node="2", minimum=-5, maximum=1e6),
        "float": an_input("FLOAT", node="3", minimum=0),
        "boolean": an_input("BOOLEAN", node="4"),
        "image": an_input("IMAGE", node="5"),
        "file": an_input("FILE", node="6"),
        "combo": an_input("COMBO", node="7", choices=["a", "b"], field="mode", **{"class": "K"}),
        "loaded": an_input("IMAGE", node="8", field="image", **{"class": "LoadImage"}),
    },
    outputs={
        "image": ContractOutput.model_validate(
            {"type": "IMAGE", "node": "9", "class": "RunflowOutputImage"}
        )
    },
)
SERVED: Prompt = {
    "1": {"class_type": "RunflowInputString", "inputs": {"value": "hello"}},
    "2": {"class_type": "RunflowInputInt", "inputs": {"value": ["20", 0]}},
    "20": {"class_type": "Sum", "inputs": {"a": ["21", 0], "b": ["21", 0]}},
    "21": {"class_type": "PrimitiveInt", "inputs": {"value": 1}},
    "3": {"class_type": "RunflowInputFloat", "inputs": {}},
    "4": {"class_type": "RunflowInputBoolean", "inputs": {}},
    "5": {"class_type": "RunflowInputImage", "inputs": {"value": ["8", 0]}},
    "6": {"class_type": "RunflowInputFile", "inputs": {"file_name": "x.bin"}},
    "7": {"class_type": "K", "inputs": {"mode": "a"}},
    "8": {"class_type": "LoadImage", "inputs": {"image": "default.png"}},
    "9": {"class_type": "RunflowOutputImage", "inputs": {"value": ["5", 0], "more": ["20", 0]}},
}


@settings(max_examples=150)
@given(JSON | st.dictionaries(st.sampled_from([*EVERYTHING.inputs, "other"]), JSON))
def test_any_json_either_fits_or_is_a_bind_error(values: Any) -> None:
    try:
        coerced = coerce(EVERYTHING, values)
    except BindError as refused:
        assert refused.findings
        str(refused).encode("utf-8")
    else:
        assert coerce(EVERYTHING, coerced) == coerced


FITTING = st.fixed_dictionaries(
    {},
    optional={
        "string": st.text(st.characters(exclude_categories=["Cs"])),
        "int": st.integers(-5, 1000),
        "float": st.floats(0, 1e9),
        "boolean": st.booleans(),
        "image": st.just("new.png"),
        "file": st.just("new.bin"),
        "combo": st.sampled_from(["a", "b"]),
        "loaded": st.just("other.png"),
    },
)


@settings(max_examples=100)
@given(FITTING)
def test_binding_leaves_no_dangling_link_and_the_original_as_it_was(
    values: dict[str, Any],
) -> None:
    before = copy.deepcopy(SERVED)
    bound = bind(SERVED, EVERYTHING, values)
    assert before == SERVED
    for node in bound.values():
        for value in node["inputs"].values():
            if isinstance(value, list):
                assert value[0] in bound
    for key, value in values.items():
        wanted = EVERYTHING.inputs[key]
        if key == "loaded" and wanted.node not in bound:
            assert "image" in values  # the loader was only the default of `image`
        elif key != "image":
            assert bound[wanted.node]["inputs"][wanted.field] == value


def test_no_values_leave_the_prompt_as_it_is() -> None:
    assert bind(SERVED, EVERYTHING, {}) == SERVED


def test_an_image_gets_a_loader_in_front_and_its_unused_default_goes() -> None:
    bound = bind(SERVED, EVERYTHING, {"image": "cat.png"})
    assert bound["5"]["inputs"]["value"] == ["5-image", 0]
    assert bound["5-image"] == {
        "class_type": "LoadImage",
        "inputs": {"image": "cat.png"},
        "_meta": {"title": "image"},
    }
    assert "8" not in bound


def test_a_default_that_something_else_uses_stays() -> None:
    shared = {**SERVED, "10": {"class_type": "ImageInvert", "inputs": {"image": ["8", 0]}}}
    assert "8" in bind(shared, EVERYTHING, {"image": "cat.png"})
    assert {"20", "21"} <= set(bind(SERVED, EVERYTHING, {"int": 4}))


def test_what_only_made_a_default_goes_with_it() -> None:
    lonely = copy.deepcopy(SERVED)
    del lonely["9"]["inputs"]["more"]
    assert {"20", "21"}.isdisjoint(bind(lonely, EVERYTHING, {"int": 4}))


def test_the_new_loader_never_takes_the_id_of_another_node() -> None:
    taken = {
        **SERVED,
        "5-image": {"class_type": "ImageInvert", "inputs": {"image": ["8", 0]}},
    }
    bound = bind(taken, EVERYTHING, {"image": "cat.png"})
    assert bound["5"]["inputs"]["value"] == ["5-image-2", 0]
    assert bound["5-image"]["class_type"] == "ImageInvert"


def test_a_loaders_own_field_takes_the_file_name() -> None:
    bound = bind(SERVED, EVERYTHING, {"loaded": "cat.png"})
    assert bound["8"]["inputs"] == {"image": "cat.png"}


def test_a_contract_of_another_prompt_is_refused() -> None:
    with pytest.raises(BindError) as caught:
        bind({}, contract_of_one("INT"), {"it": 1})
    assert [each.code for each in caught.value.findings] == ["input-node-missing"]


# -- what each run draws

COLOURS = "a {red|green|blue} car // any"
DRAWN: Prompt = {
    "1": {
        "class_type": "CLIPTextEncode",
        "inputs": {"text": COLOURS, "style": COLOURS, "note": COLOURS},
        "_meta": {"title": "Words", "drawn": {"text": "choice", "style": "choice"}},
    },
    "2": {
        "class_type": "SaveImage",
        "inputs": {"filename_prefix": "%date:yyyy-MM-dd%/x"},
        "_meta": {"drawn": {"filename_prefix": "date"}},
    },
}
FIELD = ContractInput.model_validate(
    {"type": "STRING", "required": False, "node": "1", "class": "CLIPTextEncode", "field": "text"}
)
NOTHING_GIVEN = Contract()


def texts(prompt: Prompt) -> list[str]:
    return list(prompt["1"]["inputs"].values())


def test_marked_fields_are_drawn_and_lose_their_marks() -> None:
    bound = bind(DRAWN, NOTHING_GIVEN, {})
    text, style, note = texts(bound)
    assert {text, style} <= {"a red car ", "a green car ", "a blue car "}
    assert note == COLOURS
    assert bound["1"]["_meta"] == {"title": "Words"}
    assert bound["2"] == {
        "class_type": "SaveImage",
        "inputs": {"filename_prefix": "2031-04-05/x"},
    }


def test_a_run_draws_the_same_each_time_and_the_prompt_stays_as_it_was() -> None:
    before = copy.deepcopy(DRAWN)
    assert bind(DRAWN, NOTHING_GIVEN, {}) == bind(DRAWN, NOTHING_GIVEN, {})
    assert before == DRAWN


def test_runs_nodes_and_fields_draw_independently() -> None:
    prompt = {**DRAWN, "3": DRAWN["1"]}
    drawn = Counter(
        (*texts(bound)[:2], bound["3"]["inputs"]["text"])
        for bound in (bind(prompt, NOTHING_GIVEN, {}, seed=str(run)) for run in range(1000))
    )
    assert len(drawn) == 27  # each of three with each of three others
    assert min(drawn.values()) > 10  # 37 of each are to be expected


def test_choices_within_one_text_are_independent() -> None:
    text = " ".join(["{a|b}"] * 5)
    prompt = {"1": {**DRAWN["1"], "inputs": {"text": text}}}
    runs = (bind(prompt, NOTHING_GIVEN, {}, seed=str(run)) for run in range(500))
    assert len({texts(bound)[0] for bound in runs}) == 32


@settings(max_examples=50)
@given(st.text(max_size=8), st.sampled_from(["0", "0:1", "runflow-x"]))
def test_what_else_stands_in_the_prompt_does_not_change_a_draw(seed: str, other: str) -> None:
    more = {other: DRAWN["1"], **DRAWN}
    assert texts(bind(more, NOTHING_GIVEN, {}, seed=seed)) == texts(
        bind(DRAWN, NOTHING_GIVEN, {}, seed=seed)
    )


def test_a_callers_text_is_literal() -> None:
    contract = Contract(inputs={"prompt": FIELD})
    bound = bind(DRAWN, contract, {"prompt": "{mine|yours} // all"})
    text, style, _ = texts(bound)
    assert text == "{mine|yours} // all"
    assert style == texts(bind(DRAWN, contract, {}))[1] != COLOURS
    assert "drawn" not in bound["1"]["_meta"]


def test_an_input_that_is_left_out_is_drawn() -> None:
    contract = Contract(inputs={"prompt": FIELD.model_copy(update={"default": COLOURS})})
    assert texts(bind(DRAWN, contract, {}))[0] != COLOURS


def test_a_mark_on_what_is_no_text_means_nothing() -> None:
    node = {"class_type": "A", "inputs": {"a": ["2", 0]}, "_meta": {"drawn": {"a": "choice"}}}
    prompt = {"1": {**node, "inputs": {"a": 7}}, "2": {**node, "inputs": {}}}
    bound = bind(prompt, NOTHING_GIVEN, {})
    assert bound["1"]["inputs"] == {"a": 7}
    assert bound["2"]["inputs"] == {}
