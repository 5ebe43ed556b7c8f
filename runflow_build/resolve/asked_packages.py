"""Who asks for which Python packages: ComfyUI and the node packs at their commits, runflow.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where
from ..lock.model import ComfyUIPin, NodePackPin
from ..lock.pylock import normal_name
from ..sources.world import Asked, World
from ..spec.model import Spec
from .comfyui_gaps import gaps_of
from .inquiry import Inquiry
from .requirement_files import Requirements, Skipped, requirements_in, requirements_of

COMFYUI = "ComfyUI"
GAPS = "ComfyUI, which imports it without asking"
AT_ONCE = 16  # repositories that are read


def asked_by(
    world: World, spec: Spec, comfyui: ComfyUIPin | None, nodes: Mapping[str, NodePackPin]
) -> tuple[list[Asked], dict[str, Sequence[Skipped]]]:
    """What everybody asks for, always in one order, and what was left out, by who asks for it.

    Raises Unanswered where a repository cannot be read.
    """
    pins: dict[str, ComfyUIPin | NodePackPin] = {COMFYUI: comfyui} if comfyui else {}
    pins.update(sorted(nodes.items()))

    def read(key: str) -> Requirements:
        pin = pins[key]
        return requirements_of(lambda path: world.git.read(pin.repository, pin.commit, path))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(pins, pool.map(read, pins), strict=True))
    if comfyui:
        found[GAPS] = _gaps(found[COMFYUI])
    found[SPEC_FILE] = requirements_in(sorted(set(spec.python.requirements)), "python.requirements")
    asked = [Asked(by, one.text) for by, one in found.items() if one.lines]
    return asked, {by: one.skipped for by, one in found.items() if one.skipped}


def report_skipped(inquiry: Inquiry, skipped: Mapping[str, Sequence[Skipped]]) -> None:
    """Say of each line of a requirements file that no lock can repeat why that is so."""
    for by, lines in skipped.items():
        key: Key = ("comfyui",) if by == COMFYUI else ("nodes", by)
        if by == SPEC_FILE:
            key = ("python", "requirements")
        for one in lines:
            who = "" if by == SPEC_FILE else f"{by}'s "
            if one.is_package:
                inquiry.unresolved(
                    key,
                    f"{who}{one.where} cannot be locked: `{one.text}` {one.why}",
                    "name a released package that does the same under python: requirements:",
                )
            else:
                inquiry.report(
                    Finding(
                        "package-option",
                        f"{who}{one.where} is not followed: `{one.text}` {one.why}",
                        Where(SPEC_FILE, key=key),
                        fix="name what it brings under python: requirements:, by URL where only "
                        "its index has it",
                    )
                )


def _gaps(comfyui: Requirements) -> Requirements:
    names = {
        normal_name(found[0])
        for line in comfyui.lines
        if (found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line))
    }
    return Requirements(tuple(gap.requirement for gap in gaps_of(names)) if comfyui.lines else ())
