"""What stood in the editor, kept as something that can be run: prompt, contract, what is wrong.

The graph itself is not kept: nothing that a person typed into a note, a title or a Deploy node has
any business in a file of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal

from ..document import Document
from ..errors import RunflowError
from ..findings import Finding, has_errors
from ..lock.needs import needs_of
from ..project.definitions import answered, combined
from ..spec.model import ComfyUIWish, EndpointWish, Spec
from ..tasks.from_editor import graph_bytes, slug_named
from ..validate import contract as contract_rules
from ..validate import graph as graph_rules
from ..validate.endpoint import Endpoint
from ..workflow.classes import classes_in_use
from ..workflow.contract import contract_of
from ..workflow.contract_model import Contract
from ..workflow.declared import default_of
from ..workflow.definitions import Definitions
from ..workflow.formats import read_workflow
from ..workflow.model import Prompt
from ..workflow.reach import link_of

FILE = "workflow"  # what findings call the graph: it has no file
_LONG_TEXT = 60  # characters from which on a text wants more than one line
_ELSEWHERE = ("output-dropped", "prompt-no-output")  # no matter here, or said already

Nodes = Callable[[Collection[str]], Mapping[str, Any]]  # of classes, as /object_info has them


class Capture(Document):
    """One graph at one moment."""

    version: Literal[1] = 1
    slug: str
    name: str  # as it was typed
    mark: str  # the editor's own digest of the graph: whether it has changed since
    captured_at: str  # ISO 8601, UTC
    prompt: dict[str, Any]  # the author's, test wiring included; empty where nothing can run
    contract: Contract
    multiline: list[str]  # inputs whose text wants several lines
    findings: list[dict[str, Any]]  # as Finding.to_json
    runnable: bool  # no finding stands in the way

    def node_titles(self) -> dict[str, str]:
        """What a person calls each node."""
        return {node: _title(body) for node, body in self.prompt.items()}

    def is_wired(self, name: str) -> bool:
        """Whether the input has a value in the graph that no form can show."""
        row = self.contract.inputs[name]
        value = self.prompt[row.node]["inputs"].get(row.field)
        return link_of(value) is not None and default_of(self.prompt, row) is None


def captured(
    name: str, graph: Mapping[str, Any], nodes: Nodes, comfyui: str | None, *, mark: str, now: str
) -> Capture:
    """Capture a graph as the editor saves it; what is wrong with it is in the capture.

    `nodes` are those of the running ComfyUI, `comfyui` its version.

    Raises UsageError `slug-invalid`, for the name alone.
    """
    slug = slug_named(name)
    prompt: Prompt = {}
    contract = Contract()
    multiline: list[str] = []
    findings: list[Finding]
    try:
        endpoint = _endpoint(slug, graph, nodes, comfyui)
    except RunflowError as error:
        findings, runnable = list(error.findings), False
    else:
        prompt, contract = endpoint.prompt, endpoint.contract
        blocking, others = _findings(endpoint)
        findings, runnable = [*blocking, *others], not has_errors(blocking)
        multiline = [key for key in contract.inputs if _is_long(key, endpoint)]
    return Capture(
        slug=slug,
        name=name.strip(),
        mark=mark,
        captured_at=now,
        prompt=prompt,
        contract=contract,
        multiline=multiline,
        findings=[one.to_json() for one in dict.fromkeys(findings)],
        runnable=runnable,
    )


def _endpoint(slug: str, graph: Mapping[str, Any], nodes: Nodes, comfyui: str | None) -> Endpoint:
    """The graph as the only endpoint of a project. Raises WorkflowError."""
    workflow = read_workflow(graph_bytes(graph), FILE)
    definitions = combined(answered(nodes(classes_in_use(workflow)), comfyui), comfyui)
    wish = EndpointWish(workflow=FILE)
    spec = Spec(version=1, comfyui=ComfyUIWish(ref="main"), endpoints={slug: wish})
    needs = needs_of(slug, spec, workflow, definitions)
    return Endpoint(slug, wish, workflow, definitions, needs)


def _findings(endpoint: Endpoint) -> tuple[list[Finding], list[Finding]]:
    """Those of which an error stands in the way of a run, and the others.

    Of a value or class that ComfyUI would refuse, ComfyUI has the last word.
    """
    prompt, definitions = endpoint.prompt, endpoint.definitions
    _, declared = contract_of(prompt, endpoint.wish, definitions, endpoint.slug)
    blocking = [*declared, *contract_rules.findings(endpoint)]
    others: Iterable[Finding] = graph_rules.findings(endpoint)
    return blocking, [one for one in others if one.code not in _ELSEWHERE]


def _is_long(name: str, endpoint: Endpoint) -> bool:
    """Whether a text has several lines, is long, or goes where texts have several lines."""
    prompt, row = endpoint.prompt, endpoint.contract.inputs[name]
    if row.type != "STRING" or row.choices:
        return False
    text = str(default_of(prompt, row) or "")
    if "\n" in text or len(text) > _LONG_TEXT:
        return True
    return any(
        _takes_lines(endpoint.definitions, body["class_type"], field)
        for body in prompt.values()
        for field, value in body["inputs"].items()
        if (link := link_of(value)) and link[0] == row.node
    )


def _takes_lines(definitions: Definitions, class_type: str, field: str) -> bool:
    definition = definitions.get(class_type)
    known = definition.input(field) if definition else None
    return bool(known and known.options.get("multiline"))


def _title(body: Mapping[str, Any]) -> str:
    return str(body.get("_meta", {}).get("title") or body["class_type"])
