"""The install.py of node packs: only those that the policy names ever run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ..errors import RestoreError
from ..file_names import SPEC_FILE, STATE_FOLDER
from ..findings import Finding, Where
from ..redact import redacted, shown
from .environment import python_of
from .wanted import COMFYUI, ENVIRONMENT

# What a program needs to run at all; no token, key or setting of the user is among it.
_KEPT = frozenset(
    (
        *("HOME", "USERPROFILE", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "TERM"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "WINDIR"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("http_proxy", "https_proxy", "no_proxy"),
    )
)


def run(folder: Path, pack: str, log: Callable[[str], None]) -> None:
    """Run the pack's install.py as ComfyUI-Manager does, if it has one.

    It gets the restored environment's Python, the pack as its folder, and an environment without
    the user's keys and tokens. What it says goes to `log` and to .runflow/install-<pack>.log.
    Raises RestoreError: `install-script-failed`.
    """
    home = folder.resolve() / COMFYUI / "custom_nodes" / pack
    if not (home / "install.py").is_file():
        return
    environment = folder.resolve() / ENVIRONMENT
    python = python_of(environment)
    record = folder / STATE_FOLDER / f"install-{pack}.log"
    last = ""
    with (
        record.open("w", encoding="utf-8", newline="\n") as file,
        subprocess.Popen(
            [str(python), "install.py"],
            cwd=home,
            env=_environment(os.environ, environment, folder.resolve() / COMFYUI),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
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


def not_run(folder: Path, packs: Iterable[str]) -> list[Finding]:
    """The findings for packs that have an install.py which no policy allows."""
    return [
        Finding(
            "install-script-not-run",
            f"the node pack {pack} has an install.py, which did not run",
            Where(f"{COMFYUI}/custom_nodes/{pack}/install.py"),
            fix=f"read it; if the pack needs it, add {pack} to install_scripts under policy: in "
            f"{SPEC_FILE}",
        )
        for pack in packs
        if (folder / COMFYUI / "custom_nodes" / pack / "install.py").is_file()
    ]


def _environment(ours: Mapping[str, str], environment: Path, comfyui: Path) -> dict[str, str]:
    programs = str(python_of(environment).parent)
    return {
        **{name: value for name, value in ours.items() if name in _KEPT},
        "PATH": os.pathsep.join(filter(None, (programs, ours.get("PATH", "")))),
        "VIRTUAL_ENV": str(environment),
        "COMFYUI_PATH": str(comfyui),  # as ComfyUI-Manager sets them
        "COMFYUI_FOLDERS_BASE_PATH": str(comfyui),
        "PYTHONUNBUFFERED": "1",
    }
