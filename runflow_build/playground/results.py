"""What ComfyUI's history says of one run: the files of each output, or why there are none. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from ..content_type import content_type_of
from ..document import Document

Kind = Literal["image", "video", "audio", "model", "text", "other"]
Folder = Literal["output", "temp", "input"]

_SUFFIXES: Mapping[Kind, tuple[str, ...]] = {
    # Those that browsers show; a TIFF or an EXR is to be downloaded.
    "image": (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif", ".svg"),
    "model": (".glb", ".gltf"),
    "text": (
        *(".txt", ".md", ".json", ".csv", ".srt", ".vtt", ".log"),
        *(".yaml", ".yml", ".xml", ".html"),
    ),
}
_FAMILIES: Mapping[str, Kind] = {"video": "video", "audio": "audio"}
_MOST_FILES = 200  # of one output


class ResultFile(Document):
    """A file as ComfyUI's /view names it."""

    filename: str
    subfolder: str
    type: Folder


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    state: Literal["done", "failed", "cancelled"]
    files: dict[str, list[ResultFile]] = field(default_factory=dict)
    error: dict[str, str] | None = None
    seconds: float | None = None


def outcome(
    entry: Mapping[str, Any], outputs: Mapping[str, str], titles: Mapping[str, str]
) -> Outcome:
    """Read an entry of the history. `outputs`: output id -> node; `titles`: node -> title.

    Its shape is ComfyUI's (execution.py at 3cd7b32f); whatever else a pack wrote into it is passed
    over.
    """
    status = _mapping(entry.get("status"))
    events = [
        (one[0], _mapping(one[1]))
        for one in _list(status.get("messages"))
        if isinstance(one, list | tuple) and len(one) == 2
    ]
    told = dict(events)
    seconds = _seconds(events)
    if (error := told.get("execution_error")) is not None:
        return Outcome("failed", error=_error(error, titles), seconds=seconds)
    if "execution_interrupted" in told:
        return Outcome("cancelled", seconds=seconds)
    if status.get("status_str") == "error":
        error = {
            "message": "ComfyUI says that the run failed, and not why",
            "node": "",
            "title": "",
        }
        return Outcome("failed", error=error, seconds=seconds)
    shown = _mapping(entry.get("outputs"))
    files = {name: list(_files(shown.get(node))) for name, node in outputs.items()}
    return Outcome("done", files, seconds=seconds)


def kind_of(name: str) -> Kind:
    """How a page shows the file."""
    suffix = PurePosixPath(name.lower()).suffix
    for kind, suffixes in _SUFFIXES.items():
        if suffix in suffixes:
            return kind
    return _FAMILIES.get(content_type_of(name).partition("/")[0], "other")


def _files(shown: Any) -> Iterator[ResultFile]:
    """All that a node has to show, whatever it calls the list, each once."""
    seen = set()
    for rows in _mapping(shown).values():
        for row in _list(rows):
            file = _file(row)
            if file and (key := (file.type, file.subfolder, file.filename)) not in seen:
                seen.add(key)
                yield file
                if len(seen) >= _MOST_FILES:
                    return


def _file(row: Any) -> ResultFile | None:
    row = _mapping(row)
    name, subfolder, kind = row.get("filename"), row.get("subfolder", ""), row.get("type", "output")
    if not isinstance(name, str) or not isinstance(subfolder, str) or not name:
        return None
    if kind not in ("output", "temp", "input"):
        return None
    return ResultFile(filename=name, subfolder=subfolder.replace("\\", "/"), type=kind)


def _error(told: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, str]:
    node = str(told.get("node_id", ""))
    kind = str(told.get("exception_type", ""))
    text = str(told.get("exception_message", "")).strip() or kind or "the run failed"
    title = titles.get(node) or str(told.get("node_type", ""))
    return {"message": text[:4000], "node": node, "title": title}


def _seconds(events: list[tuple[Any, Mapping[str, Any]]]) -> float | None:
    times = [one["timestamp"] for _, one in events if isinstance(one.get("timestamp"), int | float)]
    return round((times[-1] - times[0]) / 1000, 3) if len(times) > 1 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
