"""Package indexes on loopback: stand-ins of PyPI and PyTorch's, over wheels that tests build.

    with serving() as index:
        index.add(wheel("numpy", "2.1.0"), wheel("scipy", "1.14.0", ["numpy>=2"]))
        index.add(wheel("torch", "2.8.0+cpu"), backend="cpu")
        UvIndexes(mirrors_of(index.environ), ...)

PyPI's simple API answers in JSON (PEP 691), PyTorch's in HTML (PEP 503), as the real ones do.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_JSON = "application/vnd.pypi.simple.v1+json"
_DATE = (2026, 1, 1, 0, 0, 0)  # of each file in an archive: the same bytes in every run


@dataclass(frozen=True)
class Archive:
    """A wheel or a source distribution."""

    project: str
    file: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def path(self) -> str:
        """Where PyPI keeps it: a path that its content decides."""
        digest = hashlib.blake2b(self.content, digest_size=32).hexdigest()
        return f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.file}"


def wheel(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    *,
    tag: str = "py3-none-any",
    files: Mapping[str, str] | None = None,
    requires_python: str | None = None,
) -> Archive:
    """A wheel with one module, named like the project, that says its version."""
    module = name.replace("-", "_").lower()
    info = f"{module}-{version}.dist-info"
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    inside = {
        f"{module}/__init__.py": f'__version__ = "{version}"\n',
        **(files or {}),
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", *lines]) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = [f"{path},{_record_hash(text)},{len(text.encode())}" for path, text in inside.items()]
    inside[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in inside.items():
            archive.writestr(zipfile.ZipInfo(path, _DATE), text)
    return Archive(_normal(name), f"{module}-{version}-{tag}.whl", out.getvalue())


def source(name: str, version: str, requires: Sequence[str] = ()) -> Archive:
    """A source distribution whose metadata stands in it, and whose build backend is its own."""
    module = name.replace("-", "_").lower()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    metadata = "\n".join(["Metadata-Version: 2.2", *lines]) + "\n"
    dependencies = json.dumps(list(requires))
    inside = {
        "PKG-INFO": metadata,
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\n'
        f"dependencies = {dependencies}\n"
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": _BACKEND.format(module=module, version=version, metadata=metadata),
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:  # not compressed: no time in a header
        for path, text in inside.items():
            row = tarfile.TarInfo(f"{module}-{version}/{path}")
            row.size = len(text.encode())
            archive.addfile(row, io.BytesIO(text.encode()))
    packed = gzip.compress(out.getvalue(), mtime=0)
    return Archive(_normal(name), f"{module}-{version}.tar.gz", packed)


_BACKEND = """\
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "{module}-{version}-py3-none-any.whl"
    info = "{module}-{version}.dist-info"
    with zipfile.ZipFile(folder + "/" + name, "w") as archive:
        archive.writestr("{module}.py", "built = True\\n")
        archive.writestr(info + "/METADATA", {metadata!r})
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        archive.writestr(info + "/RECORD", "")
    return name
"""


@dataclass
class PackageIndex:
    """What the loopback server offers, and which paths were asked of it."""

    url: str = ""
    pypi: dict[str, list[Archive]] = field(default_factory=dict)  # project -> files
    torch: dict[str, dict[str, list[Archive]]] = field(default_factory=dict)  # backend -> pypi's
    asked: list[str] = field(default_factory=list)
    status: int = 200  # of every answer; another one: the index is ill

    def add(self, *archives: Archive, backend: str | None = None) -> None:
        """Offer files at PyPI, or at PyTorch's index of a backend."""
        shelf = self.torch.setdefault(backend, {}) if backend else self.pypi
        for one in archives:
            shelf.setdefault(one.project, []).append(one)

    @property
    def environ(self) -> dict[str, str]:
        """The setting that puts this server before the public hosts."""
        pairs = {
            "https://pypi.org": "pypi",
            "https://files.pythonhosted.org": "files",
            "https://download.pytorch.org": "torch",
        }
        return {"RUNFLOW_MIRRORS": " ".join(f"{a}={self.url}/{b}" for a, b in pairs.items())}

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Content type and body; None: 404."""
        if found := re.fullmatch(r"/pypi/simple/([^/]+)/", path):
            files = self.pypi.get(found[1])
            return (_JSON, self._json(found[1], files)) if files else None
        if found := re.fullmatch(r"/torch/whl/([^/]+)/([^/]+)/", path):
            files = self.torch.get(found[1], {}).get(found[2])
            return ("text/html", self._html(found[1], files)) if files else None
        if found := re.fullmatch(r"/torch/whl/([^/]+)/([^/]+\.whl)", path.replace("%2B", "+")):
            files = [one for rows in self.torch.get(found[1], {}).values() for one in rows]
            return next((_octets(one) for one in files if one.file == found[2]), None)
        rows = [one for files in self.pypi.values() for one in files]
        return next((_octets(one) for one in rows if path == f"/files/{one.path}"), None)

    def _json(self, project: str, files: list[Archive]) -> bytes:
        rows = [
            {
                "filename": one.file,
                "url": f"{self.url}/files/{one.path}",
                "hashes": {"sha256": one.sha256},
                "size": len(one.content),
                "upload-time": "2026-01-02T03:04:05Z",
            }
            for one in files
        ]
        return json.dumps(
            {"meta": {"api-version": "1.1"}, "name": project, "files": rows, "versions": []}
        ).encode()

    def _html(self, backend: str, files: list[Archive]) -> bytes:
        rows = [
            f'<a href="/torch/whl/{backend}/{one.file.replace("+", "%2B")}#sha256={one.sha256}">'
            f"{html.escape(one.file)}</a><br/>"
            for one in files
        ]
        return f"<!DOCTYPE html><html><body>{''.join(rows)}</body></html>".encode()


@contextmanager
def serving() -> Iterator[PackageIndex]:
    """An empty index, served until the block ends."""
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            index.asked.append(path)
            found = index.answer(path)
            status = index.status if index.status != 200 else 200 if found else 404
            kind, body = found if found and status == 200 else ("text/plain", b"")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _octets(one: Archive) -> tuple[str, bytes]:
    return "application/octet-stream", one.content
