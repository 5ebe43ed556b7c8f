"""A ComfyUI that we start from its installation, ask, and end again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import IO

from ..errors import ResolveError
from ..findings import Finding
from ..redact import shown
from .comfyui import Comfy
from .install import Install

START_S = 300.0  # with many node packs; a bare one takes 10
END_S = 10.0
_PYTHONS = ("bin/python", "Scripts/python.exe", "python.exe")


@contextmanager
def started(install: Install, said: IO[bytes] | None = None) -> Iterator[Comfy]:
    """The installation's ComfyUI on a free port of this machine, without a GPU, until the end.

    Its node packs run as they do whenever it is started. What it says goes to the file `said`.

    Raises ResolveError: `comfyui-not-started`.
    """
    command = _command(install)
    with (
        nullcontext(said) if said else tempfile.TemporaryFile() as log,
        socket.socket() as free,
    ):
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=install.code,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            comfy = Comfy(f"http://127.0.0.1:{port}")
            _wait(comfy, process, log)
            yield comfy
        finally:
            _end(process)


def _command(install: Install) -> list[str]:
    if install.code is None:
        raise _not_started("the folder holds no main.py")
    places = [install.environment / name for name in _PYTHONS] if install.environment else []
    python = next((place for place in places if place.exists()), None)
    if python is None:
        raise _not_started("there is no Python environment in or beside the folder")
    options = ["--cpu", "--listen", "127.0.0.1", "--disable-auto-launch"]
    return [os.path.abspath(python), "main.py", *options]


def _wait(comfy: Comfy, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise _not_started(f"it ended with {process.returncode}", _last_line(log))
        if comfy.is_up():
            return
        time.sleep(0.2)
    raise _not_started(f"it does not answer after {START_S:.0f} s", _last_line(log))


def _last_line(log: IO[bytes]) -> str:
    """The last words: of a crash, what went wrong."""
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started."""
    for how in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, how)
            else:
                process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
            return


def _not_started(why: str, said: str = "") -> ResolveError:
    return ResolveError(
        Finding(
            "comfyui-not-started",
            f"ComfyUI cannot be started from this folder: {why}",
            also=(("said", shown(said)),) if said else (),
            fix="start it yourself, and name its address: --from http://127.0.0.1:8188",
        )
    )
