"""A prompt to the steps that its outputs need, checked as ComfyUI checks before it runs anything.

Source of the kinds of errors: execution.py validate_prompt and validate_inputs at 3cd7b32f. Three
differences: one wrong node refuses the whole prompt, where ComfyUI would run the outputs that do
not need it; a number must be finite; what must come by a link cannot be a literal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import EngineError
from ...findings import Finding, Where
from ...workflow.definitions import Definitions, InputDefinition, NodeDefinition
from ...workflow.model import Prompt
from ...workflow.reach import link_of
from ..base import Lack, RunFolders, lacking_code
from .extras import INSTALL, installed
from .input_files import input_file
from .literals import LiteralError, literal
from .node_class import NodeClass, NodeError

ELSEWHERE = "run this prompt on ComfyUI"


@dataclass(frozen=True)
class Link:
    """Output `slot` of `node`."""

    node: str
    slot: int


@dataclass(frozen=True)
class Step:
    """One node that has passed all checks, ready to be called."""

    node: str
    title: str | None
    class_type: str
    node_class: NodeClass
    literals: Mapping[str, Any]
    links: Mapping[str, Link]
    required: frozenset[str] = frozenset()  # those of the links that must give something
    lazy: frozenset[str] = frozenset()  # those that are followed only when asked for
    output: bool = False
    files: Mapping[str, Path] = field(default_factory=dict)  # what its literals name

    def where(self) -> Where:
        return Where(node=self.node, title=self.title, class_type=self.class_type)


@dataclass(frozen=True)
class Known:
    """The classes that the engine has, each with what its inputs take."""

    classes: Mapping[str, NodeClass]
    definitions: Definitions

    def get(self, class_type: str) -> tuple[NodeClass, NodeDefinition] | None:
        node_class, definition = self.classes.get(class_type), self.definitions.get(class_type)
        return None if node_class is None or definition is None else (node_class, definition)


def lacking(content: Mapping[str, Any], known: Known) -> Iterator[tuple[Lack, str | None]]:
    """What a node asks for and the engine does not have, with the input that asks for it."""
    class_type, inputs = content["class_type"], content["inputs"]
    found = known.get(class_type)
    if found is None:
        yield Lack(class_type), None
        return
    node_class = found[0]
    if node_class.package and not installed(node_class.package):
        yield Lack(class_type, node_class.package), None
    for name, packages in node_class.option_packages.items():
        value = inputs.get(name)
        package = packages.get(value) if isinstance(value, str) else None
        if package and not installed(package):
            yield Lack(f"{class_type} with {name} {value}", package), name


def well_formed(content: Any) -> bool:
    """Whether it is a node of a prompt: a class and inputs."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("class_type"), str)
        and isinstance(content.get("inputs"), dict)
    )


def plan(prompt: Prompt, known: Known, folders: RunFolders) -> list[Step]:
    """The nodes that the output nodes need, each after those that feed it.

    Raises EngineError with all findings of the first check that fails: the prompt's shape, what
    the engine lacks (`engine-class-missing`, `engine-extra-missing`), circles, then every input
    of every needed node (`prompt-invalid`, with ComfyUI's name for the kind).
    """
    _raise(_malformed(prompt))
    _raise(_missing(prompt, known))
    parsed = {node: known.get(content["class_type"]) for node, content in prompt.items()}
    definitions = {node: found[1] for node, found in parsed.items() if found}
    order = _order(prompt, definitions)
    findings: dict[str, list[Finding]] = {}
    steps = []
    for node in order:
        check = _NodeCheck(prompt, definitions, node, known, folders)
        steps.append(check.step())
        findings[node] = check.findings
    _raise(one for node in prompt for one in findings.get(node, ()))
    return steps


def _raise(findings: Iterable[Finding]) -> None:
    if found := list(findings):
        raise EngineError(*found)


def _malformed(prompt: Prompt) -> Iterator[Finding]:
    for node, content in prompt.items():
        if not well_formed(content):
            message = "the node has no class_type, or its inputs are not a mapping"
            yield _invalid("invalid_prompt", message, Where(node=str(node)))


def _missing(prompt: Prompt, known: Known) -> Iterator[Finding]:
    for node, content in prompt.items():
        for lack, field_name in lacking(content, known):
            fix = ELSEWHERE if lack.package is None else f"{INSTALL}, or {ELSEWHERE}"
            where = _where(node, content, field_name)
            yield Finding(lacking_code([lack]), lack.text("embedded"), where, fix=fix)


def _order(prompt: Prompt, definitions: Mapping[str, NodeDefinition]) -> list[str]:
    """The needed nodes, sources first; iterative, because a chain may be thousands long."""
    outputs = [node for node in prompt if definitions[node].output_node]
    if not outputs:
        raise EngineError(_invalid("prompt_no_outputs", "the prompt has no output node", Where()))
    order: list[str] = []
    done: set[str] = set()
    for output in outputs:
        way = {output: _sources(prompt, definitions, output)}  # in order of insertion
        while way:
            node = next(reversed(way))
            source = next(way[node], None)
            if source is None:
                del way[node]
                done.add(node)
                order.append(node)
            elif source in way:
                circle = [*way][[*way].index(source) :]
                raise EngineError(_circle(prompt, circle))
            elif source not in done:
                way[source] = _sources(prompt, definitions, source)
    return order


