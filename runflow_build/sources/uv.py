"""The uv program: found, called without the user's settings, its complaints made plain."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..redact import redacted
from .stopping import ends_with
from .world import Unanswered

# Settings of uv that are about the machine and not about what is asked: where it keeps things, and
# how it reaches a network. No other one gets through, or the answer depends on who asks.
_MACHINE = frozenset(
    {
        "UV_CACHE_DIR",
        "UV_CONCURRENT_BUILDS",
        "UV_CONCURRENT_DOWNLOADS",
        "UV_CONCURRENT_INSTALLS",
        "UV_HTTP_CONNECT_TIMEOUT",
        "UV_HTTP_RETRIES",
        "UV_HTTP_TIMEOUT",
        "UV_INSECURE_HOST",
        "UV_LINK_MODE",
        "UV_NATIVE_TLS",
        "UV_PYTHON_INSTALL_DIR",
        "UV_PYTHON_INSTALL_MIRROR",
        "UV_SYSTEM_CERTS",
    }
)
# Of other tools: another environment, a build's own switches, interpreters' settings.
_THEIRS = ("UV_", "PIP_", "CONDA_", "PYTHON", "VIRTUAL_ENV", "MACOSX_DEPLOYMENT_TARGET")
_QUIET = {
    "NO_COLOR": "1",
    "UV_NO_PROGRESS": "1",
    "UV_NO_WRAP": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # Which wheels of macOS fit: the oldest release that PyTorch's mps wheels are made for.
    "MACOSX_DEPLOYMENT_TARGET": "14.0",
}


@dataclass(frozen=True)
class Answer:
    """What a call of uv gave."""

    code: int  # exit status
    out: str
    complaint: str  # standard error

    @property
    def problem(self) -> str:
        """Its error in a few lines, without warnings, drawings and secrets."""
        return _problem(self.complaint)


@cache
def uv_program() -> str:
    """The path of the program. Raises Unanswered where there is none."""
    with contextlib.suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return str(find_uv_bin())
    if found := shutil.which("uv"):
        return found
    raise Unanswered(
        "the program uv, which resolves and installs Python packages, is not there",
        "install it: python3 -m pip install uv",
    )


def call_uv(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    timeout_s: float,
    log: Callable[[str], None] | None = None,
    downloads: bool = False,
    stop: threading.Event | None = None,
) -> Answer:
    """Run uv in a folder, without anybody's settings; `log` hears its standard error line by line.

    `downloads`: it may fetch a Python that is not installed, which nobody has checked by hash.
    `stop` ends it.

    Raises Unanswered where uv is missing, cannot be run, or is not done in time.
    """
    command = [uv_program(), *arguments, "--no-config"]
    command += [] if downloads else ["--no-python-downloads"]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise Unanswered(f"uv could not be run: {error.strerror or error}") from None
    late = threading.Event()

    def give_up() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(timeout_s, give_up)
    timer.start()
    try:
        with process, ends_with(stop, process.kill):
            out, complaint = _read(process, log)
    finally:
        timer.cancel()
        if process.poll() is None:  # an interrupt: nothing may write into the folder after us
            process.kill()
    if late.is_set():
        raise Unanswered(f"uv was not done after {timeout_s:.0f} seconds")
    return Answer(process.returncode, out, complaint)


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: what is about the machine stays, every other setting goes."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _MACHINE or not name.upper().startswith(_THEIRS)
    }
    return {**kept, **_QUIET}


def _read(process: subprocess.Popen[str], log: Callable[[str], None] | None) -> tuple[str, str]:
    """Both streams to their end, standard error as it comes."""
    assert process.stdout is not None
    assert process.stderr is not None
    parts: list[str] = []
    reader = threading.Thread(target=lambda out=process.stdout: parts.append(out.read()))
    reader.start()
    lines = []
    for line in process.stderr:
        lines.append(line)
        if log and line.strip():
            log(redacted(line.rstrip()))
    reader.join()
    return "".join(parts), "".join(lines)


def _problem(complaint: str) -> str:
    # Older releases draw a tree before the words, newer ones write `error:` and `cause:`.
    lines = [re.sub(r"^[^\w`'\"(]+", "", line).rstrip() for line in complaint.splitlines()]
    said = [
        line for line in lines if line and not line.startswith(("warning:", "Using ", "Resolved "))
    ]
    start = next((n for n, line in enumerate(said) if _is_error(line)), 0)
    return redacted("\n".join(re.sub(r"^(error|cause): ", "", line) for line in said[start:]))


def _is_error(line: str) -> bool:
    return line.startswith("error:") or "No solution found" in line
