"""Where a ComfyUI looks besides its own folders: the extra_model_paths.yaml beside its main.py.

Source: ComfyUI, utils/extra_config.py and folder_paths.py at 3cd7b32f, load_extra_path_config and
add_model_folder_path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ResolveError
from ..findings import Finding, Where
from ..yaml_text import YamlError, placed, read_yaml

FORMER_NAMES = {"unet": "diffusion_models", "clip": "text_encoders"}  # of kinds of models
FILE = "extra_model_paths.yaml"
_NO = ("", "no", "off")  # ComfyUI reads YAML 1.1, where these are false; we read 1.2


@dataclass(frozen=True)
class ExtraFolder:
    """A folder that ComfyUI searches, too."""

    kind: str  # loras, custom_nodes …, as ComfyUI calls it
    folder: Path
    goes_first: bool


def extra_folders(code: Path) -> tuple[ExtraFolder, ...]:
    """What the file names, in its order; nothing where there is none.

    Raises ResolveError: `file-unreadable`, `file-not-text`, `extra-paths-invalid`, and the codes of
    `read_yaml`. ComfyUI itself does not start with most of them.
    """
    path = Path(os.path.realpath(code / "main.py")).with_name(FILE)
    if not path.is_file():
        return ()
    try:
        text = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path, "file-unreadable", f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refused(path, "file-not-text", "the file is not UTF-8 text") from None
    except YamlError as error:
        raise ResolveError(*(one.in_file(str(path)) for one in error.findings)) from None
    try:
        return tuple(_folders({} if text.value is None else text.value, path.parent))
    except _OddError as odd:
        finding = Finding("extra-paths-invalid", odd.message, Where(key=odd.key), fix=_FIX)
        raise ResolveError(placed(finding, text.marks, str(path))) from None


def with_extra(own: Sequence[Path], kind: str, extra: Iterable[ExtraFolder]) -> list[Path]:
    """The folders of one kind, ComfyUI's own and the others, in the order of its search."""
    found = list(own)
    for one in extra:
        if one.kind != kind:
            continue
        if one.goes_first:
            found = [one.folder, *(path for path in found if path != one.folder)]
        elif one.folder not in found:
            found.append(one.folder)
    return found


_FIX = "write it as ComfyUI's extra_model_paths.yaml.example does"


class _OddError(Exception):
    def __init__(self, message: str, *key: str) -> None:
        super().__init__(message)
        self.message, self.key = message, key


def _folders(document: Any, beside: Path) -> Iterator[ExtraFolder]:
    for name, section in _mapping(document, "the file").items():
        if section is None:
            continue
        rows = dict(_mapping(section, f"`{name}`", name))
        base = beside
        if "base_path" in rows:
            typed = _text(rows.pop("base_path"), name, "base_path")
            base = beside / os.path.expandvars(os.path.expanduser(typed))
        goes_first = str(rows.pop("is_default", "") or "").lower() not in _NO
        for kind, lines in rows.items():
            for line in filter(None, _text(lines, name, kind).split("\n")):
                folder = Path(os.path.normpath(base / line))
                yield ExtraFolder(FORMER_NAMES.get(kind, kind), folder, goes_first)


def _mapping(value: Any, what: str, *key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _OddError(f"{what} is not a mapping of names to folders", *key)
    return value


def _text(value: Any, *key: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _OddError(f"`{'.'.join(key)}` is not the path of a folder", *key)
    return value


def _refused(path: Path, code: str, message: str) -> ResolveError:
    fix = "make it a UTF-8 file that you can read"
    return ResolveError(Finding(code, message, Where(str(path)), fix=fix))
