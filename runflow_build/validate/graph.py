"""Would ComfyUI take the prompt? Its own checks, made before anybody calls the endpoint.

Source: ComfyUI 0.8.0 at 3cd7b32f, execution.py `validate_inputs` and comfy_execution/validation.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from ..findings import Finding, Where
from ..redact import shown
from ..workflow.convert import guesses
from ..workflow.definitions import COMBO, DEFINE, UPLOADS, InputDefinition, NodeDefinition
from ..workflow.reach import link_of
from .endpoint import Endpoint

_ANY = "*"
_MATCHED_BY_EDITOR = "COMFY_MATCHTYPE_V3"  # ComfyUI leaves these to its frontend
_GROWING = ("COMFY_AUTOGROW_V3", "COMFY_DYNAMICSLOT_V3")  # stand in a prompt as `name.member`
_UPLOADS = (*UPLOADS, "file_upload")
_FILE_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,11}$")
_LISTED = 12  # choices that a fix names


def findings(endpoint: Endpoint) -> Iterator[Finding]:
    """What ComfyUI would refuse in the served part of the prompt, and what it would not run."""
    yield from _unknown_classes(endpoint)
    yield from _output_nodes(endpoint)
    files = _file_fields(endpoint)
    for node_id in endpoint.prompt:
        definition = endpoint.definitions.get(endpoint.prompt[node_id]["class_type"])
        if definition is None or node_id not in endpoint.served:
            continue
        inputs = endpoint.prompt[node_id]["inputs"]
        for one in definition.inputs:
            if one.name not in inputs:
                yield from _absent(endpoint, node_id, one)
            elif link := link_of(inputs[one.name]):
                yield from _wrong_link(endpoint, node_id, one, link)
            elif (node_id, one.name) not in files:
                yield from _wrong_value(endpoint, node_id, one, inputs[one.name])


def _unknown_classes(endpoint: Endpoint) -> Iterator[Finding]:
    """What conversion guessed; a prompt file is taken as it is, so its classes are looked up."""
    for guess in guesses(endpoint.workflow, endpoint.definitions):
        if guess.where.node in endpoint.served:
            yield guess
    if endpoint.workflow.format == "graph":
        return
    for node_id, node in endpoint.prompt.items():
        if node_id in endpoint.served and endpoint.definitions.get(node["class_type"]) is None:
            yield Finding(
                "node-class-unknown",
                f"no definition of the class {node['class_type']}; what node {node_id} takes "
                "cannot be checked",
                endpoint.where(node_id),
                fix=DEFINE,
            )


def _output_nodes(endpoint: Endpoint) -> Iterator[Finding]:
    """Nodes that ComfyUI would start from."""
    known = {
        node_id: definition
        for node_id, node in endpoint.prompt.items()
        if (definition := endpoint.definitions.get(node["class_type"]))
    }
    outputs = [node_id for node_id, definition in known.items() if definition.output_node]
    if not outputs and len(known) == len(endpoint.prompt):
        yield Finding(
            "prompt-no-output",
            "no node of the workflow gives anything out, so ComfyUI has nothing to run",
            endpoint.where(next(iter(known))) if known else endpoint.file,
            fix="add a Runflow Output Image node where the result is",
        )
    for node_id in outputs:
        if node_id not in endpoint.served:
            yield Finding(
                "output-dropped",
                f"node {node_id} does not run: no output of the endpoint needs it",
                endpoint.where(node_id),
                fix=f"nothing; or, to run it all the same, add its id to `keep` of {endpoint.slug}",
            )


def _absent(endpoint: Endpoint, node_id: str, one: InputDefinition) -> Iterator[Finding]:
    if not one.required or one.type.startswith(_GROWING):
        return
    yield Finding(
        "required-input-missing",
        f"`{one.name}` of node {node_id} has neither a link nor a value, and needs one",
        endpoint.where(node_id, one.name),
        fix=f"connect something that gives {one.type}" if one.type != COMBO else "choose a value",
    )


def _wrong_link(
    endpoint: Endpoint, node_id: str, one: InputDefinition, link: tuple[str, int]
) -> Iterator[Finding]:
    origin, slot = link
    definition = endpoint.definitions.get(endpoint.prompt[origin]["class_type"])
    if definition is None:
        return
    if not 0 <= slot < len(definition.outputs):
        yield Finding(
            "link-dangling",
            f"the link into `{one.name}` of node {node_id} comes from output {slot} of node "
            f"{origin}, which has no such output",
            endpoint.where(node_id, one.name),
            also=(("from", endpoint.where(origin).node_text()),),
            fix="connect the input again in ComfyUI, and save",
        )
        return
    if _fits(definition, slot, one.type):
        return
    given = definition.outputs[slot]
    yield Finding(
        "link-type-mismatch",
        f"`{one.name}` of node {node_id} takes {one.type}, but gets {_type_text(given)}",
        endpoint.where(node_id, one.name),
        also=(("from", endpoint.where(origin).node_text()),),
        fix=f"connect something that gives {one.type}",
    )


def _fits(origin: NodeDefinition, slot: int, wanted: str) -> bool:
    given = origin.outputs[slot]
    if _is_list(given) or given == COMBO:
        return wanted == COMBO or _ANY in wanted.split(",")
    given_types = {part.strip() for part in given.split(",")}
    wanted_types = {part.strip() for part in wanted.split(",")}
    free = {_ANY, _MATCHED_BY_EDITOR}
    return bool(given_types & wanted_types or free & (given_types | wanted_types))


def _is_list(type_: str) -> bool:
    """Whether an output's type is written as the list of choices that it gives."""
    return type_.startswith("[")


