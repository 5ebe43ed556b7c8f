"""What ComfyUI made of the prompts in tests/cases, and how files are named and read to compare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from PIL import Image

CASES = Path(__file__).resolve().parents[1] / "cases"
INPUT = CASES / "pixels" / "input"  # ComfyUI's input folder, then and now


class _OfNode(Protocol):
    @property
    def node(self) -> str: ...


File = TypeVar("File", bound=_OfNode)


def prompts(folder: str) -> dict[tuple[str, str], Any]:
    """(family, name) -> prompt, of a folder of cases; a family is a file with an .npz beside it."""
    return {
        (path.stem, name): prompt
        for path in sorted((CASES / folder).glob("*.json"))
        if path.with_suffix(".npz").exists()
        for name, prompt in json.loads(path.read_text(encoding="utf-8")).items()
    }


def arrays(folder: str) -> Mapping[str, Any]:
    """Family -> its arrays, which are read when they are asked for."""
    return {path.stem: np.load(path) for path in (CASES / folder).glob("*.npz")}


def arrays_of(family: Any, name: str) -> dict[str, Any]:
    """`<node>/<number>` -> what was recorded of that file of a prompt."""
    return {
        key.removeprefix(f"{name}/"): family[key]
        for key in family.files
        if key.startswith(f"{name}/")
    }


def numbered(files: Iterable[File]) -> dict[str, File]:
    """`<node>/<number>` -> file, of those that one prompt made."""
    found: dict[str, File] = {}
    counts: dict[str, int] = {}
    for one in files:
        number = counts[one.node] = counts.get(one.node, -1) + 1
        found[f"{one.node}/{number}"] = one
    return found


def pixels(file: Any) -> Any:
    """The 8-bit pixels of a picture, by its path or as a file."""
    with Image.open(file) as picture:
        return np.asarray(picture)


def assert_equal(ours: Mapping[str, Any], theirs: Mapping[str, Any], what: object = "") -> None:
    """The same pictures to the pixel, each with its alpha or without."""
    assert ours.keys() == theirs.keys(), what
    for name, picture in theirs.items():
        assert ours[name].shape == picture.shape, f"{name}\n{what}"
        assert np.array_equal(ours[name], picture), f"{name}\n{what}"
