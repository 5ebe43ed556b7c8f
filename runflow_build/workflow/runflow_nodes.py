"""The one table of Runflow's own node classes: ids, sockets and widgets, in the order they save.

The editor saves widget values by position, so the order is for ever: whatever is new comes last,
and a graph that was saved before it simply lacks the values and gets the defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the node pack reads this table at ComfyUI's start and needs no pydantic for it
    from .contract_model import InputType, OutputType

DEPLOY_CLASS = "RunflowDeploy"  # lives in the editor alone: never in a prompt
CATEGORY = "Runflow"  # where ComfyUI's menu has the inputs and outputs
SAVE_CATEGORY = "Runflow/Save"


@dataclass(frozen=True)
class Widget:
    """One value on the node's face."""

    name: str
    type: str | tuple[str, ...]  # STRING, BOOLEAN, FLOAT; several words: a choice of one of them
    default: Any
    multiline: bool = False
    limits: tuple[float, float, float] | None = None  # smallest, largest, step of the arrows

    def spec(self) -> list[Any]:
        """The form that ComfyUI's INPUT_TYPES has."""
        options: dict[str, Any] = {"default": self.default}
        if self.multiline:
            options["multiline"] = True
        if self.limits:
            options.update(zip(("min", "max", "step"), self.limits, strict=True))
        return [self.type if isinstance(self.type, str) else list(self.type), options]


@dataclass(frozen=True)
class RunflowInput:
    """A node that becomes a value of the API; locally it passes `value` through."""

    class_type: str
    display_name: str
    type: InputType
    default_id: str
    socket: str  # type of the `value` socket and of the output
    extra: tuple[Widget, ...] = ()  # after `description`, before `required`
    limits: tuple[Widget, ...] = ()  # after `required`

    @property
    def widgets(self) -> tuple[Widget, ...]:
        """All widgets, in saved order; the first three are what the oldest graphs hold."""
        return (
            Widget("input_id", "STRING", self.default_id),
            Widget("display_name", "STRING", ""),
            Widget("description", "STRING", ""),
            *self.extra,
            Widget("required", "BOOLEAN", True),
            *self.limits,
        )


@dataclass(frozen=True)
class RunflowOutput:
    """A node whose files the API gives back."""

    class_type: str
    display_name: str
    type: OutputType
    default_id: str
    socket: str

    @property
    def widgets(self) -> tuple[Widget, ...]:
        return (
            Widget("output_id", "STRING", self.default_id),
            Widget("output_name", "STRING", ""),
        )


@dataclass(frozen=True)
class RunflowSaver:
    """A node that saves a file and hands its name on, for a RunflowOutputFile to give out.

    It is no output of the contract by itself, no more than ComfyUI's own savers are.
    """

    class_type: str
    display_name: str
    media: tuple[str, str]  # name and type of the socket with what is saved
    widgets: tuple[Widget, ...]
    optional: tuple[tuple[str, str], ...] = ()  # further sockets, by name and type


# Limits are text, because a number widget always has a number and "no limit" must be sayable.
_NUMBER_LIMITS = tuple(Widget(name, "STRING", "") for name in ("minimum", "maximum", "step"))
_CHOICES = (Widget("choices", "STRING", "", multiline=True),)  # one per line

INPUTS: Mapping[str, RunflowInput] = {
    node.class_type: node
    for node in (
        RunflowInput(
            "RunflowInputString",
            "Runflow Input String",
            "STRING",
            "string_input",
            "STRING",
            limits=_CHOICES,
        ),
        RunflowInput(
            "RunflowInputInt", "Runflow Input Int", "INT", "int_input", "INT", limits=_NUMBER_LIMITS
        ),
        RunflowInput(
            "RunflowInputFloat",
            "Runflow Input Float",
            "FLOAT",
            "float_input",
            "FLOAT",
            limits=_NUMBER_LIMITS,
        ),
        RunflowInput(
            "RunflowInputBoolean", "Runflow Input Boolean", "BOOLEAN", "boolean_input", "BOOLEAN"
        ),
        RunflowInput("RunflowInputImage", "Runflow Input Image", "IMAGE", "image_input", "IMAGE"),
        RunflowInput(
            "RunflowInputFile",
            "Runflow Input File",
            "FILE",
            "file_input",
            "STRING",
            extra=(Widget("file_name", "STRING", ""),),
        ),
    )
}

