"""A prompt as the text that Workflow > Export (API) writes in ComfyUI.

Source: ComfyUI frontend 1.35.9: graphToPrompt's order of keys, `JSON.stringify(prompt, null, 2)`.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import Any

from .javascript import text_of
from .model import Prompt

_KEYS = ("inputs", "class_type", "_meta")


def prompt_text(prompt: Prompt) -> str:
    """The prompt's JSON, nodes and inputs in the given order, with one LF at the end.

    Half of a surrogate pair, which UTF-8 does not have, is an escape.
    """
    nodes = {
        node: {key: body[key] for key in _KEYS if key in body} for node, body in prompt.items()
    }
    text = _json(nodes, "\n") + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _json(value: Any, line: str) -> str:
    """The value's JSON; `line` begins the line that it stands in."""
    if isinstance(value, str):
        return encode_basestring(value)
    if not isinstance(value, dict | list):
        return text_of(value)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    inner = f"{line}  "
    if isinstance(value, list):
        rows = [_json(one, inner) for one in value]
        return f"[{inner}{f',{inner}'.join(rows)}{line}]"
    rows = [f"{encode_basestring(name)}: {_json(one, inner)}" for name, one in value.items()]
    return f"{{{inner}{f',{inner}'.join(rows)}{line}}}"
