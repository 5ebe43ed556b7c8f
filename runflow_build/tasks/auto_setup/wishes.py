"""What the graph in the editor asks of the ComfyUI that shows it: node classes and model files.

Unlike an endpoint, the editor wants all of the graph: a node that is muted or that no output needs
is red all the same while its class is missing. Models count only where nodes would load them now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...errors import WorkflowError
from ...findings import Finding, Where
from ...lock.needs import Needs
from ...project.definitions import answered, combined
from ...restore.interpreter import Interpreter
from ...sources.install import Install
from ...workflow.classes import classes_in_use
from ...workflow.contract_model import Contract
from ...workflow.convert import convert
from ...workflow.definitions import Definitions, mapping
from ...workflow.embeddings import embedding_references
from ...workflow.formats import read_workflow
from ...workflow.graph import class_of, id_text, node_rows
from ...workflow.model import Prompt, Workflow
from ...workflow.model_files import ModelReference, model_references
from ...workflow.model_rows import ModelRows
from ...workflow.node_packs import PackReference
from ...workflow.paths import below, escape, escapes, posix

FILE = "workflow.json"  # what findings call the graph
SLUG = "workflow"  # and the endpoint that it would be
_MOST_ROWS = 1000  # of models in one node


@dataclass(frozen=True)
class Running:
    """The ComfyUI that runs, and whose editor shows the graph."""

    install: Install
    version: str | None
    interpreter: Interpreter
    nodes: Callable[[Collection[str]], Mapping[str, Any]]  # of classes, as /object_info has them


@dataclass(frozen=True)
class User:
    """A node that needs something."""

    node: str
    title: str | None
    class_type: str

    @property
    def where(self) -> Where:
        return Where(node=self.node, title=self.title, class_type=self.class_type)

    def to_json(self) -> dict[str, Any]:
        return {"node": self.node, "title": self.title, "class_type": self.class_type}


@dataclass(frozen=True)
class Wishes:
    """All that the graph asks for."""

    missing: Mapping[str, list[User]]  # class that ComfyUI lacks -> its nodes
    core: frozenset[str]  # of those, the ones that another ComfyUI brings itself
    packs: Mapping[str, list[User]]  # folder of a pack that is there and in use -> nodes
    references: list[PackReference]  # what nodes of missing classes say of their pack
    models: list[ModelReference]
    findings: list[Finding] = field(default_factory=list)  # of parts that cannot be read

    def needs(self, models: list[ModelReference]) -> Needs:
        """As the resolvers take it, with these models only."""
        prompt: Prompt = {}
        for class_type, users in self.missing.items():
            for one in users:
                meta = {"_meta": {"title": one.title}} if one.title else {}
                prompt[one.node] = {"class_type": class_type, "inputs": {}, **meta}
        foreign = set(self.missing) - self.core
        return Needs(
            prompt=prompt,
            contract=Contract(),
            keep=[],
            served=set(prompt),
            classes=set(self.missing),
            defined=set(self.missing),
            foreign=foreign,
            models=models,
            resources=[],
            packs=[one for one in self.references if one.class_type in foreign],
            findings=[],
            notes=(),
        )


def wishes_of(
    graph: Mapping[str, Any], running: Running, unknown: Collection[str] | None = None
) -> Wishes:
    """Read the graph, or a prompt. `unknown` are the node types that the editor cannot show, where
    it says so: types that only its JavaScript has are none of the server's classes.

    Raises WorkflowError for what is neither.
    """
    workflow = read_workflow(_bytes(graph), FILE)
    used = classes_in_use(workflow)
    known = running.nodes(used)
    definitions = combined(answered(known, running.version), running.version)
    missing: dict[str, list[User]] = {}
    packs: dict[str, list[User]] = {}
    references = []
    for raw, user in _nodes(workflow, set(used)):
        definition = definitions.get(user.class_type) if user.class_type in known else None
        if definition and definition.pack and definitions.source(user.class_type) != "runflow":
            packs.setdefault(definition.pack, []).append(user)
        if user.class_type in known or (unknown is not None and user.class_type not in unknown):
            continue
        missing.setdefault(user.class_type, []).append(user)
        if one := _reference(mapping(raw.get("properties")), user):
            references.append(one)
    core = {name for name in missing if definitions.shipped(name)}
    core |= {one.class_type for one in references if one.is_core}
    conversion = convert(workflow, definitions)
    findings = list(conversion.errors)
    models = _models(conversion.prompt, definitions, workflow, findings)
    if workflow.format == "graph":
        models += _by_rows(workflow, missing, models, findings)
    return Wishes(missing, frozenset(core), packs, references, models, findings)


def _bytes(graph: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(graph, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise WorkflowError(_no_graph()) from None


def _no_graph() -> Finding:
    message = "what was sent is not a graph as the editor saves it"
    return Finding("workflow-unknown-format", message, fix="open the workflow in the editor again")


# -- classes


def _nodes(workflow: Workflow, used: set[str]) -> Iterator[tuple[Mapping[str, Any], User]]:
    """Each node of a class, in subgraphs and group nodes too, with what people know it by."""
    if workflow.format == "prompt":  # which says nothing of where its nodes come from
        for id, body in workflow.data.items():
            if (class_type := mapping(body).get("class_type")) in used:
                title = _word(mapping(mapping(body).get("_meta")).get("title"))
                yield {}, User(id, None if title == class_type else title, class_type)
        return
    for raw in node_rows(workflow.data):
        class_type = class_of(raw) if isinstance(raw.get("type"), str) else ""
        if class_type in used:
            title = raw.get("title")
            name = title if isinstance(title, str) and title != class_type else None
            yield raw, User(id_text(raw.get("id")) or "", name or None, class_type)


def _reference(properties: Mapping[str, Any], user: User) -> PackReference | None:
    cnr, aux = _word(properties.get("cnr_id")), _word(properties.get("aux_id"))
    if not (cnr or aux):
        return None
    version = _word(properties.get("ver"))
    return PackReference(user.class_type, cnr, aux, version, user.node, user.title)


def _word(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


# -- models


def _models(
    prompt: Prompt, definitions: Definitions, workflow: Workflow, findings: list[Finding]
) -> list[ModelReference]:
    """The files that nodes load; a name that leads out of its folder spoils no other."""
    parts: list[Prompt] = [prompt]
    try:
        model_references(prompt, definitions, workflow)
    except WorkflowError:
        parts = [{node: body} for node, body in prompt.items()]
    found: list[ModelReference] = []
    for part in parts:
        with _told(findings):
            references, unplaced = model_references(part, definitions, workflow)
            found += references
            findings += unplaced
    with _told(findings):
        found += embedding_references(prompt, definitions)
    return found


@contextmanager
def _told(findings: list[Finding]) -> Iterator[None]:
    """Keep what is wrong with a part, and go on."""
    try:
        yield
    except WorkflowError as error:
        findings += error.findings


def _by_rows(
    workflow: Workflow,
    missing: Mapping[str, list[User]],
    found: list[ModelReference],
    findings: list[Finding],
) -> Iterator[ModelReference]:
    """The files in the `properties.models` of nodes whose values nobody can name, while their
    class is missing: those whose name a value has, all where no values were saved."""
    rows_of, told = ModelRows(workflow), {(one.node, one.path.rpartition("/")[2]) for one in found}
    for raw in workflow.data["nodes"]:
        if not isinstance(raw, Mapping) or raw.get("mode") in (2, 4):
            continue
        node, properties = id_text(raw.get("id")) or "", mapping(raw.get("properties"))
        rows, values = properties.get("models"), raw.get("widgets_values")
        if class_of(raw) not in missing or not isinstance(rows, list):
            continue
        held = _texts(values)
        for row in rows[:_MOST_ROWS]:
            name = posix(_word(mapping(row).get("name")) or "")
            named = rows_of.get(node, name)
            last = name.rpartition("/")[2]
            used = not held or any(text.rpartition("/")[2] == last for text in held)
            if not (name and named.folder and used) or (node, last) in told:
                continue
            user = User(node, _word(raw.get("title")), class_of(raw))
            if escapes(name) or escapes(named.folder):
                findings.append(escape(name, user.where, "models"))
                continue
            yield ModelReference(
                path=below(named.folder, name),
                node=node,
                title=user.title,
                class_type=user.class_type,
                field="",
                url=named.url,
                sha256=named.sha256,
            )


def _texts(values: Any) -> list[str]:
    rows = values.values() if isinstance(values, Mapping) else values
    return [posix(one) for one in rows or () if isinstance(one, str)]
