"""A real server on a real socket, and a client that talks to it as an API user would."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from runflow_build.engines.base import Engine, Lack, OutputFile, Progress, RunFolders
from runflow_build.server.keys import create_key
from runflow_build.server.serve import running
from runflow_build.server.settings import Settings, embedded_engine
from runflow_build.workflow.model import Prompt

# An image in, a greyscale number and a text beside it, the inverted image out.
INVERT: Prompt = {
    "1": {
        "class_type": "RunflowInputImage",
        "inputs": {
            "input_id": "photo",
            "display_name": "Photo",
            "description": "What to invert",
            "required": True,
        },
        "_meta": {"title": "The photo"},
    },
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}, "_meta": {"title": "Invert"}},
    "3": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "picture", "output_name": "Picture", "value": ["2", 0]},
    },
}
# A colour in, a picture of it out; needs no file.
COLOUR: Prompt = {
    "1": {
        "class_type": "RunflowInputInt",
        "inputs": {
            "input_id": "colour",
            "display_name": "Colour",
            "description": "",
            "required": False,
            "value": 255,
            "minimum": 0,
            "maximum": 0xFFFFFF,
        },
    },
    "2": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": ["1", 0]},
    },
    "3": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "picture", "output_name": "Picture", "value": ["2", 0]},
    },
}


class Clock:
    """The time, and how far the test has moved it."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


Behaviour = Callable[[Prompt, RunFolders, Callable[[], bool]], list[OutputFile]]


class ScriptedEngine:
    """Has every node class and does what the test says: for failures no real engine has on call."""

    name = "scripted"

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or one_file
        self.executed = 0
        self.missing: list[str] = []
        self._counting = threading.Lock()

    def lacking(self, prompt: Prompt) -> list[Lack]:
        classes = {node["class_type"] for node in prompt.values()}
        return [Lack(name) for name in sorted(classes.intersection(self.missing))]

    def execute(
        self,
        prompt: Prompt,
        folders: RunFolders,
        report: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[OutputFile]:
        with self._counting:
            self.executed += 1
        report(Progress(1, len(prompt), next(iter(prompt)), "finished"))
        return self.behaviour(prompt, folders, cancelled)


def one_file(
    prompt: Prompt, folders: RunFolders, _cancelled: Callable[[], bool]
) -> list[OutputFile]:
    """Every output node writes the numbers that came in."""
    files = []
    for node_id, node in prompt.items():
        if node["class_type"].startswith("RunflowOutput"):
            path = folders.output / f"{node_id}.txt"
            path.write_text(str(prompt["1"]["inputs"].get("value")), encoding="utf-8")
            files.append(OutputFile(node_id, path, "text/plain"))
    return files


@dataclass
class Api:
    """One running server as somebody with a key sees it."""

    url: str
    data_dir: Path
    key: str
    clock: Clock
    engine: Any
    client: httpx.Client = field(repr=False)
    web: httpx.Client = field(repr=False)  # anybody, with no key

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.client.request(method, path, **options)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self._json(self.send("GET", path, params=params), status)

    def post(self, path: str, body: Any = None, status: int = 201, **options: Any) -> Any:
        return self._json(self.send("POST", path, **_json_body(body), **options), status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self._json(self.send("PATCH", path, **_json_body(body)), status)

    def delete(self, path: str, status: int = 204) -> None:
        assert self.send("DELETE", path).status_code == status

    def publish(self, slug: str = "poster", prompt: Prompt = COLOUR, **body: Any) -> Any:
        shape = {"slug": slug, "name": slug.title(), "workflow_json": prompt, **body}
        return self.post("/v1/comfyui-workflows", shape)

    def upload(
        self, data: bytes, name: str = "photo.png", mime_type: str = "image/png"
    ) -> dict[str, Any]:
        """All three steps; the confirmed asset."""
        body = {"filename": name, "mime_type": mime_type, "size_bytes": len(data)}
        announced = self.post("/v1/asset-uploads", body)
        put = self.put(announced["upload_url"], data, mime_type)
        assert put.status_code == 200, put.text
        asset: dict[str, Any] = self.post(
            f"/v1/asset-uploads/{announced['asset_id']}/confirmations"
        )
        return asset

    def put(self, url: str, content: Any, content_type: str = "image/png") -> httpx.Response:
        """Bytes to an upload link."""
        return self.web.put(url, content=content, headers={"Content-Type": content_type})

    def dispatch(self, slug: str = "poster", status: int = 201, **body: Any) -> Any:
        return self.post(f"/v1/comfyui-workflows/local/{slug}/runs", body, status)

    def ended(self, run_id: str) -> Any:
        """The run once it is over."""
        return self.until(run_id, {"succeeded", "failed", "canceled"})

    def until(self, run_id: str, statuses: set[str]) -> Any:
        deadline = time.monotonic() + 20
        while (run := self.get(f"/v1/runs/{run_id}"))["status_code"] not in statuses:
            assert time.monotonic() < deadline, run
            time.sleep(0.01)
        return run

    def with_key(self, *scopes: str, organization: str = "local") -> Api:
        """The same server for somebody with another key; no scopes: all of them."""
        more = [scopes] if scopes else []
        key = create_key(self.data_dir, *more, organization=organization)
        return replace(self, key=key, client=_client(self.url, key))

    @staticmethod
    def _json(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, f"{answer.status_code}: {answer.text[:2000]}"
        return answer.json()


def _json_body(body: Any) -> dict[str, Any]:
    """As ASCII: httpx by itself cannot send half a surrogate pair, which a prompt may hold."""
    return {} if body is None else {"content": json.dumps(body)}


Serve = Callable[..., AbstractContextManager[Api]]


def _client(url: str, key: str | None = None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # No certificates to load: that takes longer than most tests.
    return httpx.Client(base_url=url, headers=headers, timeout=30, verify=False)


@contextmanager
def _serve(data_dir: Path, engine: Engine | None = None, **settings: Any) -> Iterator[Api]:
    clock = Clock()
    key = create_key(data_dir)
    chosen = engine or ScriptedEngine()
    wanted = Settings(data_dir=data_dir, port=0, engine=chosen, now=clock, **settings)
    with running(wanted) as url, _client(url, key) as client, _client(url) as web:
        yield Api(url, data_dir, key, clock, chosen, client, web)


@pytest.fixture(scope="session")
def serve() -> Serve:
    """`with serve(data_dir, engine=…, **settings) as api`: a server of the test's own."""
    return _serve


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A fresh server whose engine writes one file for each output."""
    with _serve(tmp_path / "data") as api:
        yield api


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for a whole module, for tests that leave nothing that others would see."""
    with _serve(tmp_path_factory.mktemp("shared") / "data") as api:
        yield api


@pytest.fixture
def scripted() -> type[ScriptedEngine]:
    return ScriptedEngine


@pytest.fixture(scope="session")
def embedded() -> Engine:
    """The engine that people use."""
    return embedded_engine()


@pytest.fixture(scope="session")
def colour() -> Prompt:
    return COLOUR


@pytest.fixture(scope="session")
def invert() -> Prompt:
    return INVERT


@pytest.fixture(scope="session")
def png() -> bytes:
    """A small picture, black on the left and white on the right."""
    image = Image.new("RGB", (4, 2), "black")
    image.paste("white", (2, 0, 4, 2))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
