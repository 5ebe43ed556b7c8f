"""The Runflow Input nodes: values of the API. In the editor they pass on what is wired to them."""

from __future__ import annotations

from typing import Any

from ..runflow_build.workflow.runflow_nodes import CATEGORY, INPUTS, definitions

_DEFINITIONS = definitions()


class InputNode:
    """What the six classes share; a subclass's name is its row in the table."""

    CATEGORY = CATEGORY
    FUNCTION = "pass_on"
    RUNFLOW_IO = "input"
    EMPTY: Any = None  # what an optional input without a value gives; None: nothing can stand in

    def __init_subclass__(cls) -> None:
        row = INPUTS[cls.__name__]
        cls.DISPLAY_NAME = row.display_name
        cls.RUNFLOW_TYPE = row.type
        cls.RETURN_TYPES = (row.socket,)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return comfyui_inputs(cls.__name__)

    def pass_on(
        self, input_id: str, value: Any = None, required: bool = True, **shown: Any
    ) -> tuple[Any]:
        """The value; `shown` are the texts and limits of a form, which nothing here needs."""
        if value is None:
            if required or self.EMPTY is None:
                raise ValueError(f"the input {input_id!r} has no value: link one for a local run")
            value = self.EMPTY
        return (value,)


class RunflowInputString(InputNode):
    EMPTY = ""


class RunflowInputInt(InputNode):
    EMPTY = 0


class RunflowInputFloat(InputNode):
    EMPTY = 0.0


class RunflowInputBoolean(InputNode):
    EMPTY = False


class RunflowInputImage(InputNode):
    pass


class RunflowInputFile(InputNode):
    """Gives the name of a file below ComfyUI's input folder."""

    EMPTY = ""

    def pass_on(
        self,
        input_id: str,
        value: str | None = None,
        required: bool = True,
        file_name: str = "",
        **shown: Any,
    ) -> tuple[str]:
        return super().pass_on(input_id, value or file_name or None, required)


def comfyui_inputs(class_type: str) -> dict[str, Any]:
    """A class's inputs as ComfyUI asks for them: ``{section: {name: (type, options)}}``."""
    sections = _DEFINITIONS[class_type]["input"]
    return {
        section: {name: tuple(spec) for name, spec in inputs.items()}
        for section, inputs in sections.items()
    }


CLASSES = {
    node_class.__name__: node_class
    for node_class in (
        RunflowInputString,
        RunflowInputInt,
        RunflowInputFloat,
        RunflowInputBoolean,
        RunflowInputImage,
        RunflowInputFile,
    )
}
