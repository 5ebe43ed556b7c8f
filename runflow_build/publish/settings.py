"""Where the API is and which key opens it, from the command line, the environment or the user.

A key is never an argument and never in a project file; a stored one belongs to one host, so that no
project can make us send it elsewhere. `~/.config/runflow/config.yaml`, mode 0600:

    url: http://127.0.0.1:8188        # instead of the hosted API
    keys:
      api.runflow.io: rf_live_…
      127.0.0.1:8188: rf_live_…
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from ..errors import ApiError, ApiRefusedError
from ..findings import Finding, Where, did_you_mean
from ..redact import redacted

HOSTED = "https://api.runflow.io"
URL_VARIABLE = "RUNFLOW_API_URL"
KEY_VARIABLE = "RUNFLOW_API_KEY"
# As a message names what its reader has set, at the command line or in ComfyUI's editor.
ADDRESS = f"the API's address ({URL_VARIABLE}; in ComfyUI its settings, or the Deploy node)"

_KEY = re.compile(r"[A-Za-z0-9_]+")  # the alphabet of every key, hosted or ours
_DEFAULT_PORTS = {"https": 443, "http": 80}
_CONFIG_KEYS = ("url", "keys")


@dataclass(frozen=True)
class Connection:
    """An address that a key may be sent to, and the key."""

    base_url: str  # no slash at the end
    api_key: str = field(repr=False)


def connection(url: str | None = None, environ: Mapping[str, str] | None = None) -> Connection:
    """The API that is meant and its key; `url` is the one of the command line.

    Raises ApiError: `api-url-invalid`, `config-invalid`; ApiRefusedError: `api-key-missing`,
    `api-key-malformed`, `config-not-private`.
    """
    environ = os.environ if environ is None else environ
    wish = url or environ.get(URL_VARIABLE)
    key = environ.get(KEY_VARIABLE, "").strip()
    config = _Config("", {}) if wish and key else _read_config(environ)
    base_url = checked_url(wish or config.url or HOSTED)
    key = key or config.keys.get(host_of(base_url), "")
    if not key:
        raise _key_missing(base_url, config, environ)
    return Connection(base_url, checked_key(key))


@dataclass(frozen=True)
class Settled:
    """What is set, without any key: the address that is meant, and the hosts that have a key."""

    base_url: str
    url_from: Literal["environment", "config", "default"]
    hosts: Mapping[str, Literal["environment", "config"]]  # where the key of each host stands

    @property
    def host(self) -> str:
        return host_of(self.base_url)


def settled(environ: Mapping[str, str] | None = None) -> Settled:
    """What the environment and the user's config file say. Raises ApiError, ApiRefusedError."""
    environ = os.environ if environ is None else environ
    config = _read_config(environ)
    base_url, url_from = _address(config, environ)
    hosts: dict[str, Literal["environment", "config"]] = dict.fromkeys(config.keys, "config")
    if environ.get(KEY_VARIABLE, "").strip():
        hosts[host_of(base_url)] = "environment"
    return Settled(base_url, url_from, hosts)


def connection_to(url: str, environ: Mapping[str, str] | None = None) -> Connection:
    """An address and the key of its host alone, whoever named the address, a workflow for one.

    The key of the environment belongs to the host that environment and config file mean.
    Raises as `connection`.
    """
    environ = os.environ if environ is None else environ
    config = _read_config(environ)
    base_url, (own, _) = checked_url(url), _address(config, environ)
    host = host_of(base_url)
    key = config.keys.get(host, "")
    if host == host_of(own):
        key = environ.get(KEY_VARIABLE, "").strip() or key
    if not key:
        raise _key_missing(base_url, config, environ)
    return Connection(base_url, checked_key(key))


def _address(
    config: _Config, environ: Mapping[str, str]
) -> tuple[str, Literal["environment", "config", "default"]]:
    if wish := environ.get(URL_VARIABLE):
        return checked_url(wish), "environment"
    return (checked_url(config.url), "config") if config.url else (HOSTED, "default")


def config_path(environ: Mapping[str, str]) -> Path:
    """The user's config file, where the platform wants it."""
    if os.name == "nt" and environ.get("APPDATA"):
        folder = Path(environ["APPDATA"])
    elif environ.get("XDG_CONFIG_HOME"):
        folder = Path(environ["XDG_CONFIG_HOME"])
    else:
        folder = Path(environ.get("HOME") or Path.home()) / ".config"
    return folder / "runflow" / "config.yaml"


def address(typed: str) -> str:
    """The URL that a person means who may have written only a host."""
    typed = typed.strip()
    if not typed or "://" in typed:
        return typed
    host = typed.partition("/")[0]
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    return f"{'http' if is_loopback(name.strip('[]')) else 'https'}://{typed}"


