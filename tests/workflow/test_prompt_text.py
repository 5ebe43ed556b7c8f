from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.workflow.prompt_text import prompt_text


def node(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "A", "inputs": inputs}


def value_text(value: Any) -> str:
    """The text of one input's value, in one line."""
    text = prompt_text({"1": node(x=value)})
    start, end = text.index('"x": ') + 5, text.rindex('\n    },\n    "class_type"')
    return " ".join(text[start:end].split())


def test_the_form_is_that_of_the_editors_export() -> None:
    prompt = {
        "10": {"class_type": "B", "inputs": {}, "_meta": {"title": "Größe"}},
        "9:1": node(steps=20, model=["10", 0], choices={"__value__": []}),
    }
    assert prompt_text(prompt) == (
        "{\n"
        '  "10": {\n'
        '    "inputs": {},\n'
        '    "class_type": "B",\n'
        '    "_meta": {\n'
        '      "title": "Größe"\n'
        "    }\n"
        "  },\n"
        '  "9:1": {\n'
        '    "inputs": {\n'
        '      "steps": 20,\n'
        '      "model": [\n'
        '        "10",\n'
        "        0\n"
        "      ],\n"
        '      "choices": {\n'
        '        "__value__": []\n'
        "      }\n"
        "    },\n"
        '    "class_type": "A"\n'
        "  }\n"
        "}\n"
    )


def test_a_prompt_of_nothing() -> None:
    assert prompt_text({}) == "{}\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (64.0, "64"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (7.5, "7.5"),
        (1e-05, "0.00001"),
        (1.5e-06, "0.0000015"),
        (1e-07, "1e-7"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (18446744073709551615, "18446744073709551615"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_numbers_are_written_as_javascript_does(value: Any, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a "b"\n\t\\/', '"a \\"b\\"\\n\\t\\\\/"'),
        ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
        ("中😀", '"中😀"'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_texts_are_written_as_javascript_does(value: str, text: str) -> None:
    assert value_text(value) == text


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)  # fmt: skip
def test_what_is_written_is_read_again(value: Any) -> None:
    text = prompt_text({"1": node(x=value)})
    assert json.loads(text) == {"1": node(x=value)}
    assert text.encode("utf-8").decode("utf-8") == text
