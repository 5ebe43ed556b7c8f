"""What the JavaScript of common packs does to their nodes: widgets that no definition names.

Only what the graph and the definitions let one know. Sources, as of November 2026:
ComfyUI-VideoHelperSuite web/js/VHS.core.js, ComfyUI-Custom-Scripts web/js/showText.js,
rgthree-comfy web/comfyui/display_any.js and power_lora_loader.js.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definitions import input_definition
from .canvas import ABSENT, Node, Widget
from .widgets import Fixed, TextArea, widgets_of

_VIDEO_HELPER = "VHS_"
_SHOW_TEXT = "ShowText|pysssss"
_LORA_ROWS = "Power Lora Loader (rgthree)"

# Values of old releases of VideoHelperSuite, saved by position.
_LISTED: Mapping[str, tuple[str | None, ...]] = {
    "VHS_LoadImages": (
        *("directory", None, "image_load_cap", "skip_first_images", "select_every_nth"),
    ),
    "VHS_LoadImagesPath": (
        *("directory", "image_load_cap", "skip_first_images", "select_every_nth"),
    ),
    "VHS_VideoCombine": (
        *("frame_rate", "loop_count", "filename_prefix", "format", "pingpong", "save_image"),
    ),
    "VHS_LoadVideo": (
        *("video", "force_rate", "force_size", "frame_load_cap", "skip_first_frames"),
        "select_every_nth",
    ),
    "VHS_LoadVideoPath": (
        *("video", "force_rate", "force_size", "frame_load_cap", "skip_first_frames"),
        "select_every_nth",
    ),
}
_FORMER_NAMES = {"save_output": "save_image"}


def add_pack_widgets(node: Node) -> None:
    """The widgets that a pack puts onto a new node."""
    if node.class_type == "Display Any (rgthree)":
        node.widgets.append(Fixed("output", "text"))
    elif node.class_type == "VHS_BatchManager":
        node.widgets.append(Widget("count", "dummy", 0))


def assign_by_pack(node: Node, saved: Any) -> bool:
    """Give the node its values as its pack does; False: the pack leaves that to the editor."""
    if node.class_type.startswith(_VIDEO_HELPER):
        return _assign_video_helper(node, saved)
    if node.class_type == _SHOW_TEXT:
        return _show_texts(node)
    if node.class_type == _LORA_ROWS:
        return _add_lora_rows(node)
    if not isinstance(saved, dict):
        return False
    for widget in list(node.widgets):
        if widget.saved and widget.name in saved:
            widget.value = saved[widget.name]
    return True


def _assign_video_helper(node: Node, saved: Any) -> bool:
    listed = _LISTED.get(node.class_type)
    if isinstance(saved, list) and listed and len(saved) >= len(listed):
        saved = {name: value for name, value in zip(listed, saved, strict=False) if name}
    if not isinstance(saved, dict):
        return False
    values = {**saved, **_sizes(saved.get("force_size"))}
    for widget in node.widgets:
        if widget.saved:
            widget.value = ABSENT  # the editor looked for values by position before
    index = 0
    while index < len(node.widgets):  # a format brings widgets of its own
        widget = node.widgets[index]
        index += 1
        name = widget.name if widget.name in values else _FORMER_NAMES.get(widget.name)
        if name in values:
            widget.value = values[name]
        elif widget.value is ABSENT and (default := _default(widget)):
            widget.value = default
        if widget.name == "format":
            node.widgets[index:index] = _format_widgets(widget)
    made = {widget.name: widget.definition for widget in node.widgets}
    for slot in node.inputs:
        slot.config = made.get(slot.widget or "")
    return True


def _sizes(force_size: Any) -> dict[str, int]:
    """Width and height from what older releases called `force_size`; 0: as it is."""
    if not isinstance(force_size, str):
        return {}
    names = ("custom_width", "custom_height")
    if "x" in force_size:
        sizes = force_size.split("x")[:2]
        return {
            name: int(size) if size.isascii() and size.isdigit() else 0
            for name, size in zip(names, sizes, strict=True)
        }
    kept = {"Custom Width": names[1:], "Custom Height": names[:1], "Disabled": names}
    return dict.fromkeys(kept.get(force_size, ()), 0)


def _default(widget: Widget) -> Any:
    definition = widget.definition
    if definition is None:
        return None
    first = definition.choices[0] if definition.choices else None
    return definition.options.get("default", first)


def _format_widgets(format: Widget) -> list[Widget]:
    """The widgets of the chosen format, as the definition of the choice lists them."""
    formats = format.definition.options.get("formats") if format.definition else None
    rows = formats.get(format.value) if isinstance(formats, Mapping) else None
    made: list[Widget] = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) > 1 and isinstance(row[0], str):
            made += widgets_of(input_definition(row[0], row[1:], True))
    return made


def _show_texts(node: Node) -> bool:
    """The texts that the node showed last, which it sends again."""
    texts = list(node.values) if isinstance(node.values, list) else []
    if len(texts) > 1 and node.inputs and node.inputs[0].widget:
        texts = texts[1:]
    if texts and not texts[0]:
        texts = texts[1:]
    shown = [one for text in texts for one in (text if isinstance(text, list) else [text])]
    node.widgets = [TextArea(f"text_{index}", "text", one) for index, one in enumerate(shown)]
    return True


def _add_lora_rows(node: Node) -> bool:
    """A row for each LoRA, and the header and button that the pack sends with them."""
    rows = node.values if isinstance(node.values, list) else []
    header = "PowerLoraLoaderHeaderWidget"
    node.widgets = [Widget(header, "header", {"type": header})]
    both = node.properties.get("Show Strengths") == "Separate Model & Clip"
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("lora"), str):
            shown = {name: value for name, value in row.items() if name != "strengthTwo"}
            if both:
                second = row.get("strengthTwo")
                shown["strengthTwo"] = 1 if second is None else second
            node.widgets.append(Widget(f"lora_{len(node.widgets)}", "lora", shown))
    node.widgets.append(Widget("\N{HEAVY PLUS SIGN} Add Lora", "button", ""))
    return True
