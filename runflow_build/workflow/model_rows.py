"""What an editor graph itself says of model files: where each comes from and where it lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .model import Workflow
from .paths import posix
from .saved_nodes import SavedNodes

# Names that ComfyUI had for a folder before it moved (folder_paths.py at 3cd7b32f, map_legacy).
_MOVED: Mapping[str, str] = {"unet": "diffusion_models", "clip": "text_encoders"}
_SECRET = re.compile(r"token|secret|password|signature|sig|key|api_?key|auth|x-amz-.*", re.I)


@dataclass(frozen=True)
class ModelRow:
    """A row `{name, url, directory, hash, hash_type}`, as far as a lock can use it."""

    folder: str | None = None  # POSIX, below models/
    url: str | None = None  # without secrets
    sha256: str | None = None  # lower-case hex; hashes of other kinds are left out


class ModelRows:
    """The rows in the `properties.models` of nodes, and in the `models` of the graph.

    A row is asked for by the name that a node's widget has: authors choose another file and the row
    of the former one stays behind.
    """

    def __init__(self, workflow: Workflow | None) -> None:
        self._saved = SavedNodes(workflow)
        is_graph = workflow is not None and workflow.format == "graph"
        self._of_graph = _by_name(workflow.data.get("models")) if workflow and is_graph else {}
        self._of_node: dict[str, dict[str, ModelRow]] = {}

    def get(self, node: str, name: str) -> ModelRow:
        """The row for a POSIX file name in a node of the prompt, empty when there is none.

        The node's own go before the graph's, and the whole name before its last part: rows may
        leave the folder out that the author has put the file into.
        """
        if node not in self._of_node:
            self._of_node[node] = _by_name(self._saved.properties(node).get("models"))
        for rows in (self._of_node[node], self._of_graph):
            found = rows.get(name) or rows.get(name.rpartition("/")[2])
            if found:
                return found
        return ModelRow()


def _by_name(rows: Any) -> dict[str, ModelRow]:
    """Rows by name and by its last part; of two with one name the earlier counts."""
    found: dict[str, ModelRow] = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and (name := posix(_word(row.get("name")) or "")):
            read = _row(row)
            found.setdefault(name, read)
            found.setdefault(name.rpartition("/")[2], read)
    return found


def _row(row: Mapping[str, Any]) -> ModelRow:
    first, slash, rest = posix(_word(row.get("directory")) or "").strip("/").partition("/")
    digest = _word(row.get("hash")) or ""
    kind = (_word(row.get("hash_type")) or "").lower().replace("-", "")
    is_sha256 = kind == "sha256" and re.fullmatch(r"[0-9a-fA-F]{64}", digest)
    return ModelRow(
        folder=f"{_MOVED.get(first, first)}{slash}{rest}" or None,
        url=_public_url(_word(row.get("url")) or ""),
        sha256=digest.lower() if is_sha256 else None,
    )


def _public_url(url: str) -> str | None:
    """The URL without user, password, and parameters that look like a key; None for no web URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("http", "https") or not host:
        return None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, value) for name, value in pairs if not _SECRET.fullmatch(name)]
    shown = urlencode(query) if len(query) < len(pairs) else parts.query
    return parts._replace(netloc=host, query=shown, fragment="").geturl()


def _word(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
