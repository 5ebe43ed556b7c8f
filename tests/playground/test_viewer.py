"""The 3D viewer: fetched only when asked for, and only ever that one file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from runflow_build.errors import RestoreError, UsageError
from runflow_build.playground import viewer

SCRIPT = b"customElements.define('model-viewer', class extends HTMLElement {})" * 20


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a machine that has a mirror, with the script on it."""
    path = tmp_path / "host" / viewer.URLS[0].split("/", 3)[3]
    path.parent.mkdir(parents=True)
    path.write_bytes(SCRIPT)
    handler = partial(_Quiet, directory=str(tmp_path / "host"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}"
        hosts = " ".join(f"{'/'.join(one.split('/')[:3])}={here}" for one in viewer.URLS)
        yield {"RUNFLOW_MIRRORS": hosts, "RUNFLOW_CACHE_DIR": str(tmp_path / "cache")}
        server.shutdown()


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pin is that of the script."""
    monkeypatch.setattr(viewer, "SHA256", hashlib.sha256(SCRIPT).hexdigest())
    monkeypatch.setattr(viewer, "SIZE", len(SCRIPT))


def test_it_is_there_once_it_was_fetched(environ: dict[str, str], pinned: None) -> None:
    assert viewer.viewer(environ) is None
    viewer.fetch_viewer(environ)
    assert viewer.viewer(environ) == SCRIPT
    (Path(environ["RUNFLOW_CACHE_DIR"]).parent / "host").rename(
        Path(environ["RUNFLOW_CACHE_DIR"]) / "x"
    )
    viewer.fetch_viewer(environ)  # asks nobody


def test_another_file_is_refused_whoever_gives_it(environ: dict[str, str]) -> None:
    with pytest.raises(RestoreError):
        viewer.fetch_viewer(environ)
    assert viewer.viewer(environ) is None


def test_what_was_changed_in_the_cache_is_not_served(environ: dict[str, str], pinned: None) -> None:
    path = viewer.fetch_viewer(environ)
    path.chmod(0o600)
    path.write_bytes(SCRIPT.replace(b"class", b"CLASS"))
    assert viewer.viewer(environ) is None


def test_offline_nobody_is_asked(environ: dict[str, str], pinned: None) -> None:
    with pytest.raises(UsageError, match="RUNFLOW_OFFLINE"):
        viewer.fetch_viewer({**environ, "RUNFLOW_OFFLINE": "1"})
