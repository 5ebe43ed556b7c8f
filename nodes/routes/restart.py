"""Restart ComfyUI from its editor: the same program with the same arguments, in its place.

On POSIX the process becomes the new ComfyUI and keeps its number, so that a terminal or a service
manager notices nothing. Windows has no such thing: there a new process is started and this one
ends, which a service manager takes for an end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import subprocess
import sys
from typing import Any

from ..jobs import JOBS
from . import auto_setup, deploy
from .comfyui import opens_browser, prompts_left
from .requests import RouteError, Table

KINDS = (auto_setup.INSTALL, *deploy.KINDS)  # jobs that a restart would cut off
ANSWERED_S = 0.5  # for the answer to reach the page
INSTANCE = secrets.token_hex(8)  # another one after each start

_FOLDER = os.getcwd()  # where ComfyUI was started
_log = logging.getLogger(__name__)


def add(table: Table) -> None:
    table.get("/runflow/restart", _instance)
    table.post("/runflow/restart", _restart)


async def _instance(request: Any) -> Any:
    """`{"instance"}`: another one than before, once ComfyUI has started anew."""
    return {"instance": INSTANCE}


async def _restart(request: Any, body: dict[str, Any]) -> Any:
    """`{"instance"}` of the ComfyUI that ends now. With `anyway` prompts that run are lost."""
    if any(JOBS.running(kind) for kind in KINDS):
        fix = "wait for its end, or cancel it"
        raise RouteError(409, "job-running", "something of Runflow's is still at work", fix)
    if (left := prompts_left()) and body.get("anyway") is not True:
        many = "a prompt is" if left == 1 else f"{left} prompts are"
        fix = "wait until it is done, or restart anyway and lose it"
        raise RouteError(409, "prompts-running", f"{many} running or waiting", fix)
    _log.info("Runflow: ComfyUI is restarted, as was asked for in the editor")
    asyncio.get_running_loop().call_later(ANSWERED_S, restart)
    return {"instance": INSTANCE}


def restart() -> None:
    """Become a new ComfyUI, or make way for one."""
    command = command_of(sys.executable, sys.orig_argv, opens_browser())
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os.chdir(_FOLDER)
    if os.name == "posix":
        os.execv(command[0], command)
    subprocess.Popen(command, cwd=_FOLDER)
    os._exit(0)


def command_of(python: str, argv: list[str], opens_browser: bool) -> list[str]:
    """What was typed, on just this Python; the page that asks is there, and needs no second one."""
    return [python, *argv[1:], *(["--disable-auto-launch"] if opens_browser else [])]
