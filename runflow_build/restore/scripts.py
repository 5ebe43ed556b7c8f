"""The install.py of node packs: only those that the policy names ever run."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import RestoreError
from ..file_names import SPEC_FILE, STATE_FOLDER
from ..findings import Finding, Where
from ..redact import redacted, shown
from ..sources.stopping import ends_with
from .environment import python_of
from .wanted import COMFYUI, ENVIRONMENT

# What a program needs to run at all; no token, key or setting of the user is among it.
_KEPT = frozenset(
    (
        *("HOME", "USERPROFILE", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "TERM"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "WINDIR"),
        # by which Python knows a Windows machine, and its builds find the compiler
        *("PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("http_proxy", "https_proxy", "no_proxy"),
    )
)


@dataclass(frozen=True)
class Home:
    """Where packs are, and the Python that their scripts run on."""

    packs: Path  # custom_nodes/
    python: Path
    environment: Path  # of that Python
    comfyui: Path  # its code
    base: Path  # models/, input/ …
    records: Path  # what scripts said
    constraints: Path | None = None  # what pip and uv may not change

    def of(self, pack: str) -> Path:
        return self.packs / pack


def restored(folder: Path) -> Home:
    """That of a restored folder."""
    whole = folder.resolve()
    code, environment = whole / COMFYUI, whole / ENVIRONMENT
    python, records = python_of(environment), folder / STATE_FOLDER
    return Home(code / "custom_nodes", python, environment, code, code, records)


def run(
    home: Home, pack: str, log: Callable[[str], None], stop: threading.Event | None = None
) -> None:
    """Run the pack's install.py as ComfyUI-Manager does, if it has one.

    It gets the home's Python, the pack as its folder, and an environment without the user's keys
    and tokens. What it says goes to `log` and to install-<pack>.log among the records. `stop` ends
    it. Raises RestoreError: `install-script-failed`.
    """
    if not (home.of(pack) / "install.py").is_file():
        return
    record = home.records / f"install-{pack}.log"
    last = ""
    with (
        record.open("w", encoding="utf-8", newline="\n") as file,
        subprocess.Popen(
            [str(home.python), "install.py"],
            cwd=home.of(pack),
            env=_environment(os.environ, home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=os.name == "posix",  # to end all that it starts with it
        ) as process,
        ends_with(stop, lambda: _kill(process)),
    ):
        for line in process.stdout or ():
            line = redacted(line.rstrip("\n"))
            last = line.strip() or last
            file.write(f"{line}\n")
            log(line)
    if process.returncode:
        raise RestoreError(
            Finding(
                "install-script-failed",
                f"the install.py of {pack} ended with {process.returncode}",
                also=((("said", shown(last)),) if last else ()),
                fix=f"read {STATE_FOLDER}/{record.name}, mend what it lacks, and restore again",
            )
        )


def _kill(process: subprocess.Popen[str]) -> None:
    """End it, and what it started."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def not_run(home: Home, packs: Iterable[str]) -> list[Finding]:
    """The findings for packs that have an install.py which no policy allows."""
    return [
        Finding(
            "install-script-not-run",
            f"the node pack {pack} has an install.py, which did not run",
            Where(f"{home.packs.parent.name}/custom_nodes/{pack}/install.py"),
            fix=f"read it; if the pack needs it, add {pack} to install_scripts under policy: in "
            f"{SPEC_FILE}",
        )
        for pack in packs
        if (home.of(pack) / "install.py").is_file()
    ]


def _environment(ours: Mapping[str, str], home: Home) -> dict[str, str]:
    limits = dict.fromkeys(("PIP_CONSTRAINT", "UV_CONSTRAINT"), str(home.constraints))
    return {
        **(limits if home.constraints else {}),
        **{name: value for name, value in ours.items() if name in _KEPT},
        "PATH": os.pathsep.join(filter(None, (str(home.python.parent), ours.get("PATH", "")))),
        "VIRTUAL_ENV": str(home.environment),
        "COMFYUI_PATH": str(home.comfyui),  # as ComfyUI-Manager sets them
        "COMFYUI_FOLDERS_BASE_PATH": str(home.base),
        "PYTHONUNBUFFERED": "1",
    }
