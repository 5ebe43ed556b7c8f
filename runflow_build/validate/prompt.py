"""Would ComfyUI take the prompt? Its own checks, made before anybody calls the endpoint.

Two things no definition says. Classes that check values by themselves (VALIDATE_INPUTS) are held to
what they declare. A combo that its class writes as a bare list takes links of an equal list only;
here it takes those of any combo.
Source: ComfyUI 0.8.0 at 3cd7b32f, execution.py `validate_prompt`, comfy_execution/validation.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..findings import Finding, Where
from ..workflow.definitions import COMBO, DEFINE, Definitions, InputDefinition, NodeDefinition
from ..workflow.model import Prompt, where_in
from ..workflow.reach import link_of
from .expansion import Gap, inputs_of
from .literals import has_own_choices, misfit

_ANY = "*"
_MATCHED_BY_EDITOR = "COMFY_MATCHTYPE_V3"  # ComfyUI leaves these to its frontend


def prompt_findings(
    prompt: Prompt,
    definitions: Definitions,
    files: Collection[tuple[str, str]] = (),
) -> Iterator[Finding]:
    """Everything that ComfyUI would refuse, and `node-incomplete` for what it takes and cannot run.

    Like ComfyUI, this looks at what an output node needs, at the values of inputs that a class
    declares, and at no others. `files` are the (node id, field) places that name files: whether
    those are there is not asked.
    """
    known = {node_id: definitions.get(node["class_type"]) for node_id, node in prompt.items()}
    for node_id, definition in known.items():
        if definition is None:
            yield _unknown_class(prompt, node_id)
    if outputs := _outputs(known):
        needed = _needed(prompt, known, outputs)
    else:
        yield _no_output(prompt)
        needed = set(prompt)
    for node_id, definition in known.items():
        if definition is None or node_id not in needed:
            continue
        given = prompt[node_id]["inputs"]
        for one in inputs_of(definition, given):
            if isinstance(one, Gap):
                yield _incomplete(prompt, node_id, one)
            elif one.name not in given:
                yield from _absent(prompt, node_id, one)
            elif isinstance(given[one.name], list):
                yield from _wrong_link(prompt, known, node_id, one)
            elif (node_id, one.name) not in files:
                yield from _wrong_value(prompt, definitions, node_id, one)


Known = Mapping[str, NodeDefinition | None]


def _outputs(known: Known) -> list[str]:
    """Where ComfyUI starts from; a node of unknown class may be an output, too."""
    return [
        node_id
        for node_id, definition in known.items()
        if definition is None or definition.output_node
    ]


def _needed(prompt: Prompt, known: Known, outputs: Collection[str]) -> set[str]:
    """The outputs, and what feeds them through inputs that their classes declare."""
    found: set[str] = set()
    waiting = list(outputs)
    while waiting:
        node_id = waiting.pop()
        if node_id in found:
            continue
        found.add(node_id)
        given, definition = prompt[node_id]["inputs"], known[node_id]
        names = given if definition is None else _names(definition, given)
        links = (link_of(given.get(name)) for name in names)
        waiting.extend(link[0] for link in links if link and link[0] in prompt)
    return found


def _names(definition: NodeDefinition, given: Mapping[str, Any]) -> Iterator[str]:
    return (one.name for one in inputs_of(definition, given) if not isinstance(one, Gap))


def _unknown_class(prompt: Prompt, node_id: str) -> Finding:
    class_type = prompt[node_id]["class_type"]
    return Finding(
        "node-class-unknown",
        f"no definition of the class {class_type}; what node {node_id} takes cannot be checked",
        where_in(prompt, node_id),
        fix=DEFINE,
    )


def _no_output(prompt: Prompt) -> Finding:
    return Finding(
        "prompt-no-output",
        "no node of the workflow gives anything out, so ComfyUI has nothing to run",
        where_in(prompt, next(iter(prompt))) if prompt else Where(),
        fix="add a Runflow Output Image node where the result is",
    )


def _incomplete(prompt: Prompt, node_id: str, gap: Gap) -> Finding:
    return Finding(
        "node-incomplete",
        f"`{gap.input}` of node {node_id} {gap.message}; ComfyUI takes the prompt all the same, "
        "and the node may fail",
        where_in(prompt, node_id, gap.input),
        fix=gap.fix,
    )


def _absent(prompt: Prompt, node_id: str, one: InputDefinition) -> Iterator[Finding]:
    if one.required:
        yield Finding(
            "required-input-missing",
            f"`{one.name}` of node {node_id} has neither a link nor a value, and needs one",
            where_in(prompt, node_id, one.name),
            fix="choose a value"
            if one.type == COMBO
            else f"connect something that gives {one.type}",
        )


def _wrong_link(
    prompt: Prompt, known: Known, node_id: str, one: InputDefinition
) -> Iterator[Finding]:
    link = link_of(prompt[node_id]["inputs"][one.name])
    where = where_in(prompt, node_id, one.name)
    if link is None:
        yield Finding(
            "value-wrong-type",
            f"`{one.name}` of node {node_id} is a list, which ComfyUI takes for a link",
            where,
            fix='write a list that is a value as {"__value__": […]}',
        )
        return
    origin, slot = link
    definition = known.get(origin)
    if definition is None:  # of unknown class, or not among the nodes that are looked at
        return
    given, also = definition.outputs, (("from", where_in(prompt, origin).node_text()),)
    if not -len(given) <= slot < len(given):  # Python's own rule, and so ComfyUI's
        what = f"output {slot} of node {origin}, which has no such output"
        yield Finding(
            "link-dangling",
            f"the link into `{one.name}` of node {node_id} comes from "
            f"{what if given else f'node {origin}, which gives nothing'}",
            where,
            also=also,
            fix="connect the input again in ComfyUI, and save",
        )
    elif not _fits(given[slot], one.type):
        yield Finding(
            "link-type-mismatch",
            f"`{one.name}` of node {node_id} takes {one.type}, but gets {given[slot]}",
            where,
            also=also,
            fix=f"connect something that gives {one.type}",
        )


def _fits(given: str, wanted: str) -> bool:
    """Whether an output of one type may feed an input of the other; both may be several types."""
    if given == wanted or _MATCHED_BY_EDITOR in (given, wanted):
        return True
    given_types = {part.strip() for part in given.split(",")}
    wanted_types = {part.strip() for part in wanted.split(",")}
    return bool(given_types & wanted_types) or _ANY in given_types | wanted_types


def _wrong_value(
    prompt: Prompt, definitions: Definitions, node_id: str, one: InputDefinition
) -> Iterator[Finding]:
    value, class_type = prompt[node_id]["inputs"][one.name], prompt[node_id]["class_type"]
    choices = has_own_choices(definitions, class_type, one, value)
    if found := misfit(one, value, class_type, choices):
        yield Finding(
            found.code,
            f"`{one.name}` of node {node_id} {found.message}",
            where_in(prompt, node_id, one.name),
            fix=found.fix,
        )
