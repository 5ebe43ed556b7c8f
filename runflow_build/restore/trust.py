"""Whose code may be installed: what the policy trusts, what somebody said yes to, and asking.

The policy names `owner/name` or `owner/*` of GitHub, where everybody looks for them. A repository
of the same name at another host is another one: it is asked for as `host/owner/name`. ComfyUI's own
repository is trusted, since restoring ComfyUI is what was asked for; a fork of it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..file_names import LOCK_FILE, SPEC_FILE
from ..findings import Finding, Where, printable
from ..lock import repository
from ..redact import redacted
from ..spec.model import UPSTREAM_COMFYUI

_GITHUB = "github.com"


@dataclass(frozen=True)
class Question:
    """A repository that nobody said to trust, and what its code would be here."""

    name: str  # as `named` has it
    url: str  # without a user name or password
    reasons: tuple[str, ...]  # "the node pack X, at 0123456789ab"


def named(url: str) -> str:
    """What a repository is called in questions and answers: `owner/name`, or `host/owner/name`
    where the host is not GitHub; of what is no public URL all of it."""
    place = (repository.canonical(url) or redacted(url)).removeprefix("https://")
    return place.removeprefix(f"{_GITHUB}/")


def is_trusted(url: str, patterns: Iterable[str], answers: Collection[str] = ()) -> bool:
    """Whether the policy's patterns or an answer trust the repository."""
    if repository.same(url, UPSTREAM_COMFYUI):
        return True
    name = named(url).lower()
    if name in {answer.lower() for answer in answers}:
        return True
    owner, _, rest = name.partition("/")
    if "/" in rest or not rest or not _is_github(url):
        return False
    return any(one.lower() in (name, f"{owner}/*") for one in patterns)


def answers_of(words: Iterable[str]) -> list[str]:
    """The repositories that `--trust` names. Raises UsageError `trust-malformed`."""
    answers = []
    for word in words:
        name = named(word) if "://" in word else word.strip().strip("/")
        if name.count("/") < 1 or "*" in name:
            raise UsageError(
                Finding(
                    "trust-malformed",
                    f"`{redacted(word)}` is no name of one repository",
                    fix="write OWNER/NAME, or HOST/OWNER/NAME where the host is not github.com",
                )
            )
        answers.append(name.removeprefix(f"{_GITHUB}/"))
    return answers


def questions(uses: Sequence[tuple[str, str]], is_known: Callable[[str], bool]) -> list[Question]:
    """One question for each repository that is not known, with all that its code would be.

    `uses` are pairs of a repository's URL and what it is for."""
    found: dict[str, Question] = {}
    for url, reason in uses:
        if is_known(url):
            continue
        name = named(url)
        known = found.get(name.lower(), Question(name, repository.canonical(url) or url, ()))
        reasons = tuple(dict.fromkeys((*known.reasons, reason)))
        found[name.lower()] = Question(known.name, redacted(known.url), reasons)
    return [found[name] for name in sorted(found)]


def refusals(open_: Iterable[Question]) -> list[Finding]:
    """The findings for questions that nobody answers: `code-not-trusted`."""
    return [
        Finding(
            "code-not-trusted",
            f"{one.name} is none of the repositories that policy trusts, and its code would run "
            "here",
            Where(LOCK_FILE),
            (("url", one.url), *(("for", reason) for reason in one.reasons)),
            _fix(one),
        )
        for one in open_
    ]


def _fix(one: Question) -> str:
    once = f"look at its code, then restore with --trust {one.name}"
    if not _is_github(one.url):
        return once
    return f"{once}, or add {one.name} to trusted_repositories under policy: in {SPEC_FILE}"


def asked(open_: Sequence[Question], ask: Callable[[str], str]) -> tuple[list[str], list[Question]]:
    """Ask for each repository; the names of those that got a yes, and the others.

    `ask` shows a text and gives the answer; anything but y or yes is a no."""
    yes: list[str] = []
    no: list[Question] = []
    for one in open_:
        lines = [f"{one.name} is not trusted by the policy, and its code would run here:"]
        lines += [f"  {one.url}", *(f"  for {reason}" for reason in one.reasons)]
        answer = ask("\n".join(map(printable, lines)) + "\ntrust it? [y/N] ")
        if answer.strip().lower() in ("y", "yes"):
            yes.append(one.name)
        else:
            no.append(one)
    return yes, no


def _is_github(url: str) -> bool:
    return (repository.canonical(url) or "").lower().startswith(f"https://{_GITHUB}/")
