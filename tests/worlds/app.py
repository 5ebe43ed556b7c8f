"""The stand-in of all public hosts: one app, each host under its name as first part of the path.

`http://127.0.0.1:PORT/huggingface.co/owner/name/resolve/main/x` answers as
`https://huggingface.co/owner/name/resolve/main/x` would; RUNFLOW_MIRRORS points the hosts here.

    python tests/worlds/app.py --port 8700 --delay 0.05 --models 400 --packs 40

serves a world of that size for benchmarks, until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import uvicorn
from as_civitai import CIVITAI, civitai
from as_github import GITHUB, GITHUB_API, github, github_api
from as_hub import HUB, hub
from as_registry import REGISTRY, registry
from place import Asked, Fault, File, Pack, Place, Repo, declared
from question import STORES, Question, any_file, local
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

RAW = "raw.githubusercontent.com"
HOSTS = (HUB, CIVITAI, REGISTRY, GITHUB, GITHUB_API, RAW, *STORES)
_PLAYED: dict[str, Callable[[Question], Response]] = {
    HUB: hub,
    CIVITAI: civitai,
    REGISTRY: registry,
    GITHUB_API: github_api,
    GITHUB: github,
}


def app_of(served: Served) -> Starlette:
    """The app that answers from the place that is served at the time of each request."""

    async def answer(request: Request) -> Response:
        place = served.place
        host, _, rest = request.scope["raw_path"].decode().partition("?")[0][1:].partition("/")
        query = f"?{request.url.query}" if request.url.query else ""
        public = f"https://{host}/{rest}"
        place.asked.append(Asked(request.method, f"{public}{query}", dict(request.headers)))
        fault = _fault(place, f"{public}{query}") or _fault(place, public) or Fault()
        if place.delay_s or fault.delay_s:
            await asyncio.sleep(place.delay_s + fault.delay_s)
        question = Question(place, request, host, f"/{rest}", fault)
        if fault.redirect is not None:
            return Response(status_code=302, headers={"location": question.local(fault.redirect)})
        if fault.status is not None:
            headers = dict(fault.headers)
            if fault.retry_after is not None:
                headers["retry-after"] = fault.retry_after
            return Response(fault.body or b"", fault.status, headers, fault.kind)
        return _PLAYED.get(host, any_file)(question)

    methods = ["GET", "HEAD", "POST"]
    return Starlette(routes=[Route("/{path:path}", answer, methods=methods)])


def _fault(place: Place, url: str) -> Fault | None:
    fault = place.faults.get(url)
    if fault is None or fault.times == 0:
        return None
    if fault.times is not None:
        fault.times -= 1
    return fault


@dataclass
class Served:
    """A stand-in that answers. Another place can take the first one's."""

    place: Place
    port: int

    def at(self, public: str) -> str:
        """Where it serves a public URL."""
        return local(public, self.port)

    @property
    def mirrors(self) -> str:
        """RUNFLOW_MIRRORS: every public host is asked here."""
        more = {urlsplit(url).netloc for url in self.place.files}
        hosts = list(dict.fromkeys((*HOSTS, *sorted(more))))
        return " ".join(f"https://{host}={self.at(f'https://{host}')}" for host in hosts)

    @property
    def environ(self) -> dict[str, str]:
        """What points Runflow and huggingface_hub here."""
        return {
            "RUNFLOW_OFFLINE": "",
            "RUNFLOW_MIRRORS": self.mirrors,
            "HF_ENDPOINT": self.at(f"https://{HUB}"),
        }


@contextmanager
def served(place: Place | None = None) -> Iterator[Served]:
    """Serve the place on a free port of this machine until the end."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        one = Served(place or Place(), listening.getsockname()[1])
        server = uvicorn.Server(_config(one))
        arguments = {"sockets": [listening]}
        thread = threading.Thread(target=server.run, kwargs=arguments, daemon=True)
        thread.start()
        try:
            yield one
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def _config(served: Served) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)  # connections cut on purpose
    return uvicorn.Config(
        app_of(served),
        port=served.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )


def sample(models: int, packs: int) -> Place:
    """A world of that size: each model in a repository of its own, each pack with ten classes."""
    place = Place()
    for n in range(models):
        digest = hashlib.sha256(b"model %d" % n).hexdigest()
        commit = hashlib.sha1(b"commit %d" % n).hexdigest()
        files = {f"model-{n}.safetensors": declared(digest, 1_000_000_000 + n)}
        place.repos[f"bench/model-{n}"] = Repo({commit: files})
    for n in range(packs):
        classes = tuple(f"Pack{n}Class{m}" for m in range(10))
        repository = f"https://github.com/bench/pack-{n}"
        place.packs[f"pack-{n}"] = Pack(repository, ("1.1.0", "1.0.0"), classes)
    return place


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="the stand-in of all public hosts")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--models", type=int, default=400)
    parser.add_argument("--packs", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="its files are at https://files.example/")
    options = parser.parse_args(arguments)
    place = sample(options.models, options.packs)
    place.delay_s = options.delay
    for path in sorted(options.folder.rglob("*")) if options.folder else []:
        if path.is_file():
            name = quote(path.relative_to(options.folder).as_posix())
            place.files[f"https://files.example/{name}"] = File(path=path)
    one = Served(place, options.port)
    print(one.mirrors, flush=True)
    uvicorn.Server(_config(one)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