OUTPUTS: Mapping[str, RunflowOutput] = {
    node.class_type: node
    for node in (
        RunflowOutput(
            "RunflowOutputImage", "Runflow Output Image", "IMAGE", "image_output", "IMAGE"
        ),
        RunflowOutput("RunflowOutputFile", "Runflow Output File", "FILE", "file_output", "STRING"),
    )
}

_AUDIO_PREFIX = Widget("filename_prefix", "STRING", "audio/ComfyUI")
_VIDEO_PREFIX = Widget("filename_prefix", "STRING", "video/ComfyUI")

SAVERS: Mapping[str, RunflowSaver] = {
    node.class_type: node
    for node in (
        RunflowSaver(
            "RunflowSaveAudioFlac",
            "Runflow Save Audio (FLAC)",
            ("audio", "AUDIO"),
            (_AUDIO_PREFIX,),
        ),
        RunflowSaver(
            "RunflowSaveAudioMP3",
            "Runflow Save Audio (MP3)",
            ("audio", "AUDIO"),
            (_AUDIO_PREFIX, Widget("quality", ("V0", "128k", "320k"), "V0")),
        ),
        RunflowSaver(
            "RunflowSaveAudioOpus",
            "Runflow Save Audio (Opus)",
            ("audio", "AUDIO"),
            (_AUDIO_PREFIX, Widget("quality", ("64k", "96k", "128k", "192k", "320k"), "128k")),
        ),
        RunflowSaver(
            "RunflowSaveVideoMP4",
            "Runflow Save Video (MP4)",
            ("video", "VIDEO"),
            (_VIDEO_PREFIX,),
        ),
        RunflowSaver(
            "RunflowSaveVideoWEBM",
            "Runflow Save Video (WEBM)",
            ("images", "IMAGE"),
            (
                _VIDEO_PREFIX,
                Widget("fps", "FLOAT", 24.0, limits=(0.01, 1000.0, 0.01)),
                Widget("codec", ("vp9", "av1"), "vp9"),
                Widget("crf", "FLOAT", 32.0, limits=(0.0, 63.0, 1.0)),
            ),
            optional=(("audio", "AUDIO"),),
        ),
    )
}


def definitions() -> dict[str, dict[str, Any]]:
    """The classes that a prompt may hold, in the shape of ComfyUI's /object_info."""
    shapes = {node.class_type: _input_shape(node) for node in INPUTS.values()}
    shapes.update({node.class_type: _output_shape(node) for node in OUTPUTS.values()})
    shapes.update({node.class_type: _saver_shape(node) for node in SAVERS.values()})
    return shapes


def file_stem(output_id: str) -> str:
    """What an output's files are called: its id, safe on every system; ids are free text."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", output_id).strip("._-") or "output"


def _input_shape(node: RunflowInput) -> dict[str, Any]:
    # The three widgets of the oldest graphs are required; later ones may be missing in a prompt
    # that was exported before they existed, and ComfyUI must still run it.
    first, later = node.widgets[:3], node.widgets[3:]
    value: list[Any] = [node.socket, {"forceInput": True}]
    return {
        "input": {
            "required": {widget.name: widget.spec() for widget in first},
            "optional": {**{widget.name: widget.spec() for widget in later}, "value": value},
        },
        "output": [node.socket],
        "output_node": False,
        "display_name": node.display_name,
        "category": CATEGORY,
    }


def _output_shape(node: RunflowOutput) -> dict[str, Any]:
    return {
        "input": {
            "required": {
                **{widget.name: widget.spec() for widget in node.widgets},
                "value": [node.socket, {"forceInput": True}],
            }
        },
        "output": [],
        "output_node": True,
        "display_name": node.display_name,
        "category": CATEGORY,
    }


def _saver_shape(node: RunflowSaver) -> dict[str, Any]:
    name, kind = node.media
    sections: dict[str, dict[str, Any]] = {
        "required": {name: [kind], **{widget.name: widget.spec() for widget in node.widgets}}
    }
    if node.optional:
        sections["optional"] = {name: [kind] for name, kind in node.optional}
    return {
        "input": sections,
        "output": ["STRING"],
        "output_node": True,
        "display_name": node.display_name,
        "category": SAVE_CATEGORY,
    }
