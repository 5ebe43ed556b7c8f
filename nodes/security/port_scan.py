"""Who can reach this ComfyUI: what it listens to, and what the internet sees of its ports.

The first is known here. For the second, other machines are asked, and only when the user says so:
four services in order for the public address, and portchecker.io for the ports, which gets that
address and the port numbers. Each answers in time or is passed over; nothing they say is taken on
trust. RUNFLOW_MIRRORS and RUNFLOW_OFFLINE hold as everywhere.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal

import aiohttp

from ...runflow_build.errors import UsageError
from .origin import is_loopback

ADDRESS_SERVICES = (
    "https://api.ipify.org",
    "https://ifconfig.me/ip",
    "https://icanhazip.com",
    "https://checkip.amazonaws.com",
)
PORT_CHECKER = "https://portchecker.io/api/v1/query"  # POST {host, ports}; IPv4 only
COMMON_PORTS = (80, 8080, 443)
ADDRESS_S = 4.0  # that one service has
PORTS_S = 20.0  # it tries one port after the other, for a second each
MOST_BYTES = 64 << 10

Level = Literal["good", "unclear", "bad"]
PortState = Literal["open", "closed", "unknown"]


@dataclass(frozen=True)
class Binding:
    """An address that ComfyUI listens to, and who reaches it there."""

    address: str
    level: Level
    reached_by: str


@dataclass(frozen=True)
class Scan:
    """What the internet sees. `problems`: what could not be found out, and why."""

    public_address: str | None = None
    asked: str | None = None  # the host that told the address
    ports: tuple[tuple[int, PortState], ...] = ()
    problems: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        ports = [{"port": port, "state": state} for port, state in self.ports]
        return {**asdict(self), "ports": ports, "problems": list(self.problems)}


def bindings(listen: str) -> list[Binding]:
    """What `--listen` means: addresses or names, joined by commas."""
    return [_binding(one.strip()) for one in listen.split(",") if one.strip()]


def _binding(address: str) -> Binding:
    if is_loopback(address):
        return Binding(address, "good", "this machine alone")
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return Binding(address, "unclear", "whoever reaches the address of that name")
    if parsed.is_unspecified:
        return Binding(address, "bad", "everybody in every network that this machine is in")
    if parsed.is_global:
        return Binding(address, "unclear", "everybody on the internet, unless a firewall says no")
    return Binding(address, "unclear", "everybody in the network of that address")


def ports_to_check(own: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys((own, *COMMON_PORTS)))


async def scan(port: int) -> Scan:
    """Ask the services. Takes up to 36 s, of which the event loop notices nothing."""
    ports = ports_to_check(port)
    unknown: tuple[tuple[int, PortState], ...] = tuple((one, "unknown") for one in ports)
    try:
        services = _Services.of_environment()
    except UsageError as error:
        return Scan(ports=unknown, problems=(error.findings[0].message,))
    if services is None:
        return Scan(ports=unknown, problems=("nothing was asked: RUNFLOW_OFFLINE is set",))
    async with services:
        address, asked, problems = await _public_address(services)
        if address is None:
            return Scan(ports=unknown, problems=problems)
        told = Scan(str(address), asked, unknown)
        if isinstance(address, IPv6Address):
            problem = "the ports could not be checked: portchecker.io knows no IPv6 addresses"
            return Scan(told.public_address, asked, unknown, (problem,))
        try:
            states = await _port_states(services, address, ports)
        except _UnansweredError as error:
            problem = f"the ports could not be checked: {error}"
            return Scan(told.public_address, asked, unknown, (problem,))
        rows = tuple((one, states.get(one, "unknown")) for one in ports)
        missing = [str(one) for one, state in rows if state == "unknown"]
        told_not = f"portchecker.io says nothing of port {', '.join(missing)}"
        return Scan(told.public_address, asked, rows, (told_not,) if missing else ())


async def _public_address(
    services: _Services,
) -> tuple[IPv4Address | IPv6Address | None, str | None, tuple[str, ...]]:
    """The address, IPv4 where one is told; who told it; else why not."""
    second_best: tuple[IPv6Address, str] | None = None
    problems = []
    for url in ADDRESS_SERVICES:
        host = _host(url)
        try:
            address = _address_of(await services.text(url, ADDRESS_S), host)
        except _UnansweredError as error:
            problems.append(str(error))
            continue
        if isinstance(address, IPv4Address):
            return address, host, ()
        second_best = second_best or (address, host)
    if second_best:
        return (*second_best, ())
    return None, None, ("the public address could not be found out", *problems)


def _address_of(text: str, host: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text.strip())
    except ValueError:
        raise _UnansweredError(f"{host} answers with something that is no address") from None
    if not address.is_global:
        raise _UnansweredError(f"{host} answers with {address}, which is no public address")
    return address


async def _port_states(
    services: _Services, address: IPv4Address, ports: tuple[int, ...]
) -> dict[int, PortState]:
    host, question = _host(PORT_CHECKER), {"host": str(address), "ports": list(ports)}
    try:
        answer = json.loads(await services.text(PORT_CHECKER, PORTS_S, question))
    except (ValueError, RecursionError):
        raise _UnansweredError(f"{host} answers with something else than data") from None
    rows = answer.get("check") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or answer.get("error"):
        raise _UnansweredError(f"{host} answers, but not on the question")
    states: dict[int, PortState] = {}
    for row in rows:
        port, is_open = (row.get("port"), row.get("status")) if isinstance(row, dict) else (0, 0)
        if port in ports and isinstance(is_open, bool):
            states[port] = "open" if is_open else "closed"
    return states


class _UnansweredError(Exception):
    """Why a service has given no answer."""


class _Services:
    """The services, or the mirrors that stand for them."""

    def __init__(self, local: Any) -> None:
        self._local = local

    @classmethod
    def of_environment(cls) -> _Services | None:
        """None: nothing outside of this machine may be asked. Raises UsageError."""
        from ...runflow_build.sources.mirrors import mirrors_of
        from ...runflow_build.sources.online import is_offline

        return None if is_offline(os.environ) else cls(mirrors_of(os.environ).local)

    async def __aenter__(self) -> _Services:
        # The proxies of the environment hold; cookies and saved passwords do not.
        headers = {"User-Agent": "runflow-build"}
        cookies = aiohttp.DummyCookieJar()
        self._session = aiohttp.ClientSession(trust_env=True, headers=headers, cookie_jar=cookies)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def text(self, url: str, within_s: float, question: Any = None) -> str:
        """The answer, of a bounded size. Raises _UnansweredError."""
        host = _host(url)
        try:
            return await asyncio.wait_for(self._text(url, question), within_s)
        except asyncio.TimeoutError:
            raise _UnansweredError(f"{host} did not answer within {within_s:.0f} s") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise _UnansweredError(f"{host} cannot be reached") from None

    async def _text(self, url: str, question: Any) -> str:
        method = "GET" if question is None else "POST"
        asking = self._session.request(
            method, self._local(url), json=question, allow_redirects=False
        )
        async with asking as answer:
            if answer.status != 200:
                raise _UnansweredError(f"{_host(url)} answers with status {answer.status}")
            data = b""
            async for chunk in answer.content.iter_any():
                data += chunk
                if len(data) > MOST_BYTES:
                    raise _UnansweredError(f"{_host(url)} answers with far too much")
        return data.decode("utf-8", "replace")


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
