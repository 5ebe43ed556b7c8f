"""Whether a request comes from a page of this ComfyUI itself, as far as its headers tell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

ALLOWED_HOSTS = "RUNFLOW_ALLOWED_HOSTS"  # names under which a proxy serves this ComfyUI
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site has caused the request.

    Current browsers say so themselves (Sec-Fetch-Site, which no script can set) where the page is
    on https or on this machine; elsewhere they name the page's origin, which has to be the host
    that was asked, or an allowed one behind a proxy. Programs say nothing and are not foreign.
    """
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None:
        return site.lower() not in ("same-origin", "none")
    if origin is None:
        return False
    page = _parts(origin)
    if page is None or page.scheme not in _DEFAULT_PORTS or not page.hostname:
        return True  # "null" among them: a sandboxed frame or a file
    if name_of(page.netloc) in _allowed():
        return False
    default = _DEFAULT_PORTS[page.scheme]
    asked = _parts(f"//{headers.get('Host', '')}")
    return asked is None or _place(asked, default) != _place(page, default)


def is_own_name(host: str) -> bool:
    """Whether a Host header is a name of this machine for itself, or an allowed one.

    Any other name, for a ComfyUI that listens to this machine alone, is that of a page whose name
    was made to point here (DNS rebinding).
    """
    name = name_of(host)
    return name is not None and (is_loopback(name) or name in _allowed())


def name_of(host: str) -> str | None:
    """The name or address in a Host header, lower-case, without a dot at its end."""
    parts = _parts(f"//{host}")
    if parts is None or not parts.hostname or parts.netloc != host or "@" in host:
        return None
    return parts.hostname.removesuffix(".")


def is_loopback(name: str) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _allowed() -> list[str]:
    words = os.environ.get(ALLOWED_HOSTS, "").replace(",", " ").split()
    return [name for word in words if (name := name_of(word))]


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname  # raise for what is no number, no address
    except ValueError:
        return None
    return parts


def _place(parts: SplitResult, default_port: int) -> tuple[str, int]:
    return (parts.hostname or "").removesuffix("."), parts.port or default_port
