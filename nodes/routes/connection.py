"""Which API is meant and which hosts have a key. Keys come in and never go out again.

They lie in the user's config file, which the command line shares: mode 0600, outside of ComfyUI's
folders, of workflows and of the settings that ComfyUI serves in clear.
"""

from __future__ import annotations

from typing import Any

from .requests import RouteError, Table, in_thread, text


def add(table: Table) -> None:
    table.get("/runflow/connection", _state)
    table.post("/runflow/connection", _change)


async def _state(request: Any) -> Any:
    """`{"url", "host", "url_from", "has_key", "hosts": [{"host", "from"}]}`; with `?url=`, as
    somebody typed it, also `named`: its host in the spelling of all the others."""
    return await in_thread(_told, request.query.get("url", ""))


async def _change(request: Any, body: dict[str, Any]) -> Any:
    """`{"action": "keep-key", "url", "key"}`, `{"action": "forget-key", "host"}` or
    `{"action": "set-url", "url"}`, of which an empty one means the hosted API; the new state."""
    from ...runflow_build.publish import settings_edit
    from ...runflow_build.publish.settings import address

    action = body.get("action")
    if action == "keep-key":
        url, key = address(text(body, "url")), text(body, "key").strip()
        await in_thread(settings_edit.keep_key, url, key)
    elif action == "forget-key":
        await in_thread(settings_edit.forget_key, text(body, "host"))
    elif action == "set-url":
        url = text(body, "url").strip()
        await in_thread(settings_edit.set_url, address(url) if url else None)
    else:
        raise RouteError(400, "bad-body", "`action` is keep-key, forget-key or set-url")
    return await in_thread(_told)


def _told(typed: str = "") -> dict[str, Any]:
    from ...runflow_build.publish.settings import address, checked_url, host_of, settled

    known = settled()
    named = {"named": host_of(checked_url(address(typed)))} if typed.strip() else {}
    return {
        **named,
        "url": known.base_url,
        "host": known.host,
        "url_from": known.url_from,
        "has_key": known.host in known.hosts,
        "hosts": [{"host": host, "from": place} for host, place in sorted(known.hosts.items())],
    }
