"""Why there is no answer, in words for a person: statuses and transport errors to Unanswered."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...redact import shown
from ..world import Unanswered

if TYPE_CHECKING:
    import httpx

TOKEN_VARIABLES = {  # public host -> where the user keeps its token
    "api.github.com": "GITHUB_TOKEN",
    "civitai.com": "CIVITAI_API_TOKEN",
    "huggingface.co": "HF_TOKEN",
}
LATER = "try again later"


class Refused(Unanswered):
    """The host answered that this is not for us, or that the question is wrong."""

    def __init__(
        self, reason: str, fix: str | None, host: str, status: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(reason, fix)
        self.host = host  # the public one that answered, at the end of all redirects
        self.status = status
        self.headers = headers  # lower-case names; `x-error-code` is the hub's own word for it


class Missing(Refused):
    """The host says that there is no such file (404, 410)."""


def environment_tokens(environ: Mapping[str, str]) -> dict[str, str]:
    """The tokens that the environment holds, by the public host that they are for."""
    found = {host: environ.get(name, "").strip() for host, name in TOKEN_VARIABLES.items()}
    return {host: token for host, token in found.items() if token}


def host_of(url: str) -> str:
    """Host and port as a message names them, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def named(public: str, local: str) -> str:
    """The host that was asked, and for whom."""
    one, other = host_of(public), host_of(local)
    return one if one == other else f"{one} (its mirror {other})"


def refused(
    public: str, local: str, status: int, headers: Mapping[str, str], has_token: bool
) -> Refused:
    """What a status that is no answer means."""
    host, where = host_of(public), named(public, local)
    if status in (404, 410):
        return Missing(f"{where} has no such file", None, host, status, headers)
    said = headers.get("x-error-message", "")
    words = f": {shown(said)}" if said else ""
    if status in (401, 403):
        reason, fix = f"{where} refuses it ({status}){words}", _fix(host, has_token)
    else:
        reason = f"{where} answers {status}{words}"
        fix = LATER if status >= 500 or status in (408, 425, 429) else None
    return Refused(reason, fix, host, status, headers)


def unreached(public: str, local: str, error: httpx.TransportError) -> Unanswered:
    """What went wrong on the way, without the address's secrets."""
    import httpx

    where, causes = named(public, local), list(_causes(error))
    network = "check the network"
    if isinstance(error, httpx.ConnectTimeout):
        return Unanswered(f"no connection to {where} came about in time", network)
    if isinstance(error, httpx.TimeoutException):
        return Unanswered(f"{where} fell silent", LATER)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unanswered(
                f"the certificate of {where} is not trusted: {shown(cause.verify_message)}",
                "check this machine's clock; for a company's own certificate authority, "
                "set SSL_CERT_FILE",
            )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Unanswered(f"{where} does not speak TLS as it should", network)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Unanswered(f"there is no host {where} on this network", f"{network} (DNS)")
    if isinstance(error, httpx.ProxyError):
        return Unanswered(f"the proxy does not let us through to {where}", "check HTTPS_PROXY")
    if isinstance(error, httpx.ConnectError):
        return Unanswered(f"nothing answers at {where}", network)
    return Unanswered(f"the connection to {where} broke off", LATER)


def never_connected(error: httpx.TransportError) -> bool:
    """Whether the host said nothing at all: no connection, or silence."""
    import httpx

    return isinstance(error, (httpx.ConnectError, httpx.ProxyError, httpx.TimeoutException))


def passes(error: httpx.TransportError) -> bool:
    """Whether it may be gone at the next attempt; a certificate is not."""
    return not any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _fix(host: str, has_token: bool) -> str | None:
    variable = TOKEN_VARIABLES.get(host)
    if variable is None:
        return None
    if has_token:
        return f"ask for access on {host}, or set {variable} to a token that has it"
    return f"set {variable} to a token that may read it"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
