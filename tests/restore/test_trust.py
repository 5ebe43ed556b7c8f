"""Whose code may be installed: the policy, answers, and what looks like a trusted name."""

from __future__ import annotations

import pytest

from runflow_build.errors import UsageError
from runflow_build.restore.trust import (
    answers_of,
    asked,
    is_trusted,
    named,
    questions,
    refusals,
)

UPSTREAM = "https://github.com/comfyanonymous/ComfyUI"
KJ = "https://github.com/kijai/ComfyUI-KJNodes"


@pytest.mark.parametrize(
    "url", [UPSTREAM, f"{UPSTREAM}.git", "git@github.com:Comfy-Org/ComfyUI.git", UPSTREAM.lower()]
)
def test_comfyui_itself_is_trusted(url: str) -> None:
    assert is_trusted(url, [])


@pytest.mark.parametrize("pattern", ["kijai/*", "kijai/ComfyUI-KJNodes", "Kijai/comfyui-kjnodes"])
def test_the_policy_trusts_an_owner_or_a_repository(pattern: str) -> None:
    assert is_trusted(KJ, [pattern])
    assert is_trusted(f"{KJ}.git", [pattern])


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/someone/ComfyUI",  # a fork
        "https://github.com/kijai-evil/ComfyUI-KJNodes",
        "https://evil.example/kijai/ComfyUI-KJNodes",  # the name at another host
        "https://github.com.evil.example/kijai/ComfyUI-KJNodes",
        "https://github.com:8443/kijai/ComfyUI-KJNodes",
        "https://github.com@evil.example/kijai/ComfyUI-KJNodes",
        "https://github.com/kijai/../evil/x",
        "https://github.com/kijai/ComfyUI-KJNodes/../../evil/x",
        "https://github.com/kijai",
        "file:///kijai/ComfyUI-KJNodes",
        "/kijai/ComfyUI-KJNodes",
        "kijai/ComfyUI-KJNodes",
        "",
    ],
)
def test_what_only_looks_like_a_trusted_name_is_not_trusted(url: str) -> None:
    assert not is_trusted(url, ["kijai/*", "comfyanonymous/*", "github.com/*"])


def test_an_answer_trusts_one_repository_with_its_host() -> None:
    assert is_trusted("https://gitlab.com/a/b", [], ["gitlab.com/a/b"])
    assert is_trusted("https://github.com/a/b", [], ["A/B"])
    assert not is_trusted("https://gitlab.com/a/b", [], ["a/b"])
    assert not is_trusted("https://github.com/a/bc", [], ["a/b"])


def test_options_may_be_names_or_addresses() -> None:
    words = ["a/b", "https://github.com/a/c.git", "gitlab.com/g/sub/d", "github.com/a/e"]
    assert answers_of(words) == ["a/b", "a/c", "gitlab.com/g/sub/d", "a/e"]


@pytest.mark.parametrize("word", ["a", "a/*", "*", "", "github.com/*"])
def test_an_option_names_one_repository(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        answers_of([word])
    assert caught.value.findings[0].code == "trust-malformed"


def test_each_repository_is_asked_for_once_with_all_that_it_is_for() -> None:
    uses = [(KJ, "the node pack A"), (f"{KJ}.git", "a submodule of B"), (UPSTREAM, "ComfyUI")]
    (one,) = questions(uses, lambda url: is_trusted(url, []))
    assert (one.name, one.url) == ("kijai/ComfyUI-KJNodes", KJ)
    assert one.reasons == ("the node pack A", "a submodule of B")


def test_only_a_yes_is_a_yes() -> None:
    told: list[str] = []
    uses = [(f"https://github.com/a/{name}", name) for name in ("no", "yes", "empty")]
    answers = iter(["", "n", "y"])  # in the order of their names: empty, no, yes

    def ask(text: str) -> str:
        told.append(text)
        return next(answers)

    yes, no = asked(questions(uses, lambda url: False), ask)
    assert (yes, [one.name for one in no]) == (["a/yes"], ["a/empty", "a/no"])
    assert "https://github.com/a/empty" in told[0]


def test_a_refusal_says_what_for_and_how_to_allow_it() -> None:
    (finding,) = refusals(questions([(KJ, "the node pack A")], lambda url: False))
    assert finding.code == "code-not-trusted"
    assert ("for", "the node pack A") in finding.also
    assert finding.fix and "--trust kijai/ComfyUI-KJNodes" in finding.fix
    assert "trusted_repositories" in finding.fix


def test_no_password_is_shown() -> None:
    url = "https://user:hunter2@evil.example/a/b"
    (one,) = questions([(url, "x")], lambda url: False)
    assert "hunter2" not in f"{named(url)} {one} {refusals([one])}"
