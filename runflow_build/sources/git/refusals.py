"""What git's complaints mean, as sentences for a person, with no mirror or password in them."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from ...redact import redacted
from ..world import Unanswered
from .program import Said

Kind = Literal[
    "late",
    "left out",
    "corrupt",
    "protocol",
    "disk",
    "busy",
    "tls",
    "login",
    "gone",
    "absent",
    "refused",
    "network",
    "other",
]

# In this order: a refusal is often followed by the complaint that the connection has ended.
_SIGNS: tuple[tuple[Kind, str], ...] = (
    (
        "left out",
        r"lazy fetching disabled|transport '[^']*' not allowed[\s\S]*from promisor remote",
    ),
    ("corrupt", r"repository corruption on the remote"),
    ("protocol", r"transport '[^']*' not allowed|protocol '[^']*' is not (?:allowed|supported)"),
    ("disk", r"No space left on device|Disk quota exceeded|Read-only file system"),
    ("busy", r"\.lock': File exists|cannot lock ref|[Uu]nable to create '[^']*\.lock'"),
    ("tls", r"SSL|certificate verif|server certificate|TLS connect|gnutls_handshake|schannel"),
    (
        "login",
        r"could not read (?:Username|Password)|terminal prompts disabled|Authentication failed"
        r"|Permission denied \(|returned error: 40[13]\b|Access denied|Host key verification",
    ),
    (
        "gone",
        r"[Rr]epository (?:'[^']*' )?not found|does not appear to be a git repository"
        r"|returned error: (?:404|410)\b|could not be found|repository not exported"
        r"|remote: Not [Ff]ound",
    ),
    ("absent", r"not our ref"),
    (
        "refused",
        r"unadvertised object|dumb http transport|does not support (?:shallow|filter|--depth)"
        r"|filter '[^']*' not supported|couldn't find remote ref|invalid filter",
    ),
    (
        "network",
        r"Could not resolve|Failed to connect|Couldn't connect|[Cc]onnection (?:refused|timed out"
        r"|reset|closed|was reset)|timed out|too slow|early EOF|unexpected disconnect|RPC failed"
        r"|returned error: (?:429|5\d\d)|unable to access|hung up|unreachable|Empty reply"
        r"|Could not read from remote|Recv failure|transfer closed",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _SIGNS)


def kind_of(said: Said) -> Kind:
    """What a call failed of; `other`: nothing that the way to the host explains."""
    if said.late:
        return "late"
    return next((kind for kind, sign in _PATTERNS if sign.search(said.err)), "other")


def unanswered(said: Said, url: str) -> Unanswered:
    """The failed call to `url`, canonical, as a sentence and a fix."""
    host = urlsplit(url).netloc
    reasons: dict[Kind, tuple[str, str | None]] = {
        "late": (f"git got no end of {url} from {host} in time", "try again on a faster line"),
        "corrupt": (f"{host} cannot read its own copy of {url}", "ask the host, or another mirror"),
        "protocol": (
            f"the settings of git lead {url} to a protocol that is not secure",
            "let `insteadOf` name an https, ssh or file address",
        ),
        "disk": ("the disk is full, or cannot be written", "make room on the disk"),
        "busy": (f"another git works on the copy of {url}", "wait until it is done, or end it"),
        "tls": (
            f"the certificate of {host} cannot be trusted",
            "check the clock, or tell git the authority that it is from (http.sslCAInfo)",
        ),
        "login": (
            f"{url} does not exist, or needs a login",
            f"check the address, or log in so that `git ls-remote {url}` asks nothing",
        ),
        "gone": (f"there is no repository {url}", "check the address"),
        "absent": (f"{url} does not have what was asked of it", None),
        "refused": (f"{host} refuses to give single commits of {url}", None),
        "network": (f"{host} cannot be reached, or broke off", "check the connection, try again"),
    }
    reason, fix = reasons.get(kind_of(said), (f"git failed on {url}: {_complaint(said)}", None))
    return Unanswered(reason, fix)


def _complaint(said: Said) -> str:
    """What git said last, without addresses: they may be a mirror's, and hold a password."""
    lines = [line.strip() for line in said.err.splitlines() if line.strip()]
    best = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    text = re.sub(r"'?(?:[a-z+]+://|/|[A-Za-z]:\\)[^\s']*'?", "…", best[0]) if best else ""
    return redacted(text)[:200] or f"exit code {said.code}"
