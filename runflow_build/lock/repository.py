"""The one public name of a git repository, whatever the way in which somebody reaches it."""

from __future__ import annotations

import re

_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[A-Za-z0-9.-]{2,}):(?!//)(?P<path>[^/\\].*)")
_URL = re.compile(
    r"(?:https?|ssh|git|git\+https|git\+ssh)://(?:[^@/]*@)?(?P<host>[A-Za-z0-9.-]+)(?P<port>:\d+)?"
    r"/(?P<path>[^?#]+)(?:[?#].*)?"
)
_SSH_PORTS = {":22", ":443", ":80", ":9418"}

_PLAIN = re.compile(r"https://[a-z0-9.-]+(/(?!\.+(/|$))[A-Za-z0-9._~-]+){2,}")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")

# Repositories that moved: the new owner redirects to the old one or the other way round.
_MOVED = {"github.com/comfy-org/comfyui": "github.com/comfyanonymous/ComfyUI"}


def canonical(url: str) -> str | None:
    """`https://host/owner/name`: no user, no password, no `.git`.

    None for what others cannot reach by it: a path, a `file:` URL, an empty text.
    """
    match = _URL.fullmatch(url.strip()) or _SCP.fullmatch(url.strip())
    if match is None:
        return None
    port = match.groupdict().get("port") or ""
    host = match["host"].lower() + ("" if port in _SSH_PORTS else port)
    path = match["path"].strip("/").removesuffix(".git").rstrip("/")
    if not path or "." not in host:
        return None
    place = f"{host}/{path}"
    return f"https://{_MOVED.get(place.lower(), place)}"


def plain(url: str) -> str | None:
    """The canonical URL as strangers name it, of which nothing is odd: no port, no space, no `..`.

    None for anything else, which a person may still write into runflow.yaml.
    """
    public = canonical(url)
    return public if public and _PLAIN.fullmatch(public) else None


def same(one: str | None, other: str | None) -> bool:
    """Whether two URLs mean one repository; hosts do not tell upper from lower case."""
    if one is None or other is None:
        return one == other
    return (canonical(one) or one).lower() == (canonical(other) or other).lower()


def name(url: str) -> str:
    """`owner/name`."""
    return "/".join((canonical(url) or url).rstrip("/").split("/")[-2:])


def answers(commit: str, ref: str | None) -> bool:
    """Whether the ref can mean this commit: a whole commit hash means itself alone."""
    return not ref or not is_full_commit(ref) or ref.lower() == commit


def is_full_commit(ref: str | None) -> bool:
    """Whether a ref is a whole commit hash, the one wish that answers itself."""
    return bool(ref and _COMMIT.fullmatch(ref))
