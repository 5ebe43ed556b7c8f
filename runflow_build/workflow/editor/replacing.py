"""`%Node.widget%` in file names and primitives: the value that a widget has when it is sent.

Source: ComfyUI frontend 1.35.9, utils/searchAndReplace.ts and Comfy.SaveImageExtraOutput.
"""

from __future__ import annotations

from ..javascript import text_of
from ..texts import filled_prefix
from .canvas import ABSENT, Canvas, Node, Role

_NAME = "Node name for S&R"
SAVERS = frozenset(
    (
        *("SaveImage", "SaveVideo", "SaveAnimatedWEBP", "SaveWEBM", "SaveAudio", "SaveGLB"),
        *("SaveAnimatedPNG", "CLIPSave", "VAESave", "ModelSave", "LoraSave", "SaveLatent"),
    )
)


def replaced(text: str, canvas: Canvas) -> str:
    """The text with the patterns filled in that name a node and widget of the canvas."""

    def value_of(name: str, widget: str) -> str:
        node = _named(canvas, name)
        found = node.widget(widget) if node else None
        if found is None:
            raise KeyError(name)
        return "" if found.value in (ABSENT, None) else text_of(found.value)

    return filled_prefix(text, value_of) if "%" in text else text


def _named(canvas: Canvas, name: str) -> Node | None:
    """The first node of that name, or else of that title."""
    titled = None
    for node in canvas.every_node():
        own = node.class_type if _names_itself(node) else None
        if node.properties.get(_NAME, own) == name:
            return node
        if titled is None and node.title == name:
            titled = node
    return titled


def _names_itself(node: Node) -> bool:
    return node.role in (Role.REAL, Role.GROUP) and node.class_type not in SAVERS
