"""What one prompt is executed with: its Runflow inputs filled, its texts drawn, its files in place.

As a server does it for a run, except that values which stand in the prompt count: a prompt of an
author's has the test wiring that a published one has lost.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.embedded.input_files import below, is_file
from ..errors import BindError
from ..findings import Finding, Where
from ..workflow.drawing import drawn_fields
from ..workflow.model import Prompt
from ..workflow.runflow_nodes import INPUTS

if TYPE_CHECKING:  # pydantic takes longer to import than most prompts to execute
    from ..workflow.contract_model import Contract, ContractInput


@dataclass(frozen=True)
class Ready:
    """A prompt that can be executed."""

    prompt: Prompt
    input: Path  # the folder that its file names are relative to


@contextmanager
def ready(
    prompt: Prompt, texts: Mapping[str, str], folder: Path, seed: str, now: datetime
) -> Iterator[Ready]:
    """Bind the values that were typed; files from elsewhere lie in a folder that is removed again.

    `folder` is the input folder, in which nothing is written. Choices in texts are drawn from
    `seed`, dates from `now`.

    Raises BindError, each value by name: unknown, missing, not fitting, a file that is not there;
    WorkflowError for Runflow nodes that contradict each other, when there are values for them.
    """
    contract = _contract(prompt, with_values=bool(texts))
    if contract is None:
        yield Ready(prompt, folder)
        return
    from ..publish.values import check, from_texts
    from ..rewrite.bind import bind

    values = from_texts(contract, texts)
    files = {name: value for name, value in values.items() if isinstance(value, Path)}
    _require(files)
    check(contract, values)
    with _staged(prompt, files, folder) as (place, names):
        yield Ready(bind(prompt, contract, {**values, **names}, seed=seed, now=now), place)


def _contract(prompt: Prompt, with_values: bool) -> Contract | None:
    """What the prompt takes; None when it takes nothing and draws nothing."""
    takes = any(body["class_type"] in INPUTS for body in prompt.values())
    if not (takes or with_values or any(drawn_fields(body) for body in prompt.values())):
        return None
    from ..workflow.contract import served_contract
    from ..workflow.contract_model import Contract
    from ..workflow.declared import declared_inputs

    # ComfyUI runs nodes of one id, too: who gives no values need not know which one is meant.
    inputs = served_contract(prompt).inputs if with_values else declared_inputs(prompt)[0]
    return Contract(inputs={name: _as_it_stands(row, prompt) for name, row in inputs.items()})


def _as_it_stands(row: ContractInput, prompt: Prompt) -> ContractInput:
    """The input as one that may be left out, if the prompt has a value for it."""
    inputs = prompt[row.node]["inputs"]
    value = inputs.get(row.field)
    if row.type == "FILE":
        value = value or inputs.get("file_name") or None
    return row.model_copy(update={"required": row.required and value is None})


def _require(files: Mapping[str, Path]) -> None:
    missing = [
        Finding(
            "input-file-missing",
            f"the file for `{name}` is not there, or is no file",
            Where(file=path.as_posix(), field=name),
            fix=f"give `{name}` as @FILE with a file that can be read",
        )
        for name, path in files.items()
        if not is_file(path)
    ]
    if missing:
        raise BindError(*missing)


@contextmanager
def _staged(
    prompt: Prompt, files: Mapping[str, Path], folder: Path
) -> Iterator[tuple[Path, dict[str, str]]]:
    """An input folder with the given files in it, and their names there.

    It is `folder` itself when it holds them all; else a new one with these, and with what the
    prompt names in `folder`: all of that may be more than a disk has room for.
    """
    names = {name: _name_in(folder, path) for name, path in files.items()}
    inside = {name: text for name, text in names.items() if text is not None}
    if len(inside) == len(files):
        yield folder, inside
        return
    with tempfile.TemporaryDirectory(prefix="runflow-exec-") as made:
        place = Path(made)
        for name in dict.fromkeys([*_named_files(prompt, folder), *inside.values()]):
            _put(folder / name, place / name)
        for key, path in files.items():
            if key not in inside:
                inside[key] = _free(path.name, place)
                _put(path, place / inside[key])
        yield place, inside


def _free(name: str, place: Path) -> str:
    """The name, or `2/name` and so on where another file has it: it may be shown to somebody."""
    candidates = chain([name], (f"{number}/{name}" for number in count(2)))
    return next(one for one in candidates if not (place / one).exists())


def _name_in(folder: Path, path: Path) -> str | None:
    """What a file is called in the folder; None: it lies elsewhere."""
    with suppress(OSError, ValueError):
        return path.resolve().relative_to(folder.resolve()).as_posix()
    return None


def _named_files(prompt: Prompt, folder: Path) -> Iterator[str]:
    """The files in the folder that any text of the prompt is the name of."""
    for body in prompt.values():
        for value in body["inputs"].values():
            if isinstance(value, str) and value:
                name = value.removesuffix("[input]").rstrip().replace("\\", "/")
                path = below(folder, name)
                if path is not None and is_file(path):
                    yield name


def _put(source: Path, target: Path) -> None:
    """The file under another name: the same bytes on the disk if they may be, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
