"""PrimitiveNode: a value of its own that it writes into the widgets that it is linked to.

Source: ComfyUI frontend 1.35.9, extensions/core/widgetInputs.ts and utils/nodeDefUtil.ts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...findings import Finding
from ..definitions import InputDefinition
from ..javascript import number_of
from . import remarks
from .canvas import ABSENT, Input, Link, Node, Role, Widget, at
from .growing import DYNAMIC
from .widgets import CONTROL, WIDGET_TYPES, widgets_of

_REPLACE = "Run widget replace on values"
_UNCOMPARED = frozenset(
    ("default", "forceInput", "defaultInput", CONTROL, "multiline", "tooltip", "dynamicPrompts")
)


def connect_primitive(node: Node) -> list[Finding]:
    """Give the primitive the widget that its first link asks for, with the saved value.

    With numbers, the limits of all linked widgets are merged, and the value is made to fit them.
    Findings: `primitive-limited`, `primitive-lost`.
    """
    links = _links(node)
    if not links or node.widgets:
        return []
    config = _first_config(node, links[0])
    if config is None:
        return [remarks.primitive_lost(node)] if any(_widgets(node, links)) else []
    if config.type in DYNAMIC:
        return [remarks.refused(node, "a primitive decides which inputs another node has")]
    _make_widgets(node, config, links[0])
    if isinstance(node.values, list):
        for widget, value in zip(node.widgets, node.values, strict=False):
            widget.value = value
    before = node.widgets[0].value
    if before and not isinstance(before, str) and node.properties.get(_REPLACE):
        return [remarks.refused(node, "it is to fill in patterns in a value that is no text")]
    if config.type in ("INT", "FLOAT"):
        _merge_limits(node, config, links)
    after = node.widgets[0].value
    return [] if after == before else [remarks.primitive_changed(node, before, after)]


def apply_primitive(node: Node, replaced: Callable[[str], str] | None = None) -> None:
    """Write the primitive's value into the widgets that it is linked to."""
    links = _links(node)
    if not links:
        return
    value = node.widgets[0].value if node.widgets else ABSENT
    patterns = replaced is not None and bool(node.properties.get(_REPLACE))
    if replaced and patterns and isinstance(value, str):
        value = replaced(value)
    for widget in _widgets(node, links):
        widget.value = value
        widget.dated = patterns
        rounded(widget)


def rounded(widget: Widget) -> None:
    """What a number's widget does to a value that was set by hand: round it to its steps."""
    definition = widget.definition
    if widget.kind != "number" or definition is None:
        return
    value = math.nan if widget.value is ABSENT else number_of(widget.value)
    if not math.isfinite(value):
        widget.value = math.nan  # sent as null
    elif definition.type == "FLOAT":
        widget.value = _rounded_float(value, definition.options)
    elif definition.type == "INT":
        widget.value = _rounded_int(value, definition.options)


def config_of(node: Node, slot: Input) -> InputDefinition | None:
    """What is known of the widget behind an input."""
    if slot.widget is None:
        return None
    if slot.config is not None:
        return slot.config
    if node.role is Role.SUBGRAPH:
        return config_of(*slot.inner) if slot.inner else None
    return node.definition.input(slot.widget) if node.definition else None


def _links(node: Node) -> list[Any]:
    return node.outputs[0].links if node.outputs else []


def _widgets(node: Node, links: list[Any]) -> Iterator[Widget]:
    """The widgets that the primitive is linked to."""
    for link in links:
        _, target, slot = _target(node, link)
        widget = target.widget(slot.widget) if target and slot else None
        if widget:
            yield widget


def _target(node: Node, id: Any) -> tuple[Link | None, Node | None, Input | None]:
    canvas = node.canvas
    link = canvas.link(id) if canvas else None
    target = canvas.by_id.get(link.target) if canvas and link else None
    return link, target, at(target.inputs, link.target_slot) if link and target else None


