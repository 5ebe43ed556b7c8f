"""One public name for a repository."""

from __future__ import annotations

import pytest

from runflow_build.lock.repository import answers, canonical, name, plain, same


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r",
        "https://github.com/o/r.git",
        "https://GitHub.com/o/r/",
        "http://github.com/o/r",
        "https://user:secret@github.com/o/r.git",
        "https://ghp_token@github.com/o/r?x=1#readme",
        "git@github.com:o/r.git",
        "github.com:o/r",
        "ssh://git@github.com/o/r.git",
        "ssh://git@github.com:22/o/r",
        "git://github.com/o/r.git/",
        "git+https://github.com/o/r",
        " https://github.com/o/r\n",
    ],
)
def test_every_way_to_a_repository_has_one_name(url: str) -> None:
    assert canonical(url) == "https://github.com/o/r"


@pytest.mark.parametrize(
    "url",
    ["", "/home/me/r", "../r", "C:\\r", "C:/r", "file:///home/me/r", "r", "o/r", "https://github.com",
     "https://localhost/o/r", "me@box:r"],
)  # fmt: skip
def test_what_others_cannot_reach_has_none(url: str) -> None:
    assert canonical(url) is None


def test_a_port_of_its_own_stays() -> None:
    assert canonical("https://git.acme.com:8443/o/r.git") == "https://git.acme.com:8443/o/r"


def test_a_moved_repository_keeps_its_first_name() -> None:
    assert canonical("git@github.com:Comfy-Org/ComfyUI.git") == (
        "https://github.com/comfyanonymous/ComfyUI"
    )


def test_repositories_are_the_same_in_upper_and_lower_case() -> None:
    assert same("https://github.com/Kijai/KJ", "git@github.com:kijai/kj.git")
    assert not same("https://github.com/a/x", "https://github.com/b/x")
    assert not same(None, "https://github.com/a/x")


@pytest.mark.parametrize(
    ("ref", "expected"),
    [("main", True), ("v1.0", True), (None, True), ("A" * 40, True), ("b" * 40, False)],
)
def test_a_whole_commit_is_answered_by_itself_alone(ref: str | None, expected: bool) -> None:
    assert answers("a" * 40, ref) is expected


def test_the_name_is_owner_and_repository() -> None:
    assert name("https://user@github.com/o/r.git") == "o/r"


@pytest.mark.parametrize(
    "url", ["https://github.com/o/r.git", "https://gitlab.com/a/b/c", "git@h.io:o/r"]
)
def test_what_strangers_may_call_a_repository(url: str) -> None:
    assert plain(url) == canonical(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/..",
        "https://github.com/../r",
        "https://github.com/o",
        "https://github.com/o/r x",
        "https://github.com/o/r\x1b[2J",
        "https://github.com/o/r;id",
        "https://github.com:8443/o/r",
        "https://github.com/o//r",
        "https://github.com/o/\u202er",
        "file:///etc/passwd",
    ],
)
def test_what_they_may_not(url: str) -> None:
    assert plain(url) is None