def checked_url(url: str) -> str:
    """The address as paths are put behind it: without a slash or the API's own `/v1` at its end.

    Raises ApiError, `api-url-invalid`: not http(s), plain http to anything but this machine, a user
    name or password, a query.
    """
    try:
        parts = urlsplit(url.strip())
        netloc = _netloc(parts)
    except ValueError:
        raise _url_invalid(url, "is not a URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise _url_invalid(url, "does not begin with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise _url_invalid(f"{parts.scheme}://…@{netloc}", "holds a user name or password")
    if parts.query or parts.fragment:
        raise _url_invalid(url.partition("?")[0].partition("#")[0], "goes on with a query")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise _url_invalid(url, "is plain http, which would show the API key to the network")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{netloc}{path}"


def checked_key(key: str) -> str:
    """The key itself. Raises ApiRefusedError, `api-key-malformed`, which does not show it."""
    if _KEY.fullmatch(key):
        return key
    finding = Finding(
        "api-key-malformed",
        "the API key holds characters other than letters, digits and _",
        fix="copy the key anew, without quotes, spaces or `Bearer`",
    )
    raise ApiRefusedError(finding)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, whatever the network does."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """`host`, or `host:port` where the port is not the scheme's own: what a key belongs to.

    A host has one spelling: lower case, and the form that is asked for where it goes beyond ASCII,
    in which no other looks like it. Raises ValueError for a URL that is none.
    """
    return _netloc(urlsplit(url))


def _netloc(parts: SplitResult) -> str:
    host = _ascii((parts.hostname or "").lower())
    host = f"[{host}]" if ":" in host else host
    own_port = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host if own_port else f"{host}:{parts.port}"


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    import httpx  # costs 100 ms, and spells as it will ask

    try:
        return httpx.URL(scheme="https", host=host).raw_host.decode("ascii")
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None


def _url_invalid(url: str, why: str) -> ApiError:
    finding = Finding(
        "api-url-invalid",
        f"the API's address {redacted(url)} {why}",
        fix=f"write https://HOST, or http://127.0.0.1:PORT for a server on this machine, as "
        f"{ADDRESS}; where none is given, {HOSTED} is used",
    )
    return ApiError(finding)


def _key_missing(base_url: str, config: _Config, environ: Mapping[str, str]) -> ApiRefusedError:
    host = host_of(base_url)
    also = []
    if others := sorted(config.keys):
        also.append(("note", f"the config file has keys for {', '.join(others)} only"))
    own = is_loopback(urlsplit(base_url).hostname or "")
    make = (
        "make one with `runflow keys create`"
        if own
        else "make one in the Runflow app (for a server of your own: `runflow keys create`)"
    )
    finding = Finding(
        "api-key-missing",
        f"there is no API key for {host}",
        also=tuple(also),
        fix=f"{make}, then set {KEY_VARIABLE}, or put it under `keys: {{{host}: …}}` in "
        f"{_shown(config_path(environ), environ)} (mode 0600)",
    )
    return ApiRefusedError(finding)


# -- the config file


@dataclass(frozen=True)
class _Config:
    url: str
    keys: Mapping[str, str] = field(repr=False)  # by host, or host:port


def _read_config(environ: Mapping[str, str]) -> _Config:
    path = config_path(environ)
    shown = _shown(path, environ)
    try:
        with path.open("rb") as file:
            _require_private(shown, os.fstat(file.fileno()).st_mode)
            data = file.read(1 << 20)
    except FileNotFoundError:
        return _Config("", {})
    except OSError as error:
        finding = Finding(
            "file-unreadable",
            f"the config file cannot be read: {error.strerror}",
            Where(shown),
            fix=f"make it a file that you can read, or set {URL_VARIABLE} and {KEY_VARIABLE}",
        )
        raise ApiError(finding) from None
    return _parsed(shown, data)


def _require_private(shown: str, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        finding = Finding(
            "config-not-private",
            f"others may read or change this file, which holds API keys (mode "
            f"{stat.S_IMODE(mode):04o})",
            Where(shown),
            fix=f"chmod 600 {shown}",
        )
        raise ApiRefusedError(finding)


def _parsed(shown: str, data: bytes) -> _Config:
    from ..yaml_text import YamlError, read_yaml

    try:
        value = read_yaml(data.decode("utf-8")).value
    except UnicodeDecodeError:
        raise _config_invalid(shown, "the file is not UTF-8 text") from None
    except YamlError as error:
        # Its findings may quote the line, and with it a key.
        line = error.findings[0].where.line
        raise _config_invalid(shown, "the file is not YAML", line) from None
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise _config_invalid(shown, "the file is not a mapping")
    for name in value:
        if name not in _CONFIG_KEYS:
            guess = did_you_mean(str(name), _CONFIG_KEYS)
            raise _config_invalid(shown, f"unknown key `{name}`{guess}")
    return _Config(_text(shown, "url", value.get("url")), _keys(shown, value.get("keys")))


def _text(shown: str, name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _config_invalid(shown, f"`{name}` is not text")
    return value


def _keys(shown: str, value: Any) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _config_invalid(shown, "`keys` is not a mapping from host to key")
    try:
        return {
            host_of(address(name)): _text(shown, f"keys.{name}", key) for name, key in value.items()
        }
    except ValueError:
        raise _config_invalid(shown, "`keys` has a host that is none") from None


def _config_invalid(shown: str, message: str, line: int | None = None) -> ApiError:
    finding = Finding(
        "config-invalid",
        message,
        Where(shown, line),
        fix="write `url: https://…` and `keys:` with one line `HOST: KEY` for each API",
    )
    return ApiError(finding)


def _shown(path: Path, environ: Mapping[str, str]) -> str:
    """The path as a person would write it: with ~ for their home."""
    home = environ.get("HOME")
    if home and path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    return path.as_posix()
