"""Names of files from a browser: safe on every system, and still to be recognised."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.playground.upload_names import LONGEST, numbered, safe_name
from runflow_build.workflow.contract_model import ContractInput
from runflow_build.workflow.values import coerced

FILE = ContractInput(type="FILE", required=True, node="1", class_type="X", field="value")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("photo.png", "photo.png"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\x.png", "x.png"),
        ("a:b.png", "a_b.png"),
        ("x.png [output]", "x.png _output_"),
        ("con.png", "_con.png"),
        ("LPT1", "_LPT1"),
        ("con.tar.gz", "_con.tar.gz"),
        ("name. ", "name"),
        (".htaccess", "htaccess"),
        ("Grüße 工.png", "Grüße 工.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\0b\n.png", "a_b_.png"),
        ("...png", "png"),
        ("a .png", "a.png"),
        ("a. .png", "a.png"),
        ("_.png", "file.png"),
    ],
)
def test_a_name_is_made_safe(sent: str, name: str) -> None:
    assert safe_name(sent) == name


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_sent_gives_a_name_that_an_input_takes(sent: str) -> None:
    name = safe_name(sent)
    assert coerced(FILE, name) == name
    assert len(name.encode()) <= LONGEST + 1
    assert not name.startswith(".")
    assert safe_name(name) == name


@pytest.mark.parametrize("stem", ["x" * 300, "東" * 300, "x" * (LONGEST - 5) + " y"])
def test_a_long_name_is_cut_before_its_suffix_and_within_no_letter(stem: str) -> None:
    name = safe_name(f"{stem}.png")
    kept = name.removesuffix(".png")
    assert stem.startswith(kept)
    assert kept == kept.rstrip()
    assert LONGEST - 6 < len(name.encode()) <= LONGEST


def test_a_name_that_is_taken_is_counted_on() -> None:
    assert list(islice(numbered("a.b.png"), 3)) == ["a.b.png", "a.b (2).png", "a.b (3).png"]
    assert list(islice(numbered("a"), 2)) == ["a", "a (2)"]
