"""The register, the source and docs/findings.md say the same; and how a finding looks."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from runflow_build.findings import (
    CODES,
    Finding,
    Where,
    counts,
    counts_text,
    did_you_mean,
    has_errors,
    register_text,
    render,
)

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs" / "findings.md"
SOURCES = [
    path
    for folder in ("runflow_build", "nodes")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != ROOT / "runflow_build" / "findings.py"
]


@functools.cache
def trees() -> list[tuple[Path, ast.AST]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES]


def code_of(call: ast.Call) -> ast.expr | None:
    named = [one.value for one in call.keywords if one.arg == "code"]
    return call.args[0] if call.args else next(iter(named), None)


def test_every_finding_in_the_source_has_a_registered_code() -> None:
    unknown = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {code.value}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
        if isinstance(code := code_of(node), ast.Constant) and code.value not in CODES
    ]
    assert unknown == []


def test_every_registered_code_is_used_in_the_source() -> None:
    texts: set[str] = set()
    patterns: list[str] = []
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.JoinedStr):  # f"contract-{kind}-unknown"
                parts = [re.escape(one.value) if isinstance(one, ast.Constant) else "[a-z]+"
                         for one in node.values]  # fmt: skip
                patterns.append("".join(parts))
    composed = {
        code
        for code in CODES
        for pattern in patterns
        if "-" in pattern.replace("[a-z]+", "") and re.fullmatch(pattern, code)
    }
    assert sorted(set(CODES) - texts - composed) == []


def test_the_documentation_is_made_from_the_register() -> None:
    assert DOCS.read_text(encoding="utf-8") == register_text(), (
        "run: python -m runflow_build.findings > docs/findings.md"
    )


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_kebab_case_and_its_meaning_a_sentence(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", code)
    assert re.fullmatch(r"[^\n|]+\.", CODES[code].meaning)


# -- how a finding looks

MODEL = Finding(
    "file-missing",
    "loras/style.safetensors has no source to download it from",
    Where(
        file="runflow.yaml", line=14, column=5, node="12", title="Load LoRA",
        class_type="LoraLoader", field="lora_name",
    ),
    also=(("used by", "workflows/portrait.json"),),
    fix="add under models:\nloras/style.safetensors: {url: https://…}",
)  # fmt: skip


def test_a_finding_says_what_where_and_how_to_fix_it() -> None:
    assert render([MODEL]) == (
        "runflow.yaml:14:5: error file-missing: "
        "loras/style.safetensors has no source to download it from\n"
        '  at        node 12 "Load LoRA" (LoraLoader), field lora_name\n'
        "  used by   workflows/portrait.json\n"
        "  fix       add under models:\n"
        "            loras/style.safetensors: {url: https://…}"
    )


def test_a_finding_without_a_place_is_just_said() -> None:
    assert render([Finding("file-missing", "gone")]) == "error file-missing: gone"


def test_names_from_a_workflow_cannot_move_the_cursor() -> None:
    text = render([Finding("file-missing", "a\x1b[2Jb\r", Where(node="1", title="x\u202ey\ny"))])
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\u202e" not in text


def test_half_a_surrogate_pair_can_be_shown_everywhere() -> None:
    text = render([Finding("file-missing", "a\ud800b", Where(node="\udfff"))])
    assert text == "error file-missing: a\\ud800b\n  at        node \\udfff"


def test_as_json_absent_parts_are_left_out() -> None:
    assert Finding("file-missing", "gone", Where(file="a", key=("b", 0))).to_json() == {
        "code": "file-missing",
        "severity": "error",
        "message": "gone",
        "where": {"file": "a", "key": "b.0"},
    }


def test_a_policy_may_lower_the_severity() -> None:
    lowered = Finding("file-missing", "gone", level="warning")
    assert lowered.severity == "warning"
    assert not has_errors([lowered])
    assert has_errors([lowered, MODEL])


def test_findings_are_counted_the_worst_first() -> None:
    found = [Finding(code, "x") for code in ("install-differs", "file-missing", "install-differs")]
    assert counts(found) == {"error": 1, "warning": 2, "note": 0}
    assert counts_text(found) == "1 error, 2 warnings"
    assert counts_text([]) == ""


def test_an_unknown_word_gets_the_nearest_known_one_or_nothing() -> None:
    assert did_you_mean("modles", ["nodes", "models"]) == "; did you mean `models`?"
    assert did_you_mean("zebra", ["nodes", "models"]) == ""
    assert did_you_mean("m" * 10_000_000, ["models"]) == ""
