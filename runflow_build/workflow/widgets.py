"""Saved widget values to named ones: which widgets the editor puts on a node, and in what order.

The editor saves values by position, and puts widgets on a node that no definition names: the
control beside a seed, the button of an upload, a player.
Source: ComfyUI frontend 1.35.9, the widget composables and the core extensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .definitions import COMBO, UPLOADS, InputDefinition, NodeDefinition
from .graph import Node

ABSENT: Any = object()  # JavaScript's undefined: nothing is sent

_DEFAULTS = {"INT": 0, "FLOAT": 0, "STRING": "", "BOOLEAN": False}
_SEEDS = ("seed", "noise_seed")
_PLAYERS = ("LoadAudio", "SaveAudio", "PreviewAudio", "SaveAudioMP3", "SaveAudioOpus")
_CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
_SAMPLERS = ("KSampler", "KSamplerAdvanced")

# Types whose widgets depend on more than the saved file: what is linked, or what is running.
_UNSUPPORTED_TYPES = (
    "COMFY_AUTOGROW_V3",
    "COMFY_DYNAMICCOMBO_V3",
    "COMFY_DYNAMICSLOT_V3",
    "WEBCAM",
    "AUDIO_RECORD",
    "LOAD_3D",
    "LOAD_3D_ANIMATION",
    "COLOR",
    "MARKDOWN",
    "IMAGECOMPARE",
    "CHART",
    "GALLERIA",
    "TEXTAREA",
)
_UNSUPPORTED_CLASSES = {"CustomCombo": "its list of choices is made in the editor"}


@dataclass(frozen=True)
class Widget:
    """A widget as the editor builds it."""

    name: str
    default: Any = ABSENT
    definition: InputDefinition | None = None  # None: the editor adds it by itself
    saved: bool = True  # takes a place in widgets_values when a graph is read
    sent: bool = True  # stands in the prompt


@dataclass(frozen=True)
class Layout:
    """What the editor makes of one class's definition; the same for all nodes of the class."""

    title: str
    widgets: tuple[Widget, ...]
    inputs: frozenset[str]
    outputs: int
    places: int  # in widgets_values while every input below was a widget
    former: tuple[bool, ...]  # inputs that are or were widgets; True: only a socket by now
    unsupported: str | None  # why nodes of the class cannot be converted with certainty


def layout_of(definition: NodeDefinition) -> Layout:
    """The layout of a class."""
    widgets = tuple(_widgets(definition))
    names = {widget.name for widget in widgets}
    former = [
        one for one in definition.inputs if one.name in names or one.options.get("forceInput")
    ]
    return Layout(
        title=definition.title,
        widgets=widgets,
        inputs=frozenset(one.name for one in definition.inputs),
        outputs=len(definition.outputs),
        places=sum(
            2 if one.options.get("control_after_generate") or one.name in _SEEDS else 1
            for one in former
        ),
        former=tuple(bool(one.options.get("forceInput")) for one in former),
        unsupported=_unsupported(definition),
    )


def unsupported(layout: Layout, node: Node) -> str | None:
    """Why the node cannot be converted with certainty, or None."""
    if layout.unsupported:
        return layout.unsupported
    if node.class_type == "Preview3D" and node.properties.get("Last Time Model File"):
        return "its viewer puts the model that it showed last in place of the saved one"
    if isinstance(node.widgets_values, dict):
        return "its values are saved by name, in a form of its node pack's own"
    return None


def values_of(node: Node, layout: Layout) -> list[tuple[Widget, Any]]:
    """Each widget of the node with its value; ABSENT where it has none."""
    saved = iter(_saved_values(node, layout))
    values = []
    for widget in layout.widgets:
        value = next(saved, widget.default) if widget.saved else widget.default
        values.append((widget, _repaired(node, widget, value)))
    return values


