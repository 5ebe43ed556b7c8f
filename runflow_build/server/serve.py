"""Runs the server: bind the address, answer until told to stop."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from ..errors import RunflowError, UsageError
from ..findings import Finding
from .app import create_app
from .database import DATABASE_FILE, open_database
from .keys import has_key
from .settings import Settings, default_data_dir

_START_S = 30.0
_CLOSE_S = 5  # how long open connections may finish their answer


def serve(settings: Settings) -> None:
    """Answer requests until Ctrl-C or SIGTERM; prints where it is, and how to get in.

    Raises RunflowError: `server-address`, `server-no-key`, `server-data-in-use`,
    `server-data-newer`, `server-data-unusable`.
    """
    with _bound(settings) as listener:
        server = _server(settings)
        # Flushed, because into a file or a pipe nothing follows that would.
        print(f"Runflow API on {_url(listener)}  (data in {settings.data_dir})", flush=True)
        if not _has_key(settings):
            flag = _data_flag(settings)
            print(f"nobody has a key yet; make one: runflow keys create{flag}", flush=True)
        # Ctrl-C is how a person ends this; the server has closed in order by then.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """The server in a thread, for as long as the block lasts; yields its base URL.

    Raises RunflowError as `serve` does.
    """
    with _bound(settings) as listener:
        server = _server(settings)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="runflow-server", daemon=True
        )
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(0.005)


def _server(settings: Settings) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(settings),
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,  # it would write the signatures of links; `app` logs paths
        server_header=False,
        timeout_graceful_shutdown=_CLOSE_S,
    )
    return uvicorn.Server(config)


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket on the wanted address, before anything else is touched."""
    if not _is_loopback(settings.host) and not _has_key(settings):
        raise UsageError(
            Finding(
                "server-no-key",
                f"refusing to listen on {settings.host}: nobody has a key yet",
                fix=f"make one first: runflow keys create{_data_flag(settings)}",
            )
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio turns Nagle's delay (40 ms a request) off only where the protocol is named.
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _refused(settings, error) from None
    with listener:
        try:
            if os.name != "nt":  # there it would let two servers share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            raise _refused(settings, error) from None
        yield listener


def _refused(settings: Settings, error: OSError) -> RunflowError:
    return RunflowError(
        Finding(
            "server-address",
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}",
            fix="choose another one with --host and --port (--port 0 takes any free port)",
        )
    )


def _has_key(settings: Settings) -> bool:
    file = settings.data_dir / DATABASE_FILE
    if not file.exists():
        return False
    database = open_database(file)
    try:
        return has_key(database)
    finally:
        database.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _data_flag(settings: Settings) -> str:
    return "" if settings.data_dir == default_data_dir() else f" --data {settings.data_dir}"
