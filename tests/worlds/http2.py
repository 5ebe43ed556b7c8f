"""A server that speaks HTTP/2 over TLS: each path is answered with itself, as JSON.

`/wait/N` answers when N such questions stand open on one connection; `/cut` breaks the connection
off within the answer; `/busy` is 503 the first time. The certificate (for localhost, until 2126)
is in tests/cases/tls.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events

TLS = Path(__file__).parent.parent / "cases" / "tls"


@dataclass
class Speaking:
    """The server, and what came to it."""

    port: int
    connections: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@contextmanager
def speaking() -> Iterator[Speaking]:
    """Serve on a free port of this machine until the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = Speaking(listening.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(one, listening, context), daemon=True)
        thread.start()
        try:
            yield one
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)


def _serve(one: Speaking, listening: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_hear, args=(one, plain, context), daemon=True).start()


def _hear(one: Speaking, plain: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as wire:
        one.connections += 1
        speech = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        speech.initiate_connection()
        wire.sendall(speech.data_to_send())
        waiting: list[int] = []
        while data := wire.recv(65536):
            for event in speech.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    _answer(one, wire, speech, event, waiting)
            wire.sendall(speech.data_to_send())


def _answer(
    one: Speaking,
    wire: ssl.SSLSocket,
    speech: h2.connection.H2Connection,
    event: h2.events.RequestReceived,
    waiting: list[int],
) -> None:
    path = dict(event.headers)[b":path"].decode()
    one.asked.append(path)
    if path.startswith("/wait/"):
        waiting.append(event.stream_id)
        if len(waiting) == int(path.rpartition("/")[2]):
            for stream in waiting:
                _send(speech, stream, path)
            waiting.clear()
    elif path == "/cut" and one.asked.count(path) == 1:
        speech.send_headers(event.stream_id, [(":status", "200"), ("content-length", "9999")])
        speech.send_data(event.stream_id, b'{"a"')
        wire.sendall(speech.data_to_send())
        raise ConnectionAbortedError
    elif path == "/busy" and one.asked.count(path) == 1:
        speech.send_headers(event.stream_id, [(":status", "503")], end_stream=True)
    else:
        _send(speech, event.stream_id, path)


def _send(speech: h2.connection.H2Connection, stream: int, path: str) -> None:
    headers = [(":status", "200"), ("content-type", "application/json")]
    speech.send_headers(stream, headers)
    speech.send_data(stream, json.dumps(path).encode(), end_stream=True)
