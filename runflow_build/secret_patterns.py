"""What secrets look like, and where in a document one stands. The list is for all: checks of files,
what is published, and what is taken out of messages.

A row is a form that its maker promises (a prefix, a length), so that ordinary words and hashes are
left alone. A literal that every match holds is looked for first, and expressions begin with one, so
that graphs of megabytes are quick. Repetitions are bounded: no text takes more than linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .findings import Key


class Pattern(NamedTuple):
    """One kind of secret."""

    kind: str  # in a person's words: "a GitHub token"
    marks: tuple[str, ...]  # every match holds one of them
    form: re.Pattern[str]
    shown: str  # what stands for it in a message


_END = r"(?![\w-])"  # no match ends within a word, nor begins in one
_W = "[A-Za-z0-9]"


def _row(kind: str, marks: str, prefix: str, rest: str, end: str = _END) -> Pattern:
    """`marks` are parted by blanks; `prefix` is of a fixed length, and shown."""
    # The place before the prefix is looked at behind it: a search for a literal is a quick one.
    form = rf"(?P<prefix>{prefix})(?<![\w-]{prefix}){rest}{end}"
    return Pattern(kind, tuple(marks.split()), _compiled(form), r"\g<prefix>…")


def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form, re.ASCII)  # a letter of another script is the end of a word, too


API_KEY = "an API key"  # Runflow's own

# Makers' documentation tells the forms; looked through in November 2025.
PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        API_KEY,
        ("rf_", "rfk_"),
        # `rf_live_…`, `rf_svc_…` and `rfk_…` are the known kinds of Runflow's. Of a kind to come
        # only the form can be guessed: `rf_`, words, and last a long random part. A word alone
        # (`rf_inversion`) is none.
        _compiled(
            r"rf(?<![A-Za-z0-9_-]rf)(?:(?:_(?:live|svc|test)|k)_[A-Za-z0-9_]{8,}"
            r"|_(?:[A-Za-z0-9]{1,40}_){0,8}(?=[A-Za-z]{0,99}[0-9])(?=[0-9]{0,99}[A-Za-z])"
            r"[A-Za-z0-9]{12,})"
        ),
        "rf_…",
    ),
    _row("a Hugging Face token", "hf_", "hf_", f"{_W}{{34,40}}"),
    _row("a Hugging Face token", "api_org_", "api_org_", f"{_W}{{34,40}}"),
    _row("an Anthropic API key", "sk-ant-", "sk-ant-", r"[a-z]{2,8}\d\d-[\w-]{20,200}"),
    _row("an OpenAI API key", "sk-", "sk-", r"(?:proj|svcacct|admin|None)-[\w-]{20,200}"),
    _row("an OpenRouter API key", "sk-or-v1-", "sk-or-v1-", "[0-9a-f]{64}"),
    # OpenAI's first, Stability's, DeepSeek's, and others'.
    _row("an API key of the form sk-…", "sk-", "sk-", f"{_W}{{32,100}}"),
    _row("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", "gh[pousr]_", f"{_W}{{36,255}}"),
    _row("a GitHub token", "github_pat_", "github_pat_", r"\w{36,100}"),
    _row("a GitLab token", "glpat-", "glpat-", r"[\w.-]{20,100}"),
    _row("an AWS access key", "AKIA ASIA", "A[KS]IA", "[A-Z2-7]{16}", r"(?![\w/+=-])"),
    Pattern(
        "an AWS secret key",
        ("ecret_access_key", "ecretAccessKey", "ECRET_ACCESS_KEY"),
        _compiled(
            r"(?P<name>[Ss](?:ecret_access_key|ecretAccessKey|ECRET_ACCESS_KEY))"
            r"[\"']?\s{0,4}[=:]\s{0,4}[\"']?[A-Za-z0-9/+]{40}(?![\w/+])"
        ),
        r"\g<name>=…",
    ),
    _row("a Google API key", "AIza", "AIza", r"[\w-]{35}"),
    _row("a Google token", "ya29.", r"ya29\.", r"[\w-]{20,500}"),
    _row("a Slack token", "xoxa- xoxb- xoxp- xoxr- xoxs-", "xox[abprs]-", r"[\w-]{10,250}"),
    _row(
        "a Slack webhook",
        "hooks.slack.com/services/T",
        r"hooks\.slack\.com/services/T",
        f"{_W}{{6,20}}/B{_W}{{6,20}}/{_W}{{16,40}}",
    ),
    Pattern(
        "a Discord webhook",
        ("/api/webhooks/",),
        _compiled(r"/api/webhooks/(?<=\.com/api/webhooks/)\d{5,20}/[\w-]{30,100}"),
        "/api/webhooks/…",
    ),
    Pattern(
        "a Telegram token",
        (":AA",),
        _compiled(r":AA(?<=\d{8}:AA)[\w-]{33}(?![\w-])"),
        ":AA…",
    ),
    _row("a Stripe key", "sk_live_ rk_live_", "[sr]k_live_", f"{_W}{{16,250}}"),
    _row("a Replicate token", "r8_", "r8_", f"{_W}{{36,40}}"),
    Pattern(  # of the id before the colon only the end: it is no secret
        "a fal key", ("-",), _compiled(r"-[0-9a-f]{12}:[0-9a-f]{32}(?![\w-])"), "-…"
    ),
    _row("a ComfyUI account key", "comfyui-", "comfyui-", "[0-9a-f]{64}"),
    _row("a Groq API key", "gsk_", "gsk_", f"{_W}{{40,60}}"),
    _row("an xAI API key", "xai-", "xai-", f"{_W}{{70,90}}"),
    _row("a RunPod API key", "rpa_", "rpa_", f"{_W}{{40,60}}"),
    _row("an npm token", "npm_", "npm_", f"{_W}{{36}}"),
    _row("a PyPI token", "pypi-AgE", "pypi-AgE", r"[\w-]{50,400}"),
    _row("a SendGrid key", "SG.", r"SG\.", r"[\w-]{22}\.[\w-]{43}"),
    _row("an Azure storage key", "AccountKey=", "AccountKey=", "[A-Za-z0-9/+]{60,100}", ""),
    _row("a JSON Web Token", ".eyJ", "eyJ", r"[\w-]{8,4000}\.eyJ[\w-]{8,4000}\.[\w-]{16,2000}"),
    Pattern(
        "a bearer token",
        ("uthorization", "UTHORIZATION"),
        _compiled(
            r"[Aa](?:uthorization|UTHORIZATION)[\"']{0,2}\s{0,4}[:=]\s{0,4}[\"']?"
            r"(?i:bearer|basic|token)\s{1,4}[A-Za-z0-9._~+/-]{16,4000}={0,2}"
        ),
        "Authorization: …",
    ),
    Pattern(
        "a private key",
        ("PRIVATE KEY",),
        _compiled(
            r"-----BEGIN (?:[A-Z0-9]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^-]{1,20000}|-(?!----)){0,99}(?:-----END [A-Z0-9 ]{0,40}-----)?"
        ),
        "-----BEGIN PRIVATE KEY-----…",
    ),
    Pattern(
        "a URL with a password",
        ("://",),
        _compiled(r"://[^\s/?#@:\"'<>{}$]{0,100}:(?![/?#])[^\s/?#@\"'<>{}$]{3,200}@"),
        "://…@",
    ),
    Pattern(
        "a URL with a token",
        ("?", "&"),
        _compiled(
            r"(?P<name>[?&](?i:token|access_token|api[_-]?key|password|secret|signature|sig"
            r"|x-amz-signature)=)(?![{<$%[])[^\s&#\"'<>]{8,4000}"
        ),
        r"\g<name>…",
    ),
)
_RARE = "_-.=: ?&/"  # in what is large, such as pictures in base64, most of them are missing
_MASK = re.compile(r"(?i)x{6}|\*{4}|\.{3}|…|your|example|placeholder|abcdefgh")
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")


def secret_kind(text: str) -> str | None:
    """What kind of secret the text holds, in a person's words; None: none that we know."""
    return _kind(text, PATTERNS)


