"""What happens once a graph is open: slots are put right, and virtual nodes act on others.

Source: ComfyUI frontend 1.35.9, scripts/app.ts (`addAfterConfigureHandler`, `loadGraphData`) and
extensions/core/widgetInputs.ts.
"""

from __future__ import annotations

from functools import partial

from .canvas import Canvas, Node, Role
from .opening import Opening, run_later
from .primitives import connect_primitive
from .reroutes import Reroutes
from .wiring import remove_input, renumber

_SAMPLERS = ("KSampler", "KSamplerAdvanced")


def settle(canvas: Canvas, opening: Opening) -> None:
    """Bring a graph that was just opened to rest."""
    nodes = list(canvas.every_node())
    reroutes = Reroutes(opening.later)
    for node in nodes:
        renumber(node)
    for node in nodes:
        if node.role in (Role.REAL, Role.GROUP):
            _drop_gone_widgets(node)
    for node in nodes:
        if node.role is Role.PRIMITIVE:
            opening.notes += connect_primitive(node)
        elif node.role is Role.REROUTE:
            opening.later.append(partial(reroutes.settle, node))
    for node in nodes:
        if node.class_type in _SAMPLERS:
            _correct_sampler(node)
    run_later(opening)


def _drop_gone_widgets(node: Node) -> None:
    """Remove inputs of widgets that the class no longer has.

    The editor walks the list while it removes from it, and so passes over the one behind.
    """
    names = {widget.name for widget in node.widgets}
    index = 0
    while index < len(node.inputs):
        slot = node.inputs[index]
        if slot.widget is not None and slot.widget not in names:
            remove_input(node, index)
        index += 1


def _correct_sampler(node: Node) -> None:
    """Old graphs wrote samplers with a prefix."""
    for widget in node.widgets:
        if widget.name == "sampler_name" and isinstance(widget.value, str):
            widget.value = widget.value.removeprefix("sample_")
