"""A scripted API on a real socket, for what no real one does on call; and the real server."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest

from runflow_build.bundle import Bundle, bundle_digest
from runflow_build.lock.model import ComfyUIPin, GPUPin, ModelPin, NodePackPin
from runflow_build.publish.client import Client
from runflow_build.publish.provenance import Provenance
from runflow_build.workflow.contract import served_contract
from runflow_build.workflow.model import Prompt

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
COLLECTION = "/v1/comfyui-workflows"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer, or a fault in its place."""

    body: Any = None  # bytes go out as they are, all else as JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Literal["", "reset", "cut", "silence", "drip"] = ""


Route = Callable[[Seen], Reply]


class ScriptedApi:
    """Answers what the test says, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Seen] = []
        self.release = threading.Event()  # ends every silence
        self._routes: dict[tuple[str, str], list[Reply | Route]] = {}
        self._lock = threading.Lock()

    def on(self, method: str, path: str, *replies: Reply | Route) -> None:
        """One reply after the other; the last one stays."""
        self._routes[method, path] = list(replies)

    def calls(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.seen]

    def answer(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            replies = self._routes.get((seen.method, seen.path))
            if replies is None:
                return Reply({"code": "NOT_FOUND", "message": "no such route"}, 404)
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(seen) if callable(reply) else reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it delays each answer by 40 ms
    api: ScriptedApi

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = Seen(
            self.command,
            parts.path,
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        self._send(self.api.answer(seen))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _send(self, reply: Reply) -> None:
        if reply.fault == "reset":
            linger = struct.pack("ii", 1, 0)  # closing sends RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
            return
        if reply.fault == "silence":
            self.api.release.wait(10)
            self.close_connection = True
            return
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.status != 204:
            headers["Content-Length"] = str(len(raw) + (10 if reply.fault == "cut" else 0))
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.status == 204:
            return
        if reply.fault == "drip":
            for byte in raw:
                self.wfile.write(bytes([byte]))
                if self.api.release.wait(0.02):
                    break
            self.close_connection = True
            return
        self.wfile.write(raw)
        self.close_connection = reply.fault == "cut"

    def log_message(self, *_: object) -> None:
        """The test looks at `seen`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are part of the script."""


def _serve_scripted(tls: Path | None = None) -> Iterator[ScriptedApi]:
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    scheme = "http"
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    api = ScriptedApi(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    handler.api = api  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        api.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(name="reply")
def fixture_reply() -> type[Reply]:
    return Reply


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    yield from _serve_scripted()


@pytest.fixture
def other_api() -> Iterator[ScriptedApi]:
    yield from _serve_scripted()


@pytest.fixture
def untrusted_api(tmp_path: Path) -> Iterator[ScriptedApi]:
    """An API behind a certificate that nobody signed but itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program, to make a certificate")
    pem = tmp_path / "self-signed.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout - -out -"
    made = subprocess.run(make.split(), capture_output=True, check=True)
    pem.write_bytes(made.stdout)
    yield from _serve_scripted(pem)


@pytest.fixture
def pauses() -> list[float]:
    """What the client would have waited between its attempts, in seconds."""
    return []


@pytest.fixture
def client(api: ScriptedApi, pauses: list[float]) -> Iterator[Client]:
    with Client(api.url, KEY, timeout_s=0.5, pause=pauses.append) as client:
        yield client


# -- the real server


