"""Paths of models and input files as every system reads them: with slashes."""

from __future__ import annotations

from collections.abc import Iterable

from ..workflow.model import Prompt


def posix_paths(prompt: Prompt, fields: Iterable[tuple[str, str]]) -> Prompt:
    """The prompt with slashes for backslashes in these (node id, field) places.

    ComfyUI on Windows offers `style\\\\a.safetensors` in its lists and saves it so; on the API's
    machines no file has that name. Text elsewhere keeps its backslashes.
    """
    changed = dict(prompt)
    for node_id, field in fields:
        node = changed.get(node_id)
        value = node["inputs"].get(field) if node else None
        if node and isinstance(value, str) and "\\" in value:
            inputs = {**node["inputs"], field: value.replace("\\", "/")}
            changed[node_id] = {**node, "inputs": inputs}
    return changed
