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


class Names:
    """The nodes of a canvas, those inside subgraphs included, by what patterns call them."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._nodes: dict[str, Node] | None = None

    def replaced(self, text: str) -> str:
        """The text with the patterns filled in that name a node and widget of the canvas."""
        return filled_prefix(text, self._value) if "%" in text else text

    def _value(self, name: str, widget: str) -> str:
        """Raises KeyError where there is no such node or widget."""
        if self._nodes is None:
            self._nodes = _by_name(self._canvas)
        found = self._nodes[name].widget(widget)
        if found is None:
            raise KeyError(widget)
        return "" if found.value in (ABSENT, None) else text_of(found.value)


def _by_name(canvas: Canvas) -> dict[str, Node]:
    """The first node of each name; a title counts only where no node has that name."""
    named: dict[str, Node] = {}
    titled: dict[str, Node] = {}
    for node in canvas.every_node():
        names_itself = node.role in (Role.REAL, Role.GROUP) and node.class_type not in SAVERS
        name = node.properties.get(_NAME, node.class_type if names_itself else None)
        if isinstance(name, str):
            named.setdefault(name, node)
        titled.setdefault(node.title, node)
    return {**titled, **named}