def _type_text(type_: str) -> str:
    return COMBO if _is_list(type_) else type_


def _wrong_value(
    endpoint: Endpoint, node_id: str, one: InputDefinition, value: Any
) -> Iterator[Finding]:
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    where = endpoint.where(node_id, one.name)
    what = f"`{one.name}` of node {node_id}"
    if one.type in ("INT", "FLOAT"):
        number = _as_number(one.type, value)
        if number is None:
            yield Finding(
                "value-wrong-type",
                f"{what} must be {'a whole' if one.type == 'INT' else 'a'} number",
                where,
                fix="set the value again in ComfyUI, and save",
            )
            return
        yield from _outside(one, number, what, where)
    elif one.type == COMBO and _is_static(one, value) and value not in (one.choices or ()):
        yield Finding(
            "value-not-in-list",
            f"{what} is `{shown(value)}`, which {where.class_type} does not offer",
            where,
            fix=_choose(one, value),
        )


def _as_number(type_: str, value: Any) -> int | float | None:
    """The value as ComfyUI converts it, or None where it fails. It takes "7" and 7.9 for an INT."""
    try:
        return int(value) if type_ == "INT" else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _outside(
    one: InputDefinition, number: int | float, what: str, where: Where
) -> Iterator[Finding]:
    low, high = one.options.get("min"), one.options.get("max")
    if isinstance(low, (int, float)) and number < low:
        limit = f"at least {low}"
    elif isinstance(high, (int, float)) and number > high:
        limit = f"at most {high}"
    else:
        return
    yield Finding(
        "value-out-of-range",
        f"{what} is {shown(number)}; {where.class_type} takes {limit}",
        where,
        fix=f"set it to {limit}",
    )


def _is_static(one: InputDefinition, value: Any) -> bool:
    """Whether the choices are the class's own, not the files of one machine."""
    if not one.choices or one.options.get("remote") or one.options.get("multiselect"):
        return False
    if any(one.options.get(upload) for upload in _UPLOADS):
        return False
    return not any(
        isinstance(text, str) and _FILE_NAME.search(text) for text in (value, *one.choices)
    )


def _choose(one: InputDefinition, value: Any) -> str:
    texts = [str(choice) for choice in one.choices or ()]
    near = get_close_matches(str(value)[:100], texts, n=1, cutoff=0.7)
    if near:
        return f"choose `{near[0]}`"
    listed = ", ".join(shown(text) for text in texts[:_LISTED])
    return f"choose one of: {listed}{', …' if len(texts) > _LISTED else ''}"


def _file_fields(endpoint: Endpoint) -> Collection[tuple[str, str]]:
    """Fields that name models or input files: whether those exist is for the lock to say."""
    needs = endpoint.needs
    models = {(row.node, row.field) for row in needs.models}
    return models | {(row.node, row.field) for row in needs.resources}
