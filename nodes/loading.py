"""What ComfyUI gets of the pack when it starts, whatever is not there; of all that, one warning."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, SAVERS_LEFT_OUT, packages

WEB_DIRECTORY = "./nodes/web"  # ComfyUI serves it, and the editor imports every .js below it
NAME = "runflow-build"  # under which it is served where the folder's own name will not do

TWICE = (
    "Runflow is in custom_nodes twice. The folder %(used)s is in use, and %(idle)s does nothing: "
    "remove the folder %(idle)s, and restart ComfyUI"
)
TAKEN = (
    "the pack %(used)s has nodes of the same names as Runflow's, so the folder %(idle)s does "
    "nothing but ask for the password, where one is set: remove the folder %(used)s, and restart "
    "ComfyUI"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What ComfyUI looks for in a pack's module."""

    classes: Mapping[str, type] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    web: str | None = None


def load() -> Loaded:
    """Start what can work here."""
    if "server" not in sys.modules:  # nobody's ComfyUI: a program that only wants the classes
        _say(*SAVERS_LEFT_OUT)
        return Loaded(NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS)
    from .routes import comfyui
    from .security.guard import guard_comfyui

    is_first = guard_comfyui()  # first of all, and whatever fails after it

    # Two packs would answer the same addresses, each for a part, and the page would fail twice.
    if other := comfyui.other_pack(NODE_CLASS_MAPPINGS):
        _log.warning(TAKEN if is_first else TWICE, {"used": other, "idle": packages.FOLDER.name})
        return Loaded()
    web: str | None = WEB_DIRECTORY
    try:
        from .routes import add_routes

        add_routes()
        comfyui.when_started(_check_that_classes_are_ours)
        if not re.fullmatch(r"[A-Za-z0-9._-]+", packages.FOLDER.name):
            # aiohttp since 3.11 answers 404 below an address with a space or an accent in it.
            comfyui.serve_scripts(NAME, packages.FOLDER / WEB_DIRECTORY)
            web = None
    except Exception:  # of ours, or a ComfyUI of another make: the nodes need none of it
        _log.exception("Runflow's part of the editor does not start; its nodes work")
        web = None
    lacking = packages.lacking()
    lines = []
    if lacking:
        how = f"install them and restart ComfyUI: {packages.command()}"
        lines = [f"{packages.message(lacking)}\n    {how}"]
    _say(*lines, *SAVERS_LEFT_OUT)
    return Loaded(NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, web)


def _check_that_classes_are_ours() -> None:
    """A pack that was loaded later may have taken over the names, as the original plugin does."""
    from .routes import comfyui

    if other := comfyui.other_pack(NODE_CLASS_MAPPINGS):
        _log.warning(
            "the pack %s has replaced Runflow's nodes by its own of the same names. Remove it or "
            "%s, and restart ComfyUI",
            *(other, packages.FOLDER.name),
        )


def _say(*lines: str) -> None:
    if lines:
        _log.warning("Runflow works in part:%s", "".join(f"\n  - {line}" for line in lines))
