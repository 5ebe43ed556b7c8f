"""Bytes to a workflow: which of ComfyUI's two JSON formats is this, and is it whole?"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from shlex import quote
from typing import Any, NoReturn

from ..errors import WorkflowError
from ..findings import Finding, Where
from .model import Workflow

DEEPEST = 200  # nested lists and mappings; real workflows stay below 30

_EXPORT = "export it in ComfyUI with Workflow > Export, or Export (API)"
_OPEN = "open it in ComfyUI and export the workflow with Workflow > Export, or Export (API)"
_UNPACK = "unpack it, and name the workflow that is in it"
_BINARY: Mapping[bytes, tuple[str, str]] = {  # how files begin -> what they are, what to do
    b"\xff\xd8\xff": ("a JPEG picture", "take the PNG or WebP that ComfyUI saved instead"),
    b"\x1aE\xdf\xa3": ("a WebM video", _OPEN),
    b"fLaC": ("a FLAC sound", _OPEN),
    b"OggS": ("an Ogg sound", _OPEN),
    b"ID3": ("an MP3 sound", _OPEN),
    b"glTF": ("a 3D model", _OPEN),
    b"PK\x03\x04": ("a ZIP archive", _UNPACK),
    b"\x1f\x8b": ("a gzip archive", _UNPACK),
}


def read_workflow(data: bytes, path: str) -> Workflow:
    """The workflow in a file's bytes; `path` is how the user names it.

    An editor graph is a mapping with a list of `nodes`; a prompt maps ids to nodes with a
    `class_type`, bare or below one key `prompt`. Integers are exact at any size; a number beyond a
    double's range is null, as in the editor. What ComfyUI notes in a prompt while it executes it
    (`is_changed`, at times NaN) is dropped where it is no JSON.

    Raises WorkflowError: `file-not-text`, `workflow-syntax`, `workflow-too-deep`,
    `workflow-unknown-format`, `node-duplicate-id`.
    """
    parser = _Parser(path)
    value = parser.parse(_text(data, path))
    # Later stages recurse in the JSON encoder, and could not write it again.
    if nests_deeper(value, DEEPEST):
        _refuse_depth(path)
    if isinstance(value, dict) and isinstance(value.get("nodes"), list):
        if parser.has_odd and (odd := _odd_in(value)):
            raise WorkflowError(_no_number(odd, path))
        return Workflow(path, "graph", value)
    prompt = _prompt_in(value)
    if prompt is None:
        _refuse(
            "workflow-unknown-format",
            f"neither an editor graph nor a prompt: {_description(value)}",
            path,
            fix=_EXPORT,
        )
    if doubles := parser.doubles_of(prompt):
        raise WorkflowError(*(_duplicate(node, path) for node in doubles))
    if parser.has_odd:
        _drop_notes(prompt, path)
    return Workflow(path, "prompt", prompt)


def picture_kind(data: bytes) -> str | None:
    """`PNG` or `WebP` for the bytes of a picture that may carry a workflow, else None."""
    if data.startswith(b"\x89PNG"):
        return "PNG"
    return "WebP" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


class _Parser:
    """JSON with the rules above; remembers which mappings held a key twice."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._doubles: dict[int, tuple[dict[str, Any], list[str]]] = {}
        self.has_odd = False  # NaN or Infinity, which are no JSON

    def parse(self, text: str) -> Any:
        try:
            return json.loads(
                text,
                object_pairs_hook=self._mapping,
                parse_float=_number,
                parse_constant=self._constant,
            )
        except json.JSONDecodeError as error:
            _refuse_syntax(error, self._path)
        except RecursionError:
            _refuse_depth(self._path)
        except ValueError:  # Python reads no integer of more than 4300 digits
            _refuse(
                "workflow-syntax",
                "a number has thousands of digits",
                self._path,
                fix=_EXPORT,
            )

    def doubles_of(self, mapping: dict[str, Any]) -> list[str]:
        return self._doubles.get(id(mapping), (mapping, []))[1]

    def _mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            names = [name for name, _ in pairs]
            doubles = sorted({name for name in names if names.count(name) > 1})
            self._doubles[id(mapping)] = (mapping, doubles)  # kept alive: an id may be used again
        return mapping

    def _constant(self, name: str) -> float:
        self.has_odd = True
        return float(name)


