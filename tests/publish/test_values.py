"""What a person types becomes what the endpoint takes, or a finding before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import BindError
from runflow_build.publish.values import check, contract_of, from_texts


def row(name: str, kind: str, required: bool = False, **more: Any) -> dict[str, Any]:
    return {"name": name, "variable_type_code": kind, "is_required": required, **more}


RECORD = {
    "inputs": [
        row("prompt", "string", required=True),
        row("steps", "integer", validator_attrs={"minimum": 1, "maximum": 50}),
        row("strength", "float"),
        row("hd", "boolean"),
        row("photo", "image"),
        row("style", "string", validator_attrs={"choices": ["oil", "ink"]}),
    ]
}
CONTRACT = contract_of(RECORD)


def test_text_becomes_what_the_input_takes() -> None:
    texts = {"prompt": "7", "steps": "7", "strength": "7", "hd": "yes", "photo": "@a/b.png"}
    assert from_texts(CONTRACT, texts) == {
        "prompt": "7",
        "steps": 7,
        "strength": 7.0,
        "hd": True,
        "photo": Path("a/b.png"),
    }


def test_a_doubled_at_sign_is_text() -> None:
    assert from_texts(CONTRACT, {"prompt": "@@bob says hi"}) == {"prompt": "@bob says hi"}


def test_without_a_contract_values_are_what_they_look_like() -> None:
    texts = {"a": "5", "b": "5.5", "c": "true", "d": "007", "e": "nan", "f": "null", "g": ""}
    assert from_texts(None, texts) == {
        "a": 5,
        "b": 5.5,
        "c": True,
        "d": "007",
        "e": "nan",
        "f": "null",
        "g": "",
    }
    check(None, {"anything": object()})


@pytest.mark.parametrize(
    "photo", [Path("a.png"), "https://h/a.png", "runflow://assets/1", "data:image/png;base64,AA=="]
)
def test_a_picture_is_a_file_or_any_reference(photo: Any) -> None:
    check(CONTRACT, {"prompt": "x", "photo": photo})


@pytest.mark.parametrize("photo", ["otter.png", "", "C:\\otter.png"])
def test_the_name_of_a_picture_is_no_picture(photo: str) -> None:
    with pytest.raises(BindError) as refused:
        check(CONTRACT, {"prompt": "x", "photo": photo})
    (finding,) = refused.value.findings
    assert finding.message == "`photo` takes an image, not text"
    assert finding.fix == "give the image: photo=@FILE"


def test_all_that_does_not_fit_is_told_at_once() -> None:
    texts = {
        "steps": "7.9",
        "strength": "inf",
        "hd": "maybe",
        "photo": "@a.png",
        "style": "@ink",
        "propmt": "a",
    }
    with pytest.raises(BindError) as refused:
        check(CONTRACT, from_texts(CONTRACT, texts))
    told = {finding.where.field: finding.code for finding in refused.value.findings}
    assert told == {
        "prompt": "input-missing",
        "steps": "input-wrong-type",
        "strength": "input-wrong-type",
        "hd": "input-wrong-type",
        "style": "input-wrong-type",
        "propmt": "input-unknown",
    }
    assert "did you mean `prompt`?" in str(refused.value)


def test_a_missing_picture_is_asked_for_as_a_file() -> None:
    contract = contract_of({"inputs": [row("photo", "image", required=True)]})
    with pytest.raises(BindError) as refused:
        check(contract, {})
    assert refused.value.findings[0].fix == "give the image: photo=@FILE"


def test_limits_count() -> None:
    with pytest.raises(BindError, match="input-out-of-range"):
        check(CONTRACT, {"prompt": "x", "steps": 51})
    with pytest.raises(BindError, match="input-out-of-range"):
        check(CONTRACT, {"prompt": "x", "style": "chalk"})


@pytest.mark.parametrize(
    "inputs",
    [None, [], "x", [1], [{}], [row("a", "tensor")], [row("a", "string", validator_attrs=[1])]],
)
def test_rows_that_are_not_understood_leave_it_to_the_api(inputs: Any) -> None:
    assert contract_of({"inputs": inputs}) is None
