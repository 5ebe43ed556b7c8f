"""Paths of models and input files as every system reads them: with slashes.

ComfyUI on Windows offers `style\\a.safetensors` in its lists and saves it so; on the API's machines
no file has that name. Text elsewhere keeps its backslashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..workflow.embeddings import names_in
from ..workflow.model import Prompt


def posix_paths(prompt: Prompt, fields: Iterable[tuple[str, str]]) -> Prompt:
    """The prompt with slashes for backslashes in these (node id, field) places.

    A value may hold several names: `{"on": true, "lora": "style\\a.safetensors"}`.
    """
    return _changed(prompt, fields, _with_slashes)


def posix_embeddings(prompt: Prompt, fields: Iterable[tuple[str, str]]) -> Prompt:
    """The prompt with slashes in the `embedding:style\\ink` of the texts in these places."""
    return _changed(prompt, fields, _with_slashes_in_embeddings)


def _changed(
    prompt: Prompt, fields: Iterable[tuple[str, str]], change: Callable[[Any], Any]
) -> Prompt:
    changed = dict(prompt)
    for node_id, field in fields:
        node = changed.get(node_id)
        if node and field in node["inputs"]:
            inputs = {**node["inputs"], field: change(node["inputs"][field])}
            changed[node_id] = {**node, "inputs": inputs}
    return changed


def _with_slashes(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\\", "/")
    if isinstance(value, dict):
        return {key: _with_slashes(one) for key, one in value.items()}
    return [_with_slashes(one) for one in value] if isinstance(value, list) else value


def _with_slashes_in_embeddings(text: Any) -> Any:
    for name in names_in(text) if isinstance(text, str) else ():
        text = re.sub(
            rf"(embedding:\s*){re.escape(name)}",
            lambda found: found[0].replace("\\", "/"),
            text,
        )
    return text
