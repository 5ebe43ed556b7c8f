"""The user's config file with a key or an address more or less in it, and all else as it was.

It is written by one rename, for its owner's eyes only. Lines are added, replaced and taken out;
where the text is laid out in a way that does not allow it, it is written anew, without comments.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import SaveError
from ..findings import Finding, Where
from ..project.yaml_words import word
from ..yaml_text import YamlError, YamlText, read_yaml
from .settings import address, checked_key, checked_url, config_path, host_of, settled

_KEY_LINE = re.compile(r"""(\s*(?:"[^"]*"|'[^']*'|[^\s#].*?)\s*:)(?:\s+[^\s#]+)?(\s+#.*)?""")


def keep_key(url: str, key: str, environ: Mapping[str, str] | None = None) -> str:
    """Remember the key of the URL's host; the host. It replaces the one that was there.

    Raises ApiError, ApiRefusedError for a URL or a key that is none and for a config file that
    cannot be gone on with; SaveError.
    """
    host, key = host_of(checked_url(url)), checked_key(key)

    def edit(value: dict[str, Any]) -> None:
        keys = _keys_of(value)
        keys[_written(keys, host)] = key

    _edit(edit, environ)
    return host


def forget_key(host: str, environ: Mapping[str, str] | None = None) -> None:
    """Remove the key of a host, if there is one. Raises as `keep_key`."""

    def edit(value: dict[str, Any]) -> None:
        keys = _keys_of(value)
        keys.pop(_written(keys, host), None)

    _edit(edit, environ)


def set_url(url: str | None, environ: Mapping[str, str] | None = None) -> None:
    """Make this the API that is meant; None: the hosted one. Raises as `keep_key`."""
    address = checked_url(url) if url else None

    def edit(value: dict[str, Any]) -> None:
        value.pop("url", None)
        if address:
            value["url"] = address

    _edit(edit, environ)


def _edit(change: Callable[[dict[str, Any]], None], environ: Mapping[str, str] | None) -> None:
    environ = os.environ if environ is None else environ
    settled(environ)  # refuses a file that is broken or that others may read
    path = Path(os.path.realpath(config_path(environ)))  # behind a link to somebody's dotfiles
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        before = read_yaml(text)
        meant = {**(before.value or {})}
        meant["keys"] = dict(meant.get("keys") or {})
        change(meant)
        if not meant["keys"]:
            del meant["keys"]
        if meant != (before.value or {}):
            _write(path, _edited(text, before, meant))
    except OSError as error:
        raise SaveError(_not_written(error)) from None


def _keys_of(value: dict[str, Any]) -> dict[str, Any]:
    keys: dict[str, Any] = value["keys"]
    return keys


def _written(keys: Mapping[str, Any], host: str) -> str:
    """The way in which the file writes the host: people write whole URLs, too."""
    return next((name for name in keys if host_of(address(name)) == host), host)


def _edited(text: str, before: YamlText, meant: Mapping[str, Any]) -> str:
    for candidate in (_by_lines(text, before, meant), _anew(text, meant)):
        with contextlib.suppress(YamlError):
            if (read_yaml(candidate).value or {}) == meant:
                return candidate
    raise AssertionError("a mapping of words is always YAML")


def _by_lines(text: str, before: YamlText, meant: Mapping[str, Any]) -> str:
    """The text with single lines changed. Whether it says what is meant, the caller has to see."""
    lines = text.splitlines()
    old, new = before.value or {}, dict(meant)
    flat_old, flat_new = _flat(old), _flat(new)
    for way in sorted(flat_old, key=lambda one: before.marks[one], reverse=True):
        at = before.marks[way][0] - 1
        if way not in flat_new:
            del lines[at]
        elif flat_new[way] != flat_old[way] and (found := _KEY_LINE.fullmatch(lines[at])):
            lines[at] = f"{found[1]} {word(flat_new[way])}{found[2] or ''}"
    if "keys" in old and "keys" not in new:
        lines = [line for line in lines if not line.startswith("keys:")]
    for way, value in flat_new.items():
        if way in flat_old:
            continue
        if way == ("url",):
            lines.insert(0, f"url: {word(value)}")
        elif "keys" not in old and "keys:" not in lines:
            lines += ["keys:", f"  {word(way[1])}: {word(value)}"]
        else:
            at = next((n for n, line in enumerate(lines) if line.startswith("keys:")), 0)
            after = lines[at + 1] if at + 1 < len(lines) else ""
            indent = re.match(r"\s*", after)
            lines.insert(at + 1, f"{(indent and indent[0]) or '  '}{word(way[1])}: {word(value)}")
    return "\n".join(lines) + "\n"


def _flat(value: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    flat: dict[tuple[str, ...], Any] = {
        ("keys", name): key for name, key in (value.get("keys") or {}).items()
    }
    return {("url",): value["url"], **flat} if value.get("url") else flat


def _anew(text: str, meant: Mapping[str, Any]) -> str:
    head = [line for line in text.splitlines() if line.startswith("#")]
    rows = [f"  {word(name)}: {word(key)}" for name, key in meant.get("keys", {}).items()]
    url = [f"url: {word(meant['url'])}"] if meant.get("url") else []
    return "\n".join([*head, *url, *(["keys:", *rows] if rows else [])]) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def _not_written(error: OSError) -> Finding:
    reason = error.strerror or "the system refuses"
    return Finding(
        "file-not-written",
        f"the config file for API keys cannot be written: {reason}",
        Where("config.yaml"),
        fix="make the folder of the config file writable, or set RUNFLOW_API_KEY",
    )