def _sources(prompt: Prompt, definitions: Mapping[str, NodeDefinition], node: str) -> Iterator[str]:
    inputs = prompt[node]["inputs"]
    links = (link_of(inputs.get(one.name)) for one in definitions[node].inputs)
    return iter([link[0] for link in links if link and link[0] in prompt])


def _circle(prompt: Prompt, circle: list[str]) -> Finding:
    names = ", ".join(circle[:8]) + (" …" if len(circle) > 8 else "")
    message = f"{len(circle)} nodes feed each other in a circle: {names}"
    if len(circle) == 1:
        message = "the node feeds itself"
    return _invalid("dependency_cycle", message, _where(circle[0], prompt[circle[0]]))


class _NodeCheck:
    """Checks the inputs of one node; collects findings, and what the step is made of."""

    def __init__(
        self,
        prompt: Prompt,
        definitions: Mapping[str, NodeDefinition],
        node: str,
        known: Known,
        folders: RunFolders,
    ) -> None:
        self.prompt = prompt
        self.definitions = definitions
        self.node = node
        self.content = prompt[node]
        self.node_class = known.classes[self.content["class_type"]]
        self.folders = folders
        self.files: dict[str, Path] = {}
        self.findings: list[Finding] = []

    def step(self) -> Step:
        """The step; not to be used when there are findings."""
        literals: dict[str, Any] = {}
        links: dict[str, Link] = {}
        definition = self.definitions[self.node]
        for one in definition.inputs:
            if one.name not in self.content["inputs"]:
                if one.required:
                    message = f"the required input {one.name} is missing"
                    self._find("required_input_missing", message, one)
                continue
            value = self.content["inputs"][one.name]
            if isinstance(value, list):
                self._check_link(one, value, links)
            else:
                self._check_literal(one, value, literals)
        where = _where(self.node, self.content)
        linked = [one for one in definition.inputs if one.name in links]
        return Step(
            self.node,
            where.title,
            self.content["class_type"],
            self.node_class,
            literals,
            links,
            frozenset(one.name for one in linked if one.required),
            frozenset(one.name for one in linked if one.options.get("lazy")),
            definition.output_node,
            self.files,
        )

    def _check_link(self, one: InputDefinition, value: Any, links: dict[str, Link]) -> None:
        link = link_of(value)
        if link is None:
            message = f"{one.name} is a list, and not a link [node id, slot]"
            kind = self._stumbled() if len(value) == 2 else "bad_linked_input"
            return self._find(kind, message, one)
        node, slot = link
        if node not in self.prompt:
            message = f"{one.name} is linked to node {node}, which does not exist"
            return self._find(self._stumbled(), message, one)
        outputs = self.definitions[node].outputs
        source = _where(node, self.prompt[node]).node_text()
        if not 0 <= slot < len(outputs):
            message = f"{one.name} is linked to output {slot} of {source}, which does not exist"
            return self._find(self._stumbled(), message, one)
        if not _fits(outputs[slot], one.type):
            message = f"{one.name} takes {one.type} and is linked to {outputs[slot]} of {source}"
            return self._find("return_type_mismatch", message, one)
        links[one.name] = Link(node, slot)
        return None

    def _stumbled(self) -> str:
        """ComfyUI does not look for a link's end: its own check fails there, and says so."""
        output = self.definitions[self.node].output_node
        return "exception_during_validation" if output else "exception_during_inner_validation"

    def _check_literal(self, one: InputDefinition, value: Any, literals: dict[str, Any]) -> None:
        names_file = one.name in self.node_class.files and isinstance(value, str)
        try:
            literals[one.name] = value if names_file else literal(one, value)
            if names_file:
                self.files[one.name] = input_file(self.folders, value)
        except LiteralError as error:
            self._find(error.kind, str(error), one)
        except NodeError as error:
            self._find("custom_validation_failed", str(error), one, error.fix)

    def _find(self, kind: str, message: str, one: InputDefinition, fix: str | None = None) -> None:
        where = _where(self.node, self.content, one.name)
        self.findings.append(_invalid(kind, message, where, fix))


def _fits(given: str, wanted: str) -> bool:
    """Whether two type names, each perhaps several joined by commas, have one in common."""
    ours = {one.strip() for one in given.split(",")}
    theirs = {one.strip() for one in wanted.split(",")}
    return not _ANY.isdisjoint(ours | theirs) or not ours.isdisjoint(theirs)


_ANY = frozenset({"*", "COMFY_MATCHTYPE_V3"})  # the second: a switch takes the type of its links


def _invalid(kind: str, message: str, where: Where, fix: str | None = None) -> Finding:
    return Finding("prompt-invalid", message, where, also=(("kind", kind),), fix=fix)


def _where(node: str, content: Mapping[str, Any], field: str | None = None) -> Where:
    meta = content.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    return Where(
        node=str(node),
        title=title if isinstance(title, str) else None,
        class_type=content["class_type"],
        field=field,
    )
