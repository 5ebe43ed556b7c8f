"""The lock with each pin on a line of its own that needs no other: what git compares line by line.

In YAML the line `commit: …` does not say whose; here each line begins with what it is about, in the
order in which a reviewer should meet it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Document
from .diff.change import shown_value
from .file_facts import size_text
from .model import Lock


def one_line_text(lock: Lock) -> str:
    """The text, with a line end. It holds all facts of the lock, long ones shortened."""
    return "".join(f"{line}\n" for line in _lines(lock))


def _lines(lock: Lock) -> Iterator[str]:
    for slug, endpoint in sorted(lock.endpoints.items()):
        for name, one in sorted(endpoint.inputs.items()):
            yield f"API {slug}, input {name}: {_told(one)}"
        for name, output in sorted(endpoint.outputs.items()):
            yield f"API {slug}, output {name}: {_told(output)}"
        about = _told(endpoint, without={"inputs", "outputs", "gpu"})
        yield f"endpoint {slug}: {about}, gpu {_told(endpoint.gpu) or 'cheapest'}"
    if lock.comfyui:
        yield f"ComfyUI: {_told(lock.comfyui)}"
    if lock.runflow:
        yield f"Runflow nodes: release {lock.runflow}"
    yield from (f"pack {key}: {_told(pin)}" for key, pin in sorted(lock.nodes.items()))
    if lock.definitions:
        yield f"node definitions: {_told(lock.definitions)}"
    yield f"Python: {_told(lock.python, without={'packages', 'targets'})}"
    yield from (f"package {name}: {which}" for name, which in sorted(lock.python.packages.items()))
    for target, pins in sorted(lock.python.targets.items()):
        pylock = _told(pins.pylock) if pins.pylock else "none"
        yield f"target {target}: package files {pylock}"
        for name, version in sorted(pins.packages.items()):
            yield f"package {name} ({target}): {version}"
    for path, model in sorted(lock.models.items()):
        yield f"model {path}: {_told(model)}"
    for path, resource in sorted(lock.resources.items()):
        yield f"{path}: {_told(resource)}"


def _told(record: Document, without: set[str] | None = None) -> str:
    parts = []
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if name in (without or ()) or value == field.get_default():
            continue
        if name == "size" and isinstance(value, int):
            parts.append(f"{value} bytes ({size_text(value)})")
        else:
            parts.append(f"{field.alias or name} {shown_value(name, value)}")
    return ", ".join(parts)
