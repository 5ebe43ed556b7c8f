from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_comfyui import run as run_on_comfyui

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import matching
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.literals import literal
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes import CLASSES, strings
from runflow_build.workflow.definitions import Definitions

RECORDED = json.loads(
    (Path(__file__).parents[3] / "cases" / "strings.json").read_text(encoding="utf-8")
)
NAMES = sorted({row["class"] for row in RECORDED})


@pytest.fixture(autouse=True, scope="module")
def _patterns_in_this_process() -> Iterator[None]:
    """A thousand processes would take a minute; that they answer alike is in test_patterns.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runflow_build.engines.embedded.patterns.cheap", lambda *_: True)
        yield


def given(definitions: Definitions, row: Any) -> str | None:
    """The value of our class as PreviewAny shows it; None for an error."""
    definition = definitions.get(row["class"])
    assert definition is not None
    inputs = {
        one.name: literal(one, row["inputs"][one.name])
        for one in definition.inputs
        if one.name in row["inputs"]
    }
    run = Run(RunFolders(Path(), Path()), DEFAULT_LIMITS)
    try:
        (value,) = CLASSES[row["class"]].function(run, **inputs).values
    except NodeError:
        return None
    return str(value)


def rows(name: str) -> list[Any]:
    return [row for row in RECORDED if row["class"] == name]


def test_every_text_class_and_primitive_is_recorded() -> None:
    assert set(NAMES) == {*strings.CLASSES, *(one for one in CLASSES if one.startswith("Primit"))}


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_values_equal_those_that_comfyui_gave(name: str, definitions: Definitions) -> None:
    wrong = [row for row in rows(name) if given(definitions, row) != row["text"]]
    assert not wrong


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_values_are_recorded_as_comfyui_gives_them_now(name: str, comfyui: str) -> None:
    for row in rows(name):
        prompt = {
            "1": {"class_type": name, "inputs": row["inputs"]},
            "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
        }
        texts = run_on_comfyui(comfyui, prompt).texts
        assert (texts[0][1] if texts else None) == row["text"], row


def test_values_have_their_type(run: Run) -> None:
    assert strings.length(run, "abc").values == (3,)
    assert strings.contains(run, "abc", "B", False).values == (True,)
    assert strings.compare(run, "abc", "a", "Starts With", True).values == (True,)
    assert strings.regex_match(run, "abc", "B", True, False, False).values == (True,)


def test_a_group_that_took_no_part_is_none(run: Run) -> None:
    result = strings.regex_extract(run, "b", "(a)|b", "First Group", True, False, False, 1)
    assert result.values == (None,)


def test_all_groups_need_the_group_in_every_match(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^group 1 takes no part in one of the matches$"):
        strings.regex_extract(run, "ab", "(a)|b", "All Groups", True, False, False, 1)


@pytest.mark.parametrize(
    ("pattern", "replacement", "reason"),
    [
        ("(", "", "missing ), unterminated subpattern at position 0"),
        ("a", "\\1", "invalid group reference 1 at position 1"),
        ("a", "\\q", "bad escape \\q at position 0"),
    ],
)
def test_replacing_says_what_is_wrong_with_the_pattern(
    pattern: str, replacement: str, reason: str, run: Run
) -> None:
    with pytest.raises(NodeError) as caught:
        strings.regex_replace(run, "text", pattern, replacement)
    assert str(caught.value) == f"the regular expression cannot be used: {reason}"


def test_texts_do_not_grow_without_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (strings, matching):
        monkeypatch.setattr(module, "LONGEST", 10)
    assert strings.concatenate(run, "abcde", "fghi", "-").values == ("abcde-fghi",)
    assert strings.replace(run, "aaaaa", "a", "xx").values == ("x" * 10,)
    assert strings.regex_replace(run, "aaaaa", "a", "xx").values == ("x" * 10,)
    for too_long in (
        lambda: strings.concatenate(run, "abcde", "fghi", "--"),
        lambda: strings.replace(run, "aaaaa", "", "x"),
        lambda: strings.regex_replace(run, "aaaaa", "", "x"),
    ):
        with pytest.raises(NodeError) as caught:
            too_long()
        assert str(caught.value) == "the text would be 11 characters long, and 10 are the limit"
