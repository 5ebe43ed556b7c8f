"""What is wrong with the way to the API, in words for a person: transport error to ApiError."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from ..errors import ApiError
from ..findings import Finding
from .refusals import Call
from .settings import ADDRESS, is_loopback


def passes(error: httpx.HTTPError) -> bool:
    """Whether it may be gone at the next attempt: lost connections, silence; not handshakes."""
    handshake = isinstance(error, httpx.ConnectError) and any(
        isinstance(cause, ssl.SSLError) for cause in _causes(error)
    )
    return isinstance(error, httpx.TransportError) and not handshake


def no_answer(call: Call, error: httpx.HTTPError, timeout_s: float, attempts: int) -> ApiError:
    """The ApiError for a request that got no answer; `status` is None."""
    code, message, fix = _told(call, error, timeout_s)
    times = f" ({attempts} attempts)" if attempts > 1 else ""
    finding = Finding(code, message + times, also=(("request", str(call)),), fix=fix)
    return ApiError(finding)


def _told(call: Call, error: httpx.HTTPError, timeout_s: float) -> tuple[str, str, str]:
    causes = list(_causes(error))
    host = call.host
    if isinstance(error, httpx.TimeoutException):
        return (
            "api-timeout",
            f"{host} does not answer within {timeout_s:g} s",
            f"try again; if it stays, check the network and {ADDRESS}",
        )
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                "api-tls",
                f"the certificate of {host} is not trusted: {cause.verify_message}",
                "check this machine's clock; for a company's own certificate authority, set "
                f"SSL_CERT_FILE; else check {ADDRESS}",
            )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return (
            "api-tls",
            f"{host} does not speak TLS as it should",
            f"check {ADDRESS}: a server on this machine is mostly http, not https",
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return (
            "api-unreachable",
            f"there is no host {host.partition(':')[0]} on this network",
            f"check the network (DNS) and {ADDRESS}",
        )
    if isinstance(error, httpx.ProxyError):
        return (
            "api-unreachable",
            f"the proxy does not let us through to {host}",
            "check HTTPS_PROXY and NO_PROXY",
        )
    if isinstance(error, httpx.ConnectError):
        return "api-unreachable", f"nothing answers at {host}", _start(host)
    return (
        "api-unreachable",
        f"the connection to {host} broke before the answer was there",
        "try again; if it stays, look at the server's log, or for a proxy in between",
    )


def _start(host: str) -> str:
    name = host.rpartition(":")[0] if ":" in host else host
    if is_loopback(name.strip("[]")):
        return f"start the server (`runflow serve`), or check the port in {ADDRESS}"
    return f"check the network and {ADDRESS}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