def _first_config(node: Node, id: Any) -> InputDefinition | None:
    _, target, slot = _target(node, id)
    if target is None or slot is None:
        return None
    if slot.widget is None:
        known = slot.type in WIDGET_TYPES
        return InputDefinition(slot.name, str(slot.type), {}, required=True) if known else None
    return config_of(target, slot)


def _make_widgets(node: Node, config: InputDefinition, id: Any) -> None:
    named = InputDefinition("value", config.type, config.options, True, config.choices)
    node.widgets = list(widgets_of(named))
    if not node.widgets:
        node.widgets = [Widget("value", config.type.lower(), None, named)]
    main = node.widgets[0]
    _, target, slot = _target(node, id)
    theirs = target.widget(slot.widget or slot.name) if target and slot else None
    if theirs:
        main.value = theirs.value
    if not config.options.get(CONTROL) and main.kind in ("number", "combo"):
        node.widgets.append(Widget(CONTROL, "control", "fixed", sent=False))
        if main.kind == "combo":
            node.widgets.append(Widget("control_filter_list", "text", "", sent=False))


def _merge_limits(node: Node, config: InputDefinition, links: list[Any]) -> None:
    merged = config
    main = node.widgets[0]
    for id in links:
        _, target, slot = _target(node, id)
        theirs = config_of(target, slot) if target and slot else None
        if theirs is None:
            continue
        common = _common(merged, theirs)
        if common is None:
            continue
        merged = common
        main.definition = merged
        _clamp(main, merged.options)
        rounded(main)
    if merged is not config:
        apply_primitive(node)


def _common(one: InputDefinition, other: InputDefinition) -> InputDefinition | None:
    """The narrowest definition that both allow, or None where they contradict each other."""
    if one.type != other.type:
        return None
    left, right = one.options, other.options
    low = max(_number(left.get("min"), -math.inf), _number(right.get("min"), -math.inf))
    high = min(_number(left.get("max"), math.inf), _number(right.get("max"), math.inf))
    if low > high:
        return None
    step = _common_multiple(_number(left.get("step"), 1), _number(right.get("step"), 1))
    limits = {"min": low, "max": high, "step": step}
    for key in {*left, *right} - _UNCOMPARED - limits.keys():
        if left.get(key) != right.get(key):
            return None
    return InputDefinition(one.name, one.type, {**left, **right, **limits}, True, one.choices)


def _clamp(widget: Widget, options: Mapping[str, Any]) -> None:
    value = number_of(widget.value)
    low, high = _number(options.get("min"), 0), _number(options.get("max"), 2048)
    if value < low or value > high:
        widget.value = low if value < low else high


def _rounded_int(value: int | float, options: Mapping[str, Any]) -> int | float:
    step = _number(options.get("step"), 1) or 1
    if step == 1:
        return _round(value)
    low = _number(options.get("min"), 0)
    offset = math.fmod(low, step) if math.isfinite(low) else math.nan  # without limits: no number
    return _round((value - offset) / step) * step + offset


def _rounded_float(value: int | float, options: Mapping[str, Any]) -> int | float:
    step = _number(options.get("step"), 0.5)
    precision = max(0, -math.floor(math.log10(step))) if step > 0 else 0
    unit = options.get("round")
    if not unit and precision:
        unit = 10.0**-precision
    if not isinstance(unit, int | float) or not unit:
        return value
    result = float(f"{_round(value / unit) * unit:.{precision}f}")
    low, high = _number(options.get("min"), 0), _number(options.get("max"), 2048)
    return min(max(result, low), high)


def _round(value: int | float) -> int | float:
    """JavaScript's rounding: a half goes up."""
    return math.floor(value + 0.5) if isinstance(value, float) and math.isfinite(value) else value


def _common_multiple(one: float, other: float) -> float:
    """`lcm` of the editor: for fractions, too."""
    a, b = abs(one), abs(other)
    while b > 1e-9:
        a, b = b, math.fmod(a, b)
    return abs(one * other) / a if a else 0


def _number(value: Any, default: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number else default
