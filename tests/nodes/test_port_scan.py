"""Who can reach ComfyUI: what it listens to, and what the services say, who may say anything."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp_server import Running, running
from loaded_pack import part

ADDRESS = "203.0.113.7"
GLOBAL = "93.184.216.34"
IPV6 = "2606:2800:220:1:248:1893:25c8:1946"
HOSTS = ("api.ipify.org", "ifconfig.me", "icanhazip.com", "checkip.amazonaws.com", "portchecker.io")
PORTS = [8188, 80, 8080, 443]
EVERY_ADDRESS = [f"GET {one}" for one in ("api.ipify.org/", "ifconfig.me/ip", "icanhazip.com/")]
EVERY_ADDRESS.append("GET checkip.amazonaws.com/")


@dataclass
class Internet:
    """What each service answers: a text, a status, seconds of silence, or a JSON value."""

    says: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)  # to the port checker
    headers: list[dict[str, str]] = field(default_factory=list)

    def app(self) -> web.Application:
        async def answer(request: web.Request) -> web.StreamResponse:
            host, _, path = request.path.removeprefix("/").partition("/")
            self.asked.append(f"{request.method} {host}/{path}")
            self.headers.append(dict(request.headers))
            if request.method == "POST":
                self.told.append(await request.json())
            says = self.says.get(host, 500)
            if isinstance(says, float):
                await asyncio.sleep(says)
                says = 500
            if isinstance(says, int):
                return web.Response(status=says, headers={"Location": "http://127.0.0.1:1/"})
            if isinstance(says, bytes | str):
                return web.Response(body=says)
            return web.json_response(says)

        made = web.Application()
        made.router.add_route("*", "/{path:.*}", answer)
        return made


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    one = Internet({"api.ipify.org": GLOBAL, "portchecker.io": checked(8188)})
    with running(one.app) as server:
        mirrors = [f"https://{host}={server.url}/{host}" for host in HOSTS]
        monkeypatch.setenv("RUNFLOW_MIRRORS", " ".join(mirrors))
        monkeypatch.setenv("RUNFLOW_OFFLINE", "")
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield one


def checked(*open_: int, **more: Any) -> dict[str, Any]:
    """What portchecker.io answers."""
    check = [{"port": port, "status": port in open_} for port in PORTS]
    return {"error": False, "msg": None, "check": check, "host": GLOBAL, **more}


def scanned(port: int = 8188) -> dict[str, Any]:
    told: dict[str, Any] = asyncio.run(part("nodes.security.port_scan").scan(port)).to_json()
    return told


def states(told: dict[str, Any]) -> dict[int, str]:
    return {row["port"]: row["state"] for row in told["ports"]}


# ---- what it listens to ----


@pytest.mark.parametrize(
    ("listen", "levels"),
    [
        ("127.0.0.1", ["good"]),
        ("127.0.0.1,::1", ["good", "good"]),
        ("localhost", ["good"]),
        ("127.1.2.3", ["good"]),
        ("0.0.0.0", ["bad"]),
        ("0.0.0.0,::", ["bad", "bad"]),
        ("::0", ["bad"]),
        ("192.168.1.5", ["unclear"]),
        ("fe80::1%eth0", ["unclear"]),
        (GLOBAL, ["unclear"]),
        ("comfy.example, 127.0.0.1", ["unclear", "good"]),
    ],
)
def test_what_listen_means(listen: str, levels: list[str]) -> None:
    assert [one.level for one in part("nodes.security.port_scan").bindings(listen)] == levels


def test_who_reaches_it_is_told_in_words() -> None:
    [everybody, lan] = part("nodes.security.port_scan").bindings("0.0.0.0,192.168.1.5")
    assert everybody.reached_by == "everybody in every network that this machine is in"
    assert lan.reached_by == "everybody in the network of that address"


# ---- what the internet sees ----


def test_ports_that_are_open_and_closed_are_told(internet: Internet) -> None:
    assert scanned() == {
        "public_address": GLOBAL,
        "asked": "api.ipify.org",
        "ports": [
            {"port": 8188, "state": "open"},
            {"port": 80, "state": "closed"},
            {"port": 8080, "state": "closed"},
            {"port": 443, "state": "closed"},
        ],
        "problems": [],
    }
    assert internet.asked == ["GET api.ipify.org/", "POST portchecker.io/api/v1/query"]
    assert internet.told == [{"host": GLOBAL, "ports": PORTS}]


def test_nothing_else_goes_out(internet: Internet) -> None:
    scanned()
    assert len(internet.headers) == 2  # the address, then the ports
    for headers in internet.headers:
        assert headers["User-Agent"] == "runflow-build"
        assert not {"Cookie", "Authorization", "Referer"} & headers.keys()


def test_no_port_is_asked_for_twice(internet: Internet) -> None:
    scanned(8080)
    assert internet.told[0]["ports"] == [8080, 80, 443]


@pytest.mark.parametrize("silent", [1, 2, 3])
def test_the_next_service_is_asked_where_one_fails(silent: int, internet: Internet) -> None:
    internet.says |= dict.fromkeys(HOSTS[:silent], 503) | {HOSTS[silent]: f" {GLOBAL}\n"}
    assert scanned()["asked"] == HOSTS[silent]
    assert internet.asked[:-1] == EVERY_ADDRESS[: silent + 1]


@pytest.mark.parametrize(
    "says",
    [
        "<html>log in</html>",
        "",
        "192.168.1.1",
        "127.0.0.1",
        "0.0.0.0",
        ADDRESS,  # for documentation
        "999.1.1.1",
        f"{GLOBAL} {GLOBAL}",
        b"\xff\xfe",
        b"x" * 100_000,
        302,
        404,
    ],
)
def test_what_is_no_public_address_is_not_taken_for_one(says: Any, internet: Internet) -> None:
    internet.says |= {"api.ipify.org": says, "ifconfig.me": GLOBAL}
    assert scanned()["asked"] == "ifconfig.me"


def test_an_ipv4_address_is_looked_for_and_ipv6_told_where_there_is_none(
    internet: Internet,
) -> None:
    internet.says |= {"api.ipify.org": IPV6, "ifconfig.me": 500, "icanhazip.com": GLOBAL}
    assert scanned()["public_address"] == GLOBAL
    internet.says["icanhazip.com"] = 500
    told = scanned()
    assert (told["public_address"], told["asked"]) == (IPV6, "api.ipify.org")
    assert set(states(told).values()) == {"unknown"}
    reason = "the ports could not be checked: portchecker.io knows no IPv6 addresses"
    assert told["problems"] == [reason]


def test_without_any_service_each_reason_is_told(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part("nodes.security.port_scan"), "ADDRESS_S", 0.2)
    internet.says = {"api.ipify.org": 30.0, "ifconfig.me": "no", "icanhazip.com": "10.0.0.1"}
    told = scanned()
    assert told["public_address"] is None
    assert states(told) == dict.fromkeys(PORTS, "unknown")
    assert told["problems"] == [
        "the public address could not be found out",
        "api.ipify.org did not answer within 0 s",
        "ifconfig.me answers with something that is no address",
        "icanhazip.com answers with 10.0.0.1, which is no public address",
        "checkip.amazonaws.com answers with status 500",
    ]
    assert internet.told == []


def test_where_no_service_is_reached_the_scan_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = " ".join(f"https://{host}=http://127.0.0.1:1" for host in HOSTS)
    monkeypatch.setenv("RUNFLOW_MIRRORS", gone)
    monkeypatch.setenv("RUNFLOW_OFFLINE", "")
    began = time.monotonic()
    assert "api.ipify.org cannot be reached" in scanned()["problems"]
    assert time.monotonic() - began < 5


def test_offline_nothing_is_asked(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNFLOW_OFFLINE", "1")
    told = scanned()
    assert told["problems"] == ["nothing was asked: RUNFLOW_OFFLINE is set"]
    assert states(told) == dict.fromkeys(PORTS, "unknown")
    assert internet.asked == []


def test_mirrors_that_make_no_sense_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNFLOW_OFFLINE", "")
    monkeypatch.setenv("RUNFLOW_MIRRORS", "nonsense")
    assert scanned()["problems"] == ["`nonsense` in RUNFLOW_MIRRORS is no pair of URLs"]


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (500, "portchecker.io answers with status 500"),
        ("<html>", "portchecker.io answers with something else than data"),
        (b"[" * 60_000, "portchecker.io answers with something else than data"),
        (b"x" * 100_000, "portchecker.io answers with far too much"),
        ([], "portchecker.io answers, but not on the question"),
        ({}, "portchecker.io answers, but not on the question"),
        ({"check": "open"}, "portchecker.io answers, but not on the question"),
        (checked(8188, error=True), "portchecker.io answers, but not on the question"),
    ],
)
def test_a_port_checker_that_makes_no_sense_is_told_with_the_address(
    says: Any, reason: str, internet: Internet
) -> None:
    internet.says["portchecker.io"] = says
    told = scanned()
    assert told["public_address"] == GLOBAL
    assert states(told) == dict.fromkeys(PORTS, "unknown")
    assert told["problems"] == [f"the ports could not be checked: {reason}"]


def test_a_port_that_it_does_not_speak_of_is_unknown(internet: Internet) -> None:
    rows = [
        {"port": 80, "status": True},
        {"port": 8080, "status": "open"},
        {"port": 22, "status": True},
        {"port": [443], "status": True},
        "x",
    ]
    internet.says["portchecker.io"] = {"check": rows}
    told = scanned()
    assert states(told) == {8188: "unknown", 80: "open", 8080: "unknown", 443: "unknown"}
    assert told["problems"] == ["portchecker.io says nothing of port 8188, 8080, 443"]


# ---- the route ----


@pytest.fixture
def server(comfyui_modules: SimpleNamespace) -> Iterator[Running]:
    def app() -> web.Application:
        made = comfyui_modules.server.app = web.Application()
        comfyui_modules.server.routes = web.RouteTableDef()
        part("nodes.loading").load()
        made.add_routes(comfyui_modules.server.routes)
        return made

    with running(app) as one:
        yield one


def test_nothing_is_asked_before_the_user_says_so(server: Running, internet: Internet) -> None:
    told = server.get("/runflow/security").json["scan"]
    assert told == {
        "ports": PORTS,
        "address_services": list(HOSTS[:4]),
        "port_checker": "portchecker.io",
    }
    assert server.ask("GET", "/runflow/port-scan").status == 405
    assert server.post("/runflow/port-scan", {}, {"Origin": "http://evil.example"}).status == 403
    assert internet.asked == []
    assert states(server.post("/runflow/port-scan").json)[8188] == "open"


def test_one_scan_at_a_time(server: Running, internet: Internet) -> None:
    internet.says["api.ipify.org"] = 1.0
    internet.says["ifconfig.me"] = GLOBAL
    first = asyncio.run_coroutine_threadsafe(
        asyncio.to_thread(server.post, "/runflow/port-scan"), server.loop
    )
    while not internet.asked:
        time.sleep(0.01)
    assert server.post("/runflow/port-scan").error == "scan-running"
    assert json.loads(first.result(timeout=20).body)["public_address"] == GLOBAL
    assert server.post("/runflow/port-scan").status == 200
