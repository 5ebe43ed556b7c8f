"""Runflow's own input and output nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....media.pixels import Floats
from ....workflow.runflow_nodes import file_stem
from ..input_files import below, is_file
from ..node_class import NodeClass, NodeError, Result, Run
from ..output_files import save_pictures
from .saving import SAVE_COMPRESSION


def scalar_input(empty: Any) -> NodeClass:
    """An input of the API: its `value`; `empty` for an optional one that nobody gave a value."""

    def scalar(
        run: Run, input_id: str, value: Any = None, required: bool = True, **shown: Any
    ) -> Result:
        if value is None and required:
            raise _no_value(input_id)
        return Result((empty if value is None else value,))

    return NodeClass(scalar)


def image_input(run: Run, input_id: str, value: Floats | None = None, **shown: Any) -> Result:
    if value is None:
        raise _no_value(input_id)
    return Result((value,))


def file_input(
    run: Run,
    input_id: str,
    value: str = "",
    file_name: str = "",
    required: bool = True,
    **shown: Any,
) -> Result:
    """The name of a file: the value, else the one that was chosen on the node."""
    name = value or file_name
    if not name and required:
        raise _no_value(input_id)
    return Result((name,))


def image_output(run: Run, output_id: str, value: Floats, **shown: Any) -> Result:
    """Each picture of the batch as `<output_id>_00001_.png` …"""
    return Result(files=save_pictures(run, value, file_stem(output_id), SAVE_COMPRESSION))


def file_output(run: Run, value: str, **shown: Any) -> Result:
    """A file that another node has put below the output folder."""
    path = below(run.folders.output, value)
    if path is None:
        raise NodeError(f"the file name {value!r} is not a path inside the output folder")
    if not is_file(path):
        raise NodeError(f"there is no file {value!r} in the output folder")
    return Result(files=(path,))


def _no_value(input_id: str) -> NodeError:
    return NodeError(f"the input {input_id!r} has no value", "give it one, or link a default")


CLASSES: Mapping[str, NodeClass] = {
    "RunflowInputBoolean": scalar_input(False),
    "RunflowInputFile": NodeClass(file_input),
    "RunflowInputFloat": scalar_input(0.0),
    "RunflowInputImage": NodeClass(image_input),
    "RunflowInputInt": scalar_input(0),
    "RunflowInputString": scalar_input(""),
    "RunflowOutputFile": NodeClass(file_output),
    "RunflowOutputImage": NodeClass(image_output),
}