def _text(data: bytes, path: str) -> str:
    if not data.strip():
        _refuse("workflow-syntax", "the file is empty", path, fix=_EXPORT)
    if what := _binary(data, path):
        _refuse("file-not-text", f"the file is no workflow but {what[0]}", path, fix=what[1])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise WorkflowError(
            Finding(
                "file-not-text",
                f"byte {error.start + 1} is not UTF-8",
                Where(path, line),
                fix="save the file as UTF-8",
            )
        ) from None


def _binary(data: bytes, path: str) -> tuple[str, str] | None:
    """What a file is that cannot be text, and what to do with it; None for all others."""
    if kind := picture_kind(data):
        take_out = f"take it out: `runflow convert {quote(path)} -o NAME.json`, and name that file"
        return f"a {kind} picture that may carry one", take_out
    if data[4:8] == b"ftyp":
        return "a video or an AVIF picture", _OPEN
    return next((what for start, what in _BINARY.items() if data.startswith(start)), None)


def _number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def nests_deeper(value: Any, levels: int) -> bool:
    """Whether a JSON value nests lists and objects deeper than `levels`; does not recurse."""
    level = [value]
    for _ in range(levels):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _prompt_in(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    if _is_prompt(value):
        return value
    inner = value.get("prompt")
    return inner if isinstance(inner, dict) and _is_prompt(inner) else None


def _is_prompt(value: Mapping[str, Any]) -> bool:
    return any(isinstance(node, dict) and "class_type" in node for node in value.values())


def _drop_notes(prompt: dict[str, Any], path: str) -> None:
    """Drop what ComfyUI notes while it executes. Raises WorkflowError for NaN anywhere else."""
    findings = []
    for node, body in prompt.items():
        if isinstance(body, dict):
            body.pop("is_changed", None)
        if odd := _odd_in(body):
            findings.append(_no_number(odd, path, node))
    if findings:
        raise WorkflowError(*findings)


def _odd_in(value: Any) -> str | None:
    """`NaN`, `Infinity` or `-Infinity`, if the value holds one."""
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return next((odd for one in children if (odd := _odd_in(one))), None)
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    return None


def _no_number(odd: str, path: str, node: str | None = None) -> Finding:
    return Finding(
        "workflow-syntax",
        f"{odd} stands where a number should be; JSON has no such value",
        Where(path, node=node),
        fix="give the widget a number in ComfyUI and export again",
    )


def _description(value: Any) -> str:
    """What was found instead, in a person's words."""
    if not isinstance(value, dict):
        kinds = {list: "a list", str: "a text", type(None): "null", bool: "true or false"}
        return f"the file holds {kinds.get(type(value), 'a number')}"
    if not value:
        return "the file holds an empty mapping"
    names = sorted(value)
    shown = ", ".join(name if len(name) < 40 else name[:37] + "…" for name in names[:6])
    return f"the file holds a mapping of {shown}{', …' if len(names) > 6 else ''}"


def _duplicate(node: str, path: str) -> Finding:
    return Finding(
        "node-duplicate-id",
        f"two nodes have the id {node}",
        Where(path, node=node),
        fix="export the workflow from ComfyUI again, or give one of the nodes another id",
    )


def _refuse_syntax(error: json.JSONDecodeError, path: str) -> NoReturn:
    cut_off = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    what = "the JSON is cut off" if cut_off else f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    raise WorkflowError(
        Finding("workflow-syntax", what, Where(path, error.lineno, error.colno), fix=_EXPORT)
    ) from None


def _refuse_depth(path: str) -> NoReturn:
    _refuse("workflow-too-deep", f"the JSON nests deeper than {DEEPEST} levels", path, fix=_EXPORT)


def _refuse(code: str, message: str, path: str, fix: str) -> NoReturn:
    raise WorkflowError(Finding(code, message, Where(path), fix=fix)) from None
