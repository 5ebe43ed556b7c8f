"""The forms of a diff, for a terminal, a pull request, a program; names in it are strangers'."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.lock.diff import Change, LockDiff, render_diff

ODD = "x\x1b[2K\u202ey\ud800"


def change(what: str = "is gone", subject: str = "poster", **fields: Any) -> Change:
    return Change(**{"section": "API", "subject": subject, "what": what, **fields})


def a_diff(*changes: Change) -> LockDiff:
    return LockDiff(changes)


def test_the_text_begins_with_the_word_for_all_of_it() -> None:
    found = a_diff(
        change(risk="breaking"),
        change("is new", "other"),
        change("is new", "pack", section="Code", risk="risky", link="https://a.b/c"),
    )
    assert render_diff(found, "text") == (
        "breaking: 1 breaking, 1 risky, 1 safe\n"
        "API\n"
        "  BREAKING poster: is gone\n"
        "  other: is new\n"
        "Code\n"
        "  risky pack: is new  https://a.b/c"
    )


def test_markdown_is_a_comment_with_an_anchor_a_summary_and_folded_details() -> None:
    found = a_diff(
        change("required false → true", "poster, input a", risk="breaking"),
        change("step 1 → 8", "poster, input a"),
        change("commit 1 → 2", "pack", section="Code", risk="risky", link="https://a.b/c"),
    )
    assert render_diff(found, "markdown", base="origin/main") == (
        "<!-- runflow-diff -->\n"
        "**runflow.lock: breaking** — 1 breaking, 1 risky, 1 safe since `origin/main`\n"
        "<details open>\n"
        "<summary><b>API</b>: 1 breaking, 1 safe</summary>\n"
        "\n"
        "- **breaking** `poster, input a`: required false → true\n"
        "- `poster, input a`: step 1 → 8\n"
        "\n"
        "</details>\n"
        "<details>\n"
        "<summary><b>Code</b>: 1 risky</summary>\n"
        "\n"
        "- *risky* `pack`: commit 1 → 2 ([view](https://a.b/c))\n"
        "\n"
        "</details>"
    )


@pytest.mark.parametrize(
    ("project", "line"),
    [
        ("", "<!-- runflow-diff -->"),
        ("examples/postcard", "<!-- runflow-diff: examples/postcard -->"),
        ("a--b -->", "<!-- runflow-diff: a-%2Db%20-%2D%3E -->"),
        ("---é", "<!-- runflow-diff: -%2D-%E9 -->"),
    ],
)
def test_the_anchor_is_the_projects_own_whatever_changed(project: str, line: str) -> None:
    for found in (a_diff(), a_diff(change())):
        assert render_diff(found, "markdown", project).splitlines()[0] == line
    assert "-->" not in line.removesuffix(" -->")


def test_json_holds_the_values_themselves() -> None:
    found = LockDiff(
        (change("required false → true", risk="breaking", field="required",
                before=False, after=True),), 7, 5,
    )  # fmt: skip
    assert json.loads(render_diff(found, "json", "poster", "main")) == {
        "diff": 1,
        "project": "poster",
        "base": "main",
        "risk": "breaking",
        "breaking": True,
        "counts": {"breaking": 1, "risky": 0, "safe": 0},
        "bytes_added": 7,
        "bytes_removed": 5,
        "changes": [
            {
                "section": "API",
                "subject": "poster",
                "field": "required",
                "kind": "changed",
                "what": "required false → true",
                "risk": "breaking",
                "breaking": True,
                "before": False,
                "after": True,
                "link": None,
                "commits": None,
            }
        ],
    }


def test_the_shape_of_the_json_is_that_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")
    told = page.partition("### For programs")[2].partition("\n## ")[0]
    table, _, sentence = told.partition("A change has ")
    shape = json.loads(render_diff(a_diff(change()), "json"))
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [name for cell in cells for name in re.findall("`([a-z_]+)`", cell)] == list(shape)
    assert set(shape["changes"][0]) <= set(re.findall("`([a-z]+)`", sentence))


def test_nothing_changed_is_said_in_each_form() -> None:
    assert render_diff(a_diff(), "text") == "no changes"
    assert render_diff(a_diff(), "markdown") == (
        "<!-- runflow-diff -->\n**runflow.lock: no changes**"
    )
    shape = json.loads(render_diff(a_diff(), "json"))
    assert (shape["risk"], shape["breaking"], shape["changes"]) == ("safe", False, [])


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_names_cannot_move_the_cursor_of_the_reviewer(form: Any) -> None:
    shown = render_diff(a_diff(change(ODD, ODD)), form, "a\x1bb", "b\x1bc")
    assert [odd for odd in "\x1b\u202e\ud800" if odd in shown] == []
    assert shown.count("\\u001b") >= 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*a* <b>", "\\*a\\* \\<b\\>"),
        ("</details><script>", "\\</details\\>\\<script\\>"),
        ("&lt; &#60;", "\\&lt; \\&\\#&#8203;60;"),
        ("@octocat", "@&#8203;octocat"),
        ("fixes #12 and GH-3", "fixes \\#&#8203;12 and GH-&#8203;3"),
        ("[x](https://evil.example)", "\\[x\\](https:&#8203;//evil.example)"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("a\n\n# b", "a\\\\u000a\\\\u000a\\# b"),
        ("![x](y)", "\\!\\[x\\](y)"),
        ("a|b~c`d_e", "a\\|b\\~c\\`d\\_e"),
    ],
)
def test_texts_of_strangers_are_no_markup_no_mention_and_no_link(text: str, shown: str) -> None:
    lines = render_diff(a_diff(change(text)), "markdown").splitlines()
    assert f"- `poster`: {shown}" in lines


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a`b", "`` a`b ``"),
        ("``", "``` `` ```"),
        (" a ", "`  a  `"),
        ("a\nb", "`a\\u000ab`"),
        ("@who <b>", "`@who <b>`"),
        ("", "`  `"),
    ],
)
def test_names_are_code_that_they_cannot_leave(name: str, shown: str) -> None:
    lines = render_diff(a_diff(change(subject=name)), "markdown").splitlines()
    assert f"- {shown}: is gone" in lines


@settings(max_examples=100, deadline=None)
@given(st.text("ab`<>&\n@#-\\[]|* /:", max_size=30), st.text("ab`<>&\n@#-\\/:w.", max_size=30))
def test_whatever_names_hold_the_comments_frame_stays(name: str, text: str) -> None:
    shown = render_diff(a_diff(change(text, name), change(text, name)), "markdown", name, name)
    lines = shown.splitlines()
    assert lines[0].startswith("<!-- runflow-diff") and lines[0].count("-->") == 1
    assert [line for line in lines if line.startswith(("<details", "</details", "<summary"))] == [
        "<details>", "<summary><b>API</b>: 2 safe</summary>", "</details>",
    ]  # fmt: skip
    assert len(lines) == 8


def lengths(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_a_comment_is_never_longer_than_github_takes_and_says_what_was_cut() -> None:
    long = "x" * 150
    found = a_diff(
        *(change(f"is gone {n}", f"{n} " + "😀" * 150, risk="breaking") for n in range(50)),
        *(change(f"risky {n}", f"r{n} {long}", section="Models", risk="risky") for n in range(100)),
        *(change(f"safe {n}", f"{n} {long}", section="Models") for n in range(2_000)),
        change("safe and last", long, section="Policy"),
        change("deny → allow", "pickle_models", section="Policy", risk="risky"),
    )
    shown = render_diff(found, "markdown", "p", "b")
    assert 60_000 < lengths(shown) <= 65_536
    assert shown.count("**breaking** ") == 50
    assert shown.count("*risky* ") == 101  # the last section's too
    cut = re.search(r"(\d+) changes were cut", shown)
    assert cut and int(cut[1]) == 2_001 - len(re.findall(r": safe \d+$", shown, re.MULTILINE))
    assert shown.count("</details>") == shown.count("<details") == 3


def test_even_endless_names_fit() -> None:
    found = a_diff(*(change("y" * 5_000, "x" * 5_000 + str(n)) for n in range(100)))
    assert lengths(render_diff(found, "markdown", "p" * 4_000, "b" * 4_000)) <= 65_536


def test_what_breaks_stands_alone_and_the_rest_of_a_subject_shares_a_line() -> None:
    found = a_diff(
        change("required false → true", risk="breaking"),
        change("type INT → IMAGE", risk="breaking"),
        change("title a → b"),
        change("step 1 → 2"),
    )
    assert render_diff(found, "text").splitlines()[2:] == [
        "  BREAKING poster: required false → true",
        "  BREAKING poster: type INT → IMAGE",
        "  poster: title a → b; step 1 → 2",
    ]