def guessed_values(node: Node) -> dict[str, Any]:
    """The values of a node of unknown class, by the widget slots that it saved itself.

    A control beside a seed is recognised by its value. Values beyond the last slot are left out.
    """
    if isinstance(node.widgets_values, dict):
        return dict(node.widgets_values)
    saved = list(node.widgets_values) if isinstance(node.widgets_values, list) else []
    values: dict[str, Any] = {}
    for slot in node.inputs:
        if slot.widget is None or not saved:
            continue
        values[slot.widget] = saved.pop(0)
        seed = slot.type in ("INT", "FLOAT") and not isinstance(values[slot.widget], str)
        if seed and saved and saved[0] in _CONTROLS:
            saved.pop(0)
    return values


def _unsupported(definition: NodeDefinition) -> str | None:
    if reason := _UNSUPPORTED_CLASSES.get(definition.class_type):
        return reason
    for one in definition.inputs:
        if one.type in _UNSUPPORTED_TYPES:
            return f"its input `{one.name}` is of the kind {one.type}"
        if one.options.get("remote"):
            return f"the choices of its input `{one.name}` come from the running ComfyUI"
    return None


def _widgets(definition: NodeDefinition) -> Iterator[Widget]:
    """The widgets of a node of this class, in the editor's order."""
    for one in definition.inputs:
        if _kind(one) in (*_DEFAULTS, COMBO) and not one.options.get("forceInput"):
            yield Widget(one.name, _default(one), one)
            yield from _controls(one)
    if definition.class_type in _PLAYERS:
        yield Widget("audioUI", "", saved=False)
    if any(one.options.get(upload) for one in definition.inputs for upload in UPLOADS):
        yield Widget("upload", sent=False)
    if definition.class_type == "PreviewAny":
        yield Widget("preview", "", saved=False)
        yield Widget("previewMode", False)
    if definition.class_type in ("Preview3D", "SaveGLB"):
        yield Widget("image", "")


def _kind(definition: InputDefinition) -> str:
    return str(definition.options.get("widgetType") or definition.type)


def _default(definition: InputDefinition) -> Any:
    default = definition.options.get("default")
    if default is not None:
        return default
    if _kind(definition) != COMBO:
        return _DEFAULTS[_kind(definition)]
    return definition.choices[0] if definition.choices else ABSENT


def _controls(definition: InputDefinition) -> Iterator[Widget]:
    """The widgets that change a value after each run; a combo's has a filter besides."""
    kind = _kind(definition)
    control = definition.options.get("control_after_generate")
    if control is None:
        control = kind == "INT" and definition.name in _SEEDS
    if not control or kind not in ("INT", "FLOAT", COMBO):
        return
    yield Widget("control_after_generate", sent=False)
    if kind == COMBO:
        yield Widget("control_filter_list", sent=False)


def _saved_values(node: Node, layout: Layout) -> list[Any]:
    """`widgets_values` without the places of inputs that have since become sockets only.

    The editor drops them only when the list has the length that it would have with them, and then
    counts places without controls; both are followed to the letter (`migrateWidgetsValues`).
    """
    saved = node.widgets_values if isinstance(node.widgets_values, list) else []
    if layout.places != len(saved) or not any(layout.former):
        return saved
    return [
        value
        for index, value in enumerate(saved)
        if index >= len(layout.former) or not layout.former[index]
    ]


def _repaired(node: Node, widget: Widget, value: Any) -> Any:
    """What the editor mends in a value when it opens a graph."""
    if widget.definition is None:
        return value
    if (
        widget.name == "sampler_name"
        and node.class_type in _SAMPLERS
        and isinstance(value, str)
        and value.startswith("sample_")
    ):
        return value.removeprefix("sample_")
    if isinstance(value, dict) and any(widget.definition.options.get(one) for one in UPLOADS):
        return _file_path(value)
    return value


def _file_path(item: dict[str, Any]) -> str:
    """An upload's own record {filename, subfolder, type} as the path that a loader takes."""
    name, folder, kind = (item.get(key) or "" for key in ("filename", "subfolder", "type"))
    path = f"{folder}/{name}" if folder else str(name)
    return path if kind in ("", "input") else f"{path} [{kind}]"
