"""The password, and who can reach this ComfyUI."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from ..security.guard import GUARD, OUT_OF_ORDER, ChangedMeanwhileError, Guard, TooEarlyError
from ..security.password import (
    FILE,
    SHORTEST,
    Broken,
    Off,
    On,
    State,
    can_hash,
    wrong_with_new_password,
    wrong_with_username,
)
from .requests import RouteError, Table, text

_scanning = asyncio.Semaphore(1)


def add(table: Table) -> None:
    table.get("/runflow/security", _state)
    table.post("/runflow/security/password", _set_password)
    table.post("/runflow/security/off", _turn_off)
    table.post("/runflow/port-scan", _scan)


async def _state(request: Any) -> dict[str, Any]:
    """What the panel shows. The password is in no answer of ours."""
    return _told(request.app[GUARD])


def _told(guard: Guard) -> dict[str, Any]:
    from ..security.port_scan import ADDRESS_SERVICES, PORT_CHECKER, bindings, ports_to_check
    from .comfyui import options

    state, arguments = guard.state, options()
    return {
        "password": {On: "on", Off: "off", Broken: "broken"}[type(state)],
        "username": state.username if isinstance(state, On) else None,
        "reason": state.reason if isinstance(state, Broken) else None,
        "file": FILE,
        "out_of_order": OUT_OF_ORDER if guard.is_out_of_order else None,
        "can_hash": can_hash(),
        "shortest": SHORTEST,
        "encrypted": bool(getattr(arguments, "tls_certfile", None)),
        "listens_to": [asdict(one) for one in bindings(str(arguments.listen))],
        "port": arguments.port,
        "scan": {
            "ports": ports_to_check(arguments.port),
            "address_services": [one.partition("://")[2].split("/")[0] for one in ADDRESS_SERVICES],
            "port_checker": PORT_CHECKER.partition("://")[2].split("/")[0],
        },
    }


async def _set_password(request: Any, body: dict[str, Any]) -> dict[str, Any]:
    """`{"username", "password", "current_password"}`, the last where there is a password now."""
    guard = request.app[GUARD]
    username, password = text(body, "username", ""), text(body, "password", "")
    if wrong := wrong_with_username(username) or wrong_with_new_password(password):
        raise RouteError(422, "bad-credentials", wrong)
    if not can_hash():
        fix = "python -m pip install argon2-cffi, with the Python that runs ComfyUI, and restart it"
        raise RouteError(409, "no-argon2", "argon2-cffi, which hashes passwords, is missing", fix)
    before = await _state_with_its_password(request, guard, body)
    await _changed(guard.turn_on(request, before, username, password))
    return _told(guard)


async def _turn_off(request: Any, body: dict[str, Any]) -> dict[str, Any]:
    """`{"current_password"}`"""
    guard = request.app[GUARD]
    before = await _state_with_its_password(request, guard, body)
    await _changed(guard.turn_off(before))
    return _told(guard)


async def _state_with_its_password(request: Any, guard: Guard, body: dict[str, Any]) -> State:
    """The state now, if the body has its password."""
    state = guard.state
    if isinstance(state, Off):
        return state
    if isinstance(state, Broken):
        fix = "mend or delete it, and start ComfyUI again"
        raise RouteError(409, "broken-file", f"{FILE}: {state.reason}", fix)
    try:
        knows = await guard.knows(request, state, text(body, "current_password", ""))
    except TooEarlyError as error:
        message = f"too many wrong passwords; try again in {error.wait_s} s"
        raise RouteError(429, "too-many-attempts", message) from None
    if not knows:
        raise RouteError(403, "wrong-password", "the current password is another one")
    return state


async def _changed(change: Any) -> None:
    try:
        await change
    except ChangedMeanwhileError:
        message = "somebody else has changed the password meanwhile; nothing has changed"
        raise RouteError(409, "changed-meanwhile", message) from None
    except OSError as error:
        message = f"{FILE} cannot be written: {error.strerror}; nothing has changed"
        raise RouteError(500, "file-not-written", message) from None


async def _scan(request: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Asks other machines; the page has told the user which, and what they learn."""
    from ..security.port_scan import scan
    from .comfyui import options

    if _scanning.locked():
        raise RouteError(409, "scan-running", "a scan is running; wait for it to end")
    async with _scanning:
        return (await scan(options().port)).to_json()
