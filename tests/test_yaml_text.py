"""Strict YAML: what a scalar means, where it stands, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.findings import Finding, Where
from runflow_build.yaml_text import MOST_FINDINGS, YamlError, YamlText, placed, read_yaml


def refused(text: str) -> list[Finding]:
    with pytest.raises(YamlError) as caught:
        read_yaml(text)
    return list(caught.value.findings)


def places(findings: list[Finding]) -> list[tuple[str, int | None, int | None]]:
    return [(one.code, one.where.line, one.where.column) for one in findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("57:8", "57:8"),
        ("1:30:00", "1:30:00"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0b101", "0b101"),
        ("=", "="),
        ("v0.8.0", "v0.8.0"),
        ("tRue", "tRue"),
        ("3.10", 3.1),
        ("0123456", 123456),
        ("-7", -7),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e5", 100000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5E-3", -0.0015),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("true", True),
        ("False", False),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        ("3" * 40, int("3" * 40)),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    read = read_yaml(f"key: {text}").value["key"]
    assert (type(read), read) == (type(value), value)


def test_nan_is_a_number() -> None:
    assert math.isnan(read_yaml("key: .nan").value["key"])


def test_what_was_read_as_something_else_keeps_its_text() -> None:
    document = read_yaml('a: 3.10\nb: "3.10"\nc: [0123456, text, ~]\n')
    assert document.written == {("a",): "3.10", ("c", 0): "0123456", ("c", 2): "~"}


def test_every_key_and_item_has_its_line_and_column() -> None:
    document = read_yaml("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\né: ü\n")
    assert document.marks == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "c"): (3, 3),
        ("a", "c", 0): (4, 7),
        ("a", "c", 1): (5, 7),
        ("a", "c", 1, "d"): (5, 8),
        ("é",): (6, 1),
    }


def test_a_finding_gets_the_place_of_the_nearest_known_key() -> None:
    marks = read_yaml("a:\n  b: 1\n").marks
    finding = placed(Finding("yaml-key", "x", Where(key=("a", "b", "gone"))), marks, "f.yaml")
    assert str(finding.where) == "f.yaml:2:3"


def test_a_finding_of_another_file_stays_there() -> None:
    finding = Finding("yaml-key", "x", Where(file="other.yaml", key=("a",)))
    assert placed(finding, {("a",): (7, 1)}, "f.yaml") == finding


def test_an_empty_document_is_nothing() -> None:
    assert read_yaml("# only a comment\n").value is None


@pytest.mark.parametrize("text", ["\ufeffa: 1\r\nb: [x]\r\n", "--- \na: 1\nb: [x]\n...\n"])
def test_a_byte_order_mark_line_ends_of_windows_and_document_marks_change_nothing(
    text: str,
) -> None:
    assert read_yaml(text).value == {"a": 1, "b": ["x"]}


# -- what is refused


def test_all_findings_come_at_once() -> None:
    text = "a: &x 1\nb: *x\n<<: {c: 1}\na: 2\n6: 1\nc: !!str 3\nd: ! e\n"
    assert places(refused(text)) == [
        ("yaml-anchor", 1, 4),
        ("yaml-anchor", 2, 4),
        ("yaml-anchor", 3, 1),
        ("yaml-duplicate-key", 4, 1),
        ("yaml-key", 5, 1),
        ("yaml-anchor", 6, 4),
        ("yaml-anchor", 7, 4),
    ]


def test_a_duplicate_key_names_both_lines() -> None:
    (finding,) = refused("a:\n  b: 1\n  c: 2\n  b: {x: 1}\n")
    assert finding.message == "the key `b` stands twice in one mapping"
    assert (finding.where.line, finding.also) == (4, (("first", "line 2"),))


@pytest.mark.parametrize("key", ["6", "1.5", "true", "~", "null", "0x10"])
def test_a_key_is_text(key: str) -> None:
    assert [one.code for one in refused(f"{key}: 1")] == ["yaml-key"]


def test_a_quoted_merge_sign_is_an_ordinary_key() -> None:
    assert read_yaml('"<<": 1').value == {"<<": 1}


@pytest.mark.parametrize("text", ["? [a]\n: 1", "? {a: 1}\n: 1", "{[a]: 1}"])
def test_a_key_is_no_collection(text: str) -> None:
    assert refused(text)[-1].code == "yaml-key"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a:\n\t- x", "a tab stands where YAML wants spaces", 2),
        ("a: b: c", "`key: value` is not possible here", 1),
        ("a: @x", "a value cannot begin with @", 1),
        ("a: [1, 2", "a bracket is never closed, or a comma is missing", 2),
        ("a: 'x", "a quote is never closed", 1),
        ("- a\nb: 1", "a list goes on with something that is no item", 2),
        ("a: {b: 1}}", "a mapping goes on with something that is no key", 1),
        ("a: 1\n---\nb: 2", "a second document begins here", 2),
        ("a: 1\nb\nc: 2", "a key without `:`", 3),
        ('a: "\\q"', "found unknown escape character", 1),
        (f"a: {'9' * 5000}", "a number of 5000 characters is no number for us", 1),
    ],
)
def test_broken_syntax_is_said_in_plain_words(text: str, message: str, line: int) -> None:
    (finding,) = refused(text)
    assert (finding.code, finding.message, finding.where.line) == ("yaml-syntax", message, line)
    assert finding.fix


def test_the_marks_of_an_unfinished_merge_are_named() -> None:
    text = "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n"
    assert places(refused(text)) == [("yaml-conflict", 2, 1)]


def test_a_block_of_text_may_hold_what_looks_like_a_merge() -> None:
    assert read_yaml("a: |\n  <<<<<<< HEAD\n").value == {"a": "<<<<<<< HEAD\n"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b\x00c", (1, 5)),
        ("a: 1\nb: \x1b[31m", (2, 4)),
        ("a: \ufeffb", (1, 4)),
        ("\ud800", (1, 1)),
    ],
)
def test_characters_that_yaml_does_not_have_are_refused(text: str, place: tuple[int, int]) -> None:
    assert places(refused(text)) == [("file-not-text", *place)]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_hostile_nesting_is_refused_at_once(opening: str) -> None:
    assert refused(opening * 30_000)[-1].code in ("yaml-too-deep", "yaml-key")


def test_a_hundred_levels_are_read() -> None:
    assert read_yaml("[" * 100 + "]" * 100).value
    assert [one.code for one in refused("[" * 101 + "]" * 101)] == ["yaml-too-deep"]


def test_a_file_over_sixteen_megabytes_is_refused() -> None:
    (finding,) = refused("a: " + "x" * (16 * 2**20))
    assert finding.code == "file-too-large"


def test_a_huge_scalar_is_read() -> None:
    assert len(read_yaml("a: " + "x" * 2**20).value["a"]) == 2**20


def test_a_hostile_file_does_not_flood_the_terminal() -> None:
    assert len(refused("a: 1\n" * 100_000)) == MOST_FINDINGS


def test_no_message_repeats_a_secret_or_a_control_character() -> None:
    key = "rf_live_" + "a1" * 16
    text = str(YamlError(*refused(f'{key}: 1\n{key}: 2\n"\\e[31m": 1\n"\\e[31m": 2\n')))
    assert key not in text
    assert "\x1b" not in text


def test_the_parser_in_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml, only the wording of syntax errors may differ."""
    text = "a: [1, 2.5, {b: 'c'}]\nd:\n  e: 57:8\n"
    with_c = read_yaml(text)
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert read_yaml(text) == with_c
    assert places(refused("a: 1\na: 2\n")) == [("yaml-duplicate-key", 2, 1)]
    assert places(refused("a: b: c")) == [("yaml-syntax", 1, 5)]


# -- properties

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def quoted(value: Any) -> Any:
    """The value as PyYAML writes it safely: every text in double quotes."""
    return yaml.dump(value, Dumper=_Quoting, allow_unicode=False, width=10**6)


class _Quoting(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = {math.inf: ".inf", -math.inf: "-.inf"}.get(value, repr(value))
    if "." not in text:
        text = text.replace("e", ".0e")  # PyYAML's own reader needs the point, and would add a tag
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)
_Quoting.add_representer(float, _number)


@given(VALUES)
def test_what_another_program_wrote_is_read_back(value: Any) -> None:
    assert read_yaml(quoted(value)).value == value


@given(st.text(alphabet="ab:{}[]-#&*!|>'\"%@`,?~ \n\t\r\\<=1.e\x00\ufeff", max_size=40))
def test_any_text_gives_values_or_findings(text: str) -> None:
    try:
        document = read_yaml(text)
    except YamlError as error:
        assert error.findings
    else:
        assert isinstance(document, YamlText)
