"""Values as ComfyUI converts and compares them."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.project.catalogue import shipped
from runflow_build.validate.literals import has_own_choices, misfit
from runflow_build.workflow.definitions import Definitions, InputDefinition


def an_input(kind: str, choices: tuple[Any, ...] | None = None, **options: Any) -> InputDefinition:
    return InputDefinition("it", kind, options, True, choices)


INT = an_input("INT", min=0, max=10)
FLOAT = an_input("FLOAT", min=0, max=10)
COMBO = an_input("COMBO", ("a", "b", 1))


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (INT, 0),
        (INT, 10.9),
        (INT, "7"),
        (INT, " 7 "),
        (INT, True),
        (INT, {"__value__": 7}),
        (FLOAT, 10),
        (FLOAT, "1e1"),
        (FLOAT, "nan"),  # neither below nor above anything
        (an_input("STRING", min=5), 3),
        (an_input("STRING"), {"any": ["thing"]}),
        (an_input("BOOLEAN"), "no"),
        (COMBO, "b"),
        (COMBO, 1.0),
        (COMBO, True),
        (an_input("IMAGE"), "no link, and ComfyUI does not mind before it runs"),
        (an_input("FLOATS", min=-1), -1),
    ],
)
def test_what_comfyui_takes_fits(one: InputDefinition, value: Any) -> None:
    assert misfit(one, value, "Odd", choices=True) is None


@pytest.mark.parametrize(
    ("one", "value", "message"),
    [
        (INT, -0.5 - 1, "value-out-of-range: is -1; Odd takes at least 0"),
        (INT, "11", "value-out-of-range: is 11; Odd takes at most 10"),
        (INT, "7.9", "value-wrong-type: must be a whole number"),
        (INT, "nan", "value-wrong-type: must be a whole number"),
        (INT, float("inf"), "value-wrong-type: must be a whole number"),
        (INT, None, "value-wrong-type: must be a whole number"),
        (INT, {"__value__": [7]}, "value-wrong-type: must be a whole number"),
        (FLOAT, "inf", "value-out-of-range: is inf; Odd takes at most 10"),
        (FLOAT, "", "value-wrong-type: must be a number"),
        (FLOAT, 10**400, "value-wrong-type: must be a number"),
        (COMBO, "c", "value-not-in-list: is `c`, which Odd does not offer"),
        (COMBO, None, "value-not-in-list: is `None`, which Odd does not offer"),
        (COMBO, {"__value__": ["a"]}, "value-not-in-list: is `['a']`, which Odd does not offer"),
        # ComfyUI compares the value of a type that it does not know as it is.
        (an_input("FLOAT,INT", min=0), "1", "value-wrong-type: must be a number"),
        (an_input("FLOAT,INT", min=0), -1, "value-out-of-range: is -1; Odd takes at least 0"),
        (an_input("FLOATS", min=-1), {"__value__": [1]}, "value-wrong-type: must be a number"),
    ],
)
def test_what_comfyui_refuses_does_not(one: InputDefinition, value: Any, message: str) -> None:
    found = misfit(one, value, "Odd", choices=True)
    assert found is not None
    assert f"{found.code}: {found.message}" == message


def test_choices_are_only_compared_when_asked() -> None:
    assert misfit(COMBO, "c", "Odd", choices=False) is None


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions({"PackNode": {"input": {}}}, shipped("0.8.0"))


@pytest.mark.parametrize(
    ("class_type", "one", "own"),
    [
        ("KSampler", "sampler_name", True),
        ("UNETLoader", "weight_dtype", True),
        ("UNETLoader", "unet_name", False),
        ("LoadImage", "image", False),
        ("CustomCombo", "choice", False),
        ("PackNode", an_input("COMBO", ("a", "b")), True),
        ("PackNode", an_input("COMBO", ("a", "b.safetensors")), False),
        ("PackNode", an_input("COMBO", ()), False),
        ("PackNode", an_input("COMBO", ("a",), remote={"route": "/x"}), False),
        ("PackNode", an_input("COMBO", ("a",), image_upload=True), False),
    ],
)
def test_lists_of_files_and_of_a_running_server_are_of_one_machine(
    definitions: Definitions, class_type: str, one: str | InputDefinition, own: bool
) -> None:
    if isinstance(one, str):
        definition = definitions.get(class_type)
        found = definition.input(one) if definition else None
        assert found is not None
        one = found
    assert has_own_choices(definitions, class_type, one, "c") is own


def test_of_a_packs_class_a_value_that_looks_like_a_file_is_not_judged(
    definitions: Definitions,
) -> None:
    one = an_input("COMBO", ("a", "b"))
    assert not has_own_choices(definitions, "PackNode", one, "mine.safetensors")
