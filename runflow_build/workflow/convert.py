"""A workflow of either format to the prompt that ComfyUI executes.

An editor graph is opened and sent as ComfyUI's own editor would do it (`workflow.editor`); a prompt
file is taken as it is.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import digest
from ..errors import WorkflowError
from ..findings import Finding, Where
from .definitions import Definitions, Source
from .drawing import KINDS, drawn_fields, marked
from .editor.opening import Opening
from .editor.sending import Sending
from .editor.settling import settle
from .model import Prompt, Workflow, where_in
from .reach import cycles, link_of


@dataclass(frozen=True)
class Conversion:
    """A prompt, and what there is to know about it."""

    prompt: Prompt  # ids in the editor's order; incomplete where there are errors
    errors: tuple[Finding, ...]  # why there is no prompt to rely on
    notes: tuple[Finding, ...]  # where it rests on less than certainty, or differs from the canvas
    sources: Mapping[str, Source | None]  # layer of each node's definition; None: its own slots


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python look for no circles of garbage meanwhile.

    Nearly all that a conversion makes is in use until its end, and each look goes through all that
    there is: with 10,000 nodes more than half of the time.
    """
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looking:
            gc.enable()


@_uncollected()
def convert(workflow: Workflow, definitions: Definitions) -> Conversion:
    """Convert a workflow; whatever is wrong with it is a finding.

    Errors: `node-malformed`, `link-dangling`, `wire-loop`, `subgraph-cycle`, `group-nested`,
    `link-type-conflict`, `workflow-too-large`. Notes: all other findings of conversion.
    """
    if workflow.format == "graph":
        opening = Opening(workflow.data, definitions)
        canvas = opening.canvas()
        settle(canvas, opening)
        sending = Sending(canvas)
        prompt = sending.prompt()
        errors = [*opening.errors, *sending.errors]
        notes = [*opening.notes, *sending.notes]
    else:
        prompt, errors = _read_prompt(workflow.data)
        errors = errors or _dangling(prompt)
        notes = []
    notes += _circles(prompt)
    sources = {node: definitions.source(body["class_type"]) for node, body in prompt.items()}
    return Conversion(
        prompt,
        tuple(finding.in_file(workflow.path) for finding in errors),
        tuple(finding.in_file(workflow.path) for finding in notes),
        sources,
    )


def prompt_of(workflow: Workflow, definitions: Definitions) -> Prompt:
    """The prompt of a workflow, ids in the editor's order.

    Raises WorkflowError with all errors of `convert`.
    """
    conversion = convert(workflow, definitions)
    if conversion.errors:
        raise WorkflowError(*conversion.errors)
    return conversion.prompt


def guesses(workflow: Workflow, definitions: Definitions) -> list[Finding]:
    """Where the prompt rests on less than certainty, or is not what its author sees."""
    return list(convert(workflow, definitions).notes)


def prompt_digest(prompt: Prompt) -> str:
    """sha256 of what is executed: classes, inputs and what is drawn anew, without titles."""
    return digest.of({node: _executed(body) for node, body in prompt.items()})


def _executed(body: Mapping[str, Any]) -> dict[str, Any]:
    executed = {"class_type": body["class_type"], "inputs": body["inputs"]}
    drawn = drawn_fields(body)
    return {**executed, "drawn": drawn} if drawn else executed


def _read_prompt(data: Mapping[str, Any]) -> tuple[Prompt, list[Finding]]:
    """A prompt file's nodes, reduced to what a prompt holds; marks of what is drawn are kept."""
    prompt: Prompt = {}
    findings = []
    for node, body in data.items():
        problem = _problem(body)
        if problem:
            findings.append(
                Finding(
                    "node-malformed",
                    f"{node!r} is not a node: {problem}",
                    Where(key=(node,), node=node),
                    fix="export the workflow from ComfyUI again: Workflow > Export (API)",
                )
            )
            continue
        inputs = dict(body.get("inputs") or {})
        prompt[node] = {"class_type": body["class_type"], "inputs": inputs}
        meta = body.get("_meta")
        if isinstance(meta, dict) and isinstance(meta.get("title"), str):
            prompt[node]["_meta"] = {"title": meta["title"]}
        drawn = {
            name: kind
            for name, kind in drawn_fields(body).items()
            if kind in KINDS and isinstance(inputs.get(name), str)
        }
        if drawn:
            prompt[node] = marked(prompt[node], drawn)
    return prompt, findings


def _problem(body: Any) -> str | None:
    if not isinstance(body, dict):
        return "it is no mapping"
    if not isinstance(body.get("class_type"), str) or not body["class_type"]:
        return "it has no `class_type`; its class was unknown where the file was exported"
    if not isinstance(body.get("inputs") or {}, dict):
        return "its `inputs` are no mapping"
    return None


def _dangling(prompt: Prompt) -> list[Finding]:
    """A finding for each link from a node that does not exist."""
    findings = []
    for node, body in prompt.items():
        for name, value in body["inputs"].items():
            link = link_of(value)
            if link is None or link[0] in prompt:
                continue
            findings.append(
                Finding(
                    "link-dangling",
                    f"the link into `{name}` of node {node} comes from node {link[0]}, which does "
                    "not exist",
                    where_in(prompt, node, name),
                    fix="connect the input again in ComfyUI, and export",
                )
            )
    return findings


def _circles(prompt: Prompt) -> list[Finding]:
    """A finding for each circle, which the editor sends and ComfyUI refuses."""
    return [
        Finding(
            "link-cycle",
            f"nodes feed each other in a circle: {' -> '.join([*circle, circle[0]])}",
            where_in(prompt, circle[0]),
            fix="disconnect one of these links in ComfyUI",
        )
        for circle in cycles(prompt)
    ]
