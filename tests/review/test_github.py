"""Findings as annotations of a GitHub job."""

from __future__ import annotations

import re

import pytest

from runflow_build.findings import Finding, Where
from runflow_build.review.github import commands


def test_a_finding_stands_at_its_line_with_all_that_it_says() -> None:
    finding = Finding(
        "model-no-source",
        "loras/a.safetensors has no source",
        Where("runflow.yaml", 14, 5, node="12", title="Load", class_type="LoraLoader", field="x"),
        (("used by", "workflows/a.json"),),
        "add a url",
    )
    assert commands([finding]) == (
        "::error file=runflow.yaml,line=14,col=5,title=model-no-source::"
        'loras/a.safetensors has no source%0Aat: node 12 "Load" (LoraLoader), field x'
        "%0Aused by: workflows/a.json%0Afix: add a url"
    )


@pytest.mark.parametrize(
    ("code", "command"),
    [("lock-stale", "error"), ("comfyui-unlocked", "warning"), ("output-dropped", "notice")],
)
def test_each_severity_has_its_command(code: str, command: str) -> None:
    assert commands([Finding(code, "x")]) == f"::{command} title={code}::x"


def test_a_policys_severity_goes_before_the_registers() -> None:
    assert commands([Finding("lock-stale", "x", level="warning")]).startswith("::warning ")


def test_files_are_named_from_the_top_of_the_repository() -> None:
    found = [
        Finding("lock-stale", "x", Where("runflow.yaml", 2)),
        Finding("lock-stale", "x", Where("../shared/a.json")),
        Finding("lock-stale", "x", Where("../../../etc/passwd", 1)),
        Finding("lock-stale", "x", Where("/home/someone/a.json", 1)),
    ]
    assert [line.split("::")[1] for line in commands(found, "services/poster").splitlines()] == [
        "error file=services/poster/runflow.yaml,line=2,title=lock-stale",
        "error file=services/shared/a.json,title=lock-stale",
        "error title=lock-stale",
        "error title=lock-stale",
    ]


def test_no_text_can_start_a_command_of_its_own() -> None:
    evil = "100%\r\n::set-output name=a::b\n%0A::error::x"
    finding = Finding(
        "lock-stale",
        evil,
        Where(f"a,b:c{evil}.json", 1, node=evil, title=evil, class_type=evil),
        ((evil, evil),),
        evil,
    )
    told = commands([finding])
    assert len(told.splitlines()) == 1
    start = re.fullmatch(r"::error file=([^,:]*),line=1,title=lock-stale::(.*)", told)
    assert start is not None
    assert start[1].startswith("a%2Cb%3Ac100%25\\u000d\\u000a%3A%3Aset-output name=a%3A%3Ab")
    assert not re.search(r"%(?!25|0A|0D|2C|3A)", told)


def test_what_does_not_print_is_escaped() -> None:
    assert commands([Finding("lock-stale", "a\x1b[31m\u202e")]).endswith("::a\\u001b[31m\\u202e")


def test_no_findings_are_no_lines() -> None:
    assert commands([]) == ""