@dataclass(frozen=True)
class RealApi:
    """An organization of its own on a running server, with a key that may do everything."""

    url: str
    data: Path
    organization: str
    client: Client
    full_key: str = field(repr=False)

    def key(self, *scopes: str) -> str:
        from runflow_build.server.keys import create_key

        return create_key(self.data, scopes, self.organization)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One server for all tests of this folder: its URL and its data."""
    # Here, because most of them need no server, and it takes a second to load.
    from runflow_build.server.serve import running
    from runflow_build.server.settings import Settings

    data = tmp_path_factory.mktemp("server")
    with running(Settings(data_dir=data, port=0)) as url:
        yield url, data


_organizations = itertools.count(1)


@pytest.fixture
def real(server: tuple[str, Path]) -> Iterator[RealApi]:
    from runflow_build.server.keys import create_key

    url, data = server
    organization = f"org-{next(_organizations)}"
    key = create_key(data, organization=organization)
    with Client(url, key) as client:
        yield RealApi(url, data, organization, client, key)


# -- what is published

CARD: Prompt = {
    "1": {
        "class_type": "RunflowInputInt",
        "inputs": {
            "input_id": "width",
            "display_name": "Width",
            "description": "",
            "required": False,
            "value": 8,
        },
        "_meta": {"title": "Width"},
    },
    "2": {
        "class_type": "EmptyImage",
        "inputs": {"width": ["1", 0], "height": 8, "batch_size": 1, "color": 255},
    },
    "3": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "picture", "output_name": "", "value": ["2", 0]},
    },
}


def _card(**changes: Any) -> Bundle:
    prompt = changes.get("prompt", CARD)
    fields: dict[str, Any] = {
        "digest": "",
        "slug": "card",
        "name": "Card",
        "description": "A plain card.",
        "prompt": prompt,
        "graph": {"nodes": [{"id": 1, "pos": [10, 20.5]}], "version": 0.4},
        "contract": served_contract(prompt),
        "gpu": GPUPin(),
        "comfyui": ComfyUIPin(
            repository="https://github.com/comfyanonymous/ComfyUI", ref="v0.8.0", commit="3c" * 20
        ),
        "nodes": {"Pack": NodePackPin(repository="https://github.com/acme/Pack", commit="ab" * 20)},
        "python": "3.12",
        "packages": {"torch": "2.8.0", "aiohttp": "3.12.13"},
        "models": {
            "loras/style.safetensors": ModelPin(sha256="cd" * 32, url="https://acme.example/s")
        },
        "resources": {},
        **changes,
    }
    bundle = Bundle(**fields)
    return bundle.model_copy(update={"digest": bundle_digest(bundle)})


@pytest.fixture(scope="session")
def card() -> Callable[..., Bundle]:
    """Makes a bundle that the embedded engine can run; keywords replace its fields."""
    return _card


@pytest.fixture(scope="session")
def source() -> Provenance:
    return Provenance("cards", None, "ef" * 32)


@pytest.fixture
def scripted_store(api: ScriptedApi) -> dict[str, Any]:
    """Makes the scripted API keep one endpoint, as the real one would, in `record`."""
    store: dict[str, Any] = {}

    def listed(seen: Seen) -> Reply:
        return Reply({"items": [store["record"]] if "record" in store else []})

    def created(seen: Seen) -> Reply:
        store["record"] = {"id": "01", "deleted_at": None, **seen.json}
        return Reply(store["record"], 201)

    def changed(seen: Seen) -> Reply:
        store["record"] = {**store["record"], **seen.json}
        return Reply(store["record"])

    api.on("GET", COLLECTION, listed)
    api.on("POST", COLLECTION, created)
    api.on("PATCH", f"{COLLECTION}/01", changed)
    api.on(
        "GET",
        "/v1/auth/me",
        Reply({"memberships": [{"org": {"id": "7", "slug": "acme"}, "scopes": []}]}),
    )
    store["created"] = created
    return store


# -- a project on disk

SPEC = """\
version: 1
project: cards
comfyui: {ref: 3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce}
endpoints:
"""


def _write_spec(root: Path, *slugs: str) -> None:
    rows = [f"  {slug}: {{workflow: {slug}.json}}\n" for slug in slugs]
    (root / "runflow.yaml").write_text(SPEC + "".join(rows), encoding="utf-8")


@pytest.fixture
def write_spec() -> Callable[..., None]:
    """`write_spec(root, *slugs)`: a runflow.yaml with these endpoints."""
    return _write_spec


@pytest.fixture
def project(tmp_path: Path, card: Callable[..., Bundle]) -> Path:
    """A locked project with the endpoints `one` and `two`."""
    from runflow_build.tasks.lock import relock

    root = tmp_path / "cards"
    root.mkdir()
    for slug in ("one", "two"):
        (root / f"{slug}.json").write_text(json.dumps(card().prompt), encoding="utf-8")
    _write_spec(root, "one", "two")
    relock(root)
    return root


@pytest.fixture
def connected(real: RealApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealApi]:
    """The real API, as the one that commands and tasks talk to."""
    from runflow_build.tasks.session import connect

    monkeypatch.setenv("RUNFLOW_API_URL", real.url)
    monkeypatch.setenv("RUNFLOW_API_KEY", real.full_key)
    yield real
    monkeypatch.setenv("RUNFLOW_API_URL", real.url)
    monkeypatch.setenv("RUNFLOW_API_KEY", real.full_key)
    connect().close()


@pytest.fixture
def published(project: Path, connected: RealApi) -> Client:
    """The API at which the project's endpoints are published."""
    from runflow_build.tasks.publish import publish

    assert [one.action for one in publish(project)] == ["created", "created"]
    return connected.client