def without_secrets(text: str) -> str:
    """The text with every secret in it replaced by what its row shows; stand-ins too."""
    for one in _held(text, PATTERNS):
        text = one.form.sub(one.shown, text)
    return text


def secrets_in(value: Any) -> list[tuple[Key, str]]:
    """The places of all strings, and names of members, that hold a secret, in document order, each
    with the kind of the first one.

    `value` is any JSON value, nested as deeply as it likes. No place repeats a secret: such a
    member is called `…`.
    """
    try:
        text = _ESCAPE.sub("\n", json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return _walk(value, PATTERNS)
    held = [one for one in _held(text, PATTERNS) if _is_in(one, text)]
    return _walk(value, held) if held else []


def _held(text: str, patterns: Iterable[Pattern]) -> list[Pattern]:
    """Those of which a literal stands in the text."""
    missing = {rare for rare in _RARE if rare not in text}
    return [
        one
        for one in patterns
        if any(mark in text for mark in one.marks if missing.isdisjoint(mark))
    ]


def _is_in(pattern: Pattern, text: str) -> bool:
    """Whether a match is no stand-in such as `hf_xxxxxxxx` or `?token=YOUR_TOKEN`."""
    return any(not _is_stand_in(found[0]) for found in pattern.form.finditer(text))


def _is_stand_in(match: str) -> bool:
    if match.startswith("rf"):
        return False
    few = len(set(match[-20:].lower())) < 5
    name = "=" in match and match.rpartition("=")[2].isupper()  # ?token=HF_TOKEN
    return few or name or _MASK.search(match) is not None


def _kind(text: str, patterns: Iterable[Pattern]) -> str | None:
    return next((one.kind for one in _held(text, patterns) if _is_in(one, text)), None)


def _walk(value: Any, patterns: Iterable[Pattern]) -> list[tuple[Key, str]]:
    found: list[tuple[Key, str]] = []
    waiting: list[tuple[Key, Any]] = [((), value)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, str):
            if kind := _kind(part, patterns):
                found.append((place, kind))
        elif isinstance(part, dict):
            names = [name for name in part if isinstance(name, str)]
            bad = {name: kind for name in names if (kind := _kind(name, patterns))}
            found.extend((place, kind) for kind in bad.values())
            waiting.extend(
                ((*place, "…" if name in bad else name), inner)
                for name, inner in reversed(part.items())
            )
        elif isinstance(part, list):
            waiting.extend(((*place, i), part[i]) for i in reversed(range(len(part))))
    return found
