"""The inputs that a node has: those that its class declares, and those that its values bring.

A dynamic combo brings the inputs of the chosen option, an input that grows its members; both stand
in a prompt as `name.member`.
Source: ComfyUI 0.8.0 at 3cd7b32f, comfy_api/latest/_io.py `get_finalized_class_inputs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..findings import did_you_mean
from ..redact import shown
from ..workflow.definitions import (
    InputDefinition,
    NodeDefinition,
    input_definition,
    mapping,
    sequence,
)

_GROWS = "COMFY_AUTOGROW_V3"
_CHOOSES = "COMFY_DYNAMICCOMBO_V3"
_OPENS = "COMFY_DYNAMICSLOT_V3"
_MOST_MEMBERS = 100  # ComfyUI's own limit


@dataclass(frozen=True)
class Gap:
    """What a node lacks although ComfyUI takes the prompt: it fails, or does less, when it runs."""

    input: str
    message: str  # goes on after the input's name
    fix: str


def inputs_of(
    definition: NodeDefinition, given: Mapping[str, Any]
) -> Iterator[InputDefinition | Gap]:
    """The inputs with their full names, as ComfyUI checks them for these values, and the gaps."""
    for one in definition.inputs:
        yield from _expanded(one, given)


def _expanded(one: InputDefinition, given: Mapping[str, Any]) -> Iterator[InputDefinition | Gap]:
    if one.type == _GROWS:
        yield from _members(one, given)
    elif one.type == _CHOOSES:
        yield from _option(one, given)
    elif one.type != _OPENS:
        yield one
    elif one.name in given:
        yield replace(one, type=str(one.options.get("slotType") or "*"))
        yield from _nested(one.name, one.options.get("inputs"), given)


def _members(one: InputDefinition, given: Mapping[str, Any]) -> Iterator[InputDefinition | Gap]:
    """ComfyUI itself asks for no member: it looks at those that are there."""
    template = mapping(one.options.get("template"))
    least = template.get("min")
    if isinstance(names := template.get("names"), list):
        names = [f"{one.name}.{name}" for name in names]
    else:
        most = template.get("max")
        numbers = range(min(most, _MOST_MEMBERS) if isinstance(most, int) else 0)
        names = [f"{one.name}.{template.get('prefix')}{number}" for number in numbers]
    there = [name for name in names if name in given]
    spec = next(
        (
            spec
            for section in mapping(template.get("input")).values()
            for spec in mapping(section).values()
        ),
        None,
    )
    for name in there:
        yield input_definition(name, sequence(spec), one.required)
    if isinstance(least, int) and len(there) < least and (one.required or there):
        lacking = next((name for name in names if name not in given), one.name)
        yield Gap(one.name, f"has {len(there)} of at least {least}", f"connect `{lacking}`")


def _option(one: InputDefinition, given: Mapping[str, Any]) -> Iterator[InputDefinition | Gap]:
    """ComfyUI passes over the input where nothing, or no option's key, is given."""
    options = [mapping(option) for option in sequence(one.options.get("options"))]
    value = given.get(one.name)
    for option in options:
        if one.name in given and option.get("key") == value:
            yield one
            yield from _nested(one.name, option.get("inputs"), given)
            return
    keys = [str(option.get("key")) for option in options]
    if one.name in given:
        hint = did_you_mean(str(value), keys)
        message = f"is `{shown(value)}`, which the node does not offer{hint}"
    elif one.required:
        message = "has no value"
    else:
        return
    yield Gap(one.name, message, f"choose one of: {', '.join(keys)}")


def _nested(
    prefix: str, sections: Any, given: Mapping[str, Any]
) -> Iterator[InputDefinition | Gap]:
    for section in ("required", "optional"):
        for name, spec in mapping(mapping(sections).get(section)).items():
            inner = input_definition(f"{prefix}.{name}", sequence(spec), section == "required")
            yield from _expanded(inner, given)
