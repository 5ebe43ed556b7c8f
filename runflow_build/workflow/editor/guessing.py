"""A node of unknown class: what its own slots say of its values.

The editor sends such a node without its class and with most values lost; here it keeps its class,
and the values go to the widgets that it saved slots for. A newer editor saves one for each.
"""

from __future__ import annotations

from typing import Any

from .canvas import ABSENT, Node, Role
from .widgets import CONTROL, CONTROLS

# What buttons and players leave in the list, and what no input needs.
_HELPERS = (CONTROL, "control_filter_list", "upload", *CONTROLS)
_FILLERS = ("", None, "image", "refresh")


def guessed_values(node: Node) -> tuple[dict[str, Any], int]:
    """The values by name, and how many are left over that no slot names."""
    named = node.raw.get("widgets_values_named")  # what editors of 2026 save besides
    if isinstance(named, dict) and named:
        return {name: value for name, value in named.items() if _is_input(name)}, 0
    saved = node.values
    if isinstance(saved, dict):
        return dict(saved), 0
    rest = list(saved) if isinstance(saved, list) else []
    rest.reverse()
    values: dict[str, Any] = {}
    for slot in node.inputs:
        if slot.widget is None or not rest:
            continue
        value = values[slot.widget] = rest.pop()
        controlled = slot.type in ("INT", "FLOAT", "COMBO") and rest and not isinstance(value, bool)
        if controlled and isinstance(rest[-1], str) and rest[-1] in CONTROLS:
            rest.pop()
    return values, sum(1 for value in rest if value not in _FILLERS)


def _is_input(name: str) -> bool:
    """Whether a widget's name is that of an input, rather than of a control or a button."""
    return name.partition("#")[0] not in _HELPERS


def primitive_value(node: Node, link: Any) -> Any:
    """What a primitive would write into a slot of the node; ABSENT when none is linked."""
    found = node.canvas.link(link) if node.canvas else None
    origin = node.canvas.by_id.get(found.origin) if node.canvas and found else None
    if origin is None or origin.role is not Role.PRIMITIVE:
        return ABSENT
    if origin.widgets:
        return origin.widgets[0].value
    return origin.values[0] if isinstance(origin.values, list) and origin.values else ABSENT
