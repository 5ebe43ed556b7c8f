"""Does the restored ComfyUI start, import every node pack, and have every node class in use?"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import IO

from ..errors import ResolveError
from ..findings import Finding
from ..redact import redacted
from ..sources.comfyui_process import started
from ..sources.install import Install

# What ComfyUI says of a node pack that it could not import.
# Source: ComfyUI, nodes.py at 3cd7b32f, load_custom_node and init_external_custom_nodes.
_CANNOT = re.compile(
    r"(?:Cannot import|Error while calling comfy_entrypoint in) (?P<path>.+?)"
    r"(?: module for custom nodes)?: (?P<error>.*)"
)
_SKIPPED = re.compile(r"Skip (?P<path>.+?) module for custom nodes (?P<error>.*)")
_LAST = 5  # lines of a ComfyUI that did not start
_FAILED = re.compile(r"\(IMPORT FAILED\): (?P<path>.+)")


def smoke(
    install: Install, classes: Mapping[str, str | None], packs: Iterable[str]
) -> list[Finding]:
    """Start ComfyUI on the CPU, look what it has, and stop it.

    `classes`: node class -> key of the pack that should bring it; None: ComfyUI, or nobody knows.
    The findings are `smoke-pack-failed`, `smoke-class-missing` and `comfyui-not-started`.
    """
    with tempfile.TemporaryFile() as log:
        try:
            with started(install, log) as comfy:
                present = set(comfy.definitions().nodes)
        except ResolveError as error:
            fix = "start it yourself to see all that it says, and mend that"
            said = [line.strip() for line in _text(log).splitlines() if line.strip()]
            also = (("said", redacted("\n".join(said[-_LAST:]))),) if said else ()
            return [replace(one, also=also, fix=fix) for one in error.findings]
        errors = import_errors(_text(log))
    return [*_failed(packs, errors), *_missing(classes, present, errors)]


def import_errors(log: str) -> dict[str, str]:
    """The packs that ComfyUI could not import, by folder, with what it says of each."""
    found: dict[str, str] = {}
    for line in log.splitlines():
        for pattern in (_CANNOT, _SKIPPED):
            if told := pattern.search(line):
                found.setdefault(_folder(told["path"]), redacted(told["error"]).strip())
                break
    for line in log.splitlines():
        if told := _FAILED.search(line):
            found.setdefault(_folder(told["path"]), "ComfyUI says no more than that")
    return found


def _folder(path: str) -> str:
    return re.split(r"[/\\]", path.strip().rstrip("/\\"))[-1]


def _failed(packs: Iterable[str], errors: Mapping[str, str]) -> list[Finding]:
    return [
        Finding(
            "smoke-pack-failed",
            f"the node pack {pack} cannot be imported",
            also=(("said", errors[pack]),),
            fix="add what it lacks under python.requirements: in runflow.yaml, and lock again",
        )
        for pack in sorted(packs)
        if pack in errors
    ]


def _missing(
    classes: Mapping[str, str | None], present: Iterable[str], errors: Mapping[str, str]
) -> list[Finding]:
    return [
        Finding(
            "smoke-class-missing",
            f"ComfyUI does not have the node class {name}",
            also=_home(classes[name], errors),
            fix="mend the node pack's import"
            if classes[name] in errors
            else "lock a version of ComfyUI or of the node pack that has it",
        )
        for name in sorted(set(classes).difference(present))
    ]


def _home(pack: str | None, errors: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if pack is None:
        return ()
    rows = [("pack", f"{pack} should bring it")]
    return tuple([*rows, ("said", errors[pack])] if pack in errors else rows)


def _text(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", "replace")
