"""Findings as SARIF."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from runflow_build.findings import CODES, Finding, Where
from runflow_build.review.sarif import sarif

FOUND = [
    Finding(
        "secret-in-workflow",
        "the node holds an API key",
        Where("flows/my poster é.json", node="12", title="Save", class_type="S", field="text"),
        (("in", "widgets_values[1]"),),
        "empty it",
    ),
    Finding("lock-stale", "it is stale", Where("runflow.yaml", 4, 7, ("endpoints", "a", 0))),
    Finding("comfyui-unlocked", "not pinned", Where("runflow.lock", 1)),
    Finding("output-dropped", "not run"),
    Finding("model-pickle", "may run code", Where("runflow.yaml", 9), level="warning"),
]


def run_of(found: list[Finding], folder: str = "") -> dict[str, Any]:
    """The one run, after a look at all that the standard and GitHub ask for."""
    log = json.loads(sarif(found, "1.2.3", folder))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver, results = run["tool"]["driver"], run["results"]
    assert driver["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", driver["semanticVersion"])
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] == CODES[rule["id"]].meaning
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result, finding in zip(results, found, strict=True):
        assert ids[result["ruleIndex"]] == result["ruleId"] == finding.code
        assert result["level"] == finding.severity
        assert finding.message in result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", place["artifactLocation"]["uri"])
        assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert place["region"]["startLine"] >= 1
    marks = [json.dumps(result["partialFingerprints"]) for result in results]
    assert len(set(marks)) == len(marks)
    return dict(run)


def marks_of(found: list[Finding]) -> list[str]:
    return [one["partialFingerprints"]["runflow/v1"] for one in run_of(found)["results"]]


def test_every_finding_is_a_result_with_its_rule() -> None:
    run = run_of(FOUND)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == sorted(
        one.code for one in FOUND
    )


def test_a_result_says_where_and_how_to_fix_it() -> None:
    first, second, *_ = run_of(FOUND)["results"]
    assert first["message"]["text"] == (
        'the node holds an API key\nAt node 12 "Save" (S), field text\n'
        "in: widgets_values[1]\nFix: empty it"
    )
    (place,) = first["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "flows/my%20poster%20%C3%A9.json", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }
    assert place["logicalLocations"] == [
        {"name": "text", "fullyQualifiedName": "12/text", "kind": "member"}
    ]
    (place,) = second["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 7}
    assert place["logicalLocations"] == [
        {"name": "0", "fullyQualifiedName": "endpoints/a/0", "kind": "member"}
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("runflow.yaml", "services/poster/runflow.yaml"),
        ("../a.json", "services/a.json"),
        ("/etc/passwd", "services/poster/runflow.yaml"),
        ("../../../x", "services/poster/runflow.yaml"),
        (None, "services/poster/runflow.yaml"),
        ("a\udc80.json", "services/poster/a%5Cudc80.json"),
    ],
)
def test_files_are_named_from_the_top_of_the_repository(file: str | None, uri: str) -> None:
    run = run_of([Finding("lock-stale", "x", Where(file, 3))], "services/poster")
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri


def test_a_finding_that_moves_to_another_line_is_the_same_one() -> None:
    moved = [
        replace(one, where=replace(one.where, line=99, column=2)) if one.where.line else one
        for one in FOUND
    ]
    assert marks_of(moved) == marks_of(FOUND)
    assert marks_of(list(reversed(FOUND))) == list(reversed(marks_of(FOUND)))


def test_findings_of_other_places_and_kinds_differ_and_twins_are_counted() -> None:
    one = Finding("lock-stale", "x", Where("a.json", node="1", field="f"))
    found = [
        one,
        replace(one, code="lock-missing"),
        replace(one, message="y"),
        *(
            replace(one, where=replace(one.where, **{name: "other"}))
            for name in ("file", "node", "field")
        ),
        replace(one, where=replace(one.where, key=("a",))),
    ]
    assert len({mark.split(":")[0] for mark in marks_of(found)}) == len(found)
    first, second = marks_of([one, one])
    assert first.removesuffix(":1") == second.removesuffix(":2")


def test_what_concerns_security_is_told_as_such() -> None:
    rules = {rule["id"]: rule["properties"] for rule in run_of(FOUND)["tool"]["driver"]["rules"]}
    assert rules["secret-in-workflow"]["tags"] == ["runflow", "security"]
    assert float(rules["model-pickle"]["security-severity"]) >= 7
    assert "security-severity" not in rules["lock-stale"]


def test_no_findings_are_a_log_without_results() -> None:
    assert run_of([])["results"] == []


def test_half_of_a_surrogate_pair_is_no_hindrance() -> None:
    odd = "a\ud800"
    run = run_of([Finding("lock-stale", "x", Where(odd, node=odd, field=odd), ((odd, odd),), odd)])
    assert "a\\ud800: a\\ud800" in run["results"][0]["message"]["text"]


def test_the_same_findings_give_the_same_text() -> None:
    assert sarif(FOUND, "1.0.0") == sarif(list(FOUND), "1.0.0")
