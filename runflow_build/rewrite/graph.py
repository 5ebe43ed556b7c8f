"""The editor graph that is published beside the prompt: without wiring that was only for tests.

Someone who opens it sees the author's canvas, but not what the author tried it with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from ..workflow import runflow_nodes
from ..workflow.contract_model import Contract
from ..workflow.definitions import Definitions
from ..workflow.editor.widgets import saved_names
from ..workflow.graph import id_text
from .trim import FILE_NAME, VALUE

_ROOT = ""  # name of the outermost scope; the others are called by their subgraph's id
_SUBGRAPH_INPUT = "-10"  # as a link's origin: the left edge of a subgraph


def published_graph(
    data: dict[str, Any], contract: Contract, served: Collection[str], definitions: Definitions
) -> dict[str, Any]:
    """The graph without the `value` links of Runflow Inputs, Deploy nodes, and what fed only them.

    `contract` is over the author's prompt. The wiring of its optional inputs is the workflow's
    default and stays; of required ones the author's text or file name goes too. `served` are the
    ids of the published prompt, whose nodes stay (`outer:inner` in a subgraph). Both link schemas,
    in subgraphs as well. `data` itself is not changed.
    """
    scopes = {name: _Scope.read(raw) for name, raw in _raw_scopes(data)}
    surgery = _Surgery(scopes, definitions, _places(scopes, served))
    optional = [row.node for row in contract.inputs.values() if not row.required]
    kept = _places(scopes, optional)
    emptied: dict[_Place, set[str]] = {}
    for row in contract.inputs.values():
        if row.required and row.type in _PRIVATE_TYPES:
            for place in _places(scopes, [row.node]):
                emptied.setdefault(place, set()).add(row.field)
    for name, scope in scopes.items():
        for node_id, node in scope.nodes.items():
            if node.get("type") == runflow_nodes.DEPLOY_CLASS:
                surgery.remove(name, node_id)
            elif node.get("type") in runflow_nodes.INPUTS and (name, node_id) not in kept:
                surgery.cut_input(name, node_id, VALUE)
                emptied.setdefault((name, node_id), set()).add(FILE_NAME)
    surgery.finish()
    return _Rebuilding(scopes, definitions, emptied).graph(data)


_Place = tuple[str, str]  # (scope, node id)
_LinkId = (int, float, str)
_PRIVATE_TYPES = ("STRING", "IMAGE", "FILE")  # what an author tried an input out with


@dataclass
class _Scope:
    """One canvas: the outermost, or that of a subgraph definition."""

    raw: Mapping[str, Any]
    nodes: dict[str, Mapping[str, Any]]
    origins: dict[Any, str]  # link id -> what it leaves: a node id, or `-10:<slot>`
    uses: dict[str, int]  # the same -> how many links leave it
    gone_nodes: set[str] = field(default_factory=set)
    gone_links: set[Any] = field(default_factory=set)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> _Scope:
        nodes = {id_text(node.get("id")) or "": node for node in _rows(raw, "nodes")}
        origins: dict[Any, str] = {}
        uses: dict[str, int] = {}
        for link in raw.get("links") or []:
            number, node, slot = _link_parts(link)
            if not isinstance(number, _LinkId):
                continue  # no link to the editor either
            origin = id_text(node) or ""
            if origin == _SUBGRAPH_INPUT:
                origin = f"{origin}:{slot}"
            origins[number] = origin
            uses[origin] = uses.get(origin, 0) + 1
        return cls(raw, nodes, origins, uses)


@dataclass
class _Surgery:
    """Cuts links and follows each cut to what fed nothing else."""

    scopes: dict[str, _Scope]
    definitions: Definitions
    served: set[_Place]
    waiting: list[tuple[str, Any]] = field(default_factory=list)  # (scope, id of a link to cut)

    def cut_input(self, scope: str, node_id: str, name: str) -> None:
        for slot in _rows(self.scopes[scope].nodes[node_id], "inputs"):
            if slot.get("name") == name:
                self.waiting.append((scope, slot.get("link")))

    def remove(self, scope: str, node_id: str) -> None:
        """Take out a node that nothing uses, with the links that feed it."""
        here = self.scopes[scope]
        here.gone_nodes.add(node_id)
        self.waiting.extend(
            (scope, slot.get("link")) for slot in _rows(here.nodes[node_id], "inputs")
        )

    def finish(self) -> None:
        while self.waiting:
            scope, link = self.waiting.pop()
            here = self.scopes[scope]
            if _is_in(link, here.gone_links) or not _is_in(link, here.origins):
                continue
            here.gone_links.add(link)
            origin = here.origins[link]
            here.uses[origin] -= 1
            if here.uses[origin]:
                continue
            edge, _, slot = origin.partition(":")
            if edge == _SUBGRAPH_INPUT and slot.isdigit():
                self._cut_outside(scope, int(slot))
            elif self._was_for_tests(scope, origin):
                self.remove(scope, origin)

    def _cut_outside(self, subgraph: str, slot: int) -> None:
        """Nothing inside a subgraph takes this input any more: cut it at every instance."""
        inputs = list(_rows(self.scopes[subgraph].raw, "inputs"))
        if slot >= len(inputs):
            return
        for name, scope in self.scopes.items():
            for node_id, node in scope.nodes.items():
                if node.get("type") == subgraph:
                    self.cut_input(name, node_id, str(inputs[slot].get("name")))

    def _was_for_tests(self, scope: str, node_id: str) -> bool:
        """Whether a node whose every link is gone had no other purpose."""
        node = self.scopes[scope].nodes.get(node_id)
        if node is None or (scope, node_id) in self.served:
            return False
        kind = str(node.get("type"))
        definition = self.definitions.get(kind)
        is_output = definition is not None and definition.output_node
        # A subgraph may hold output nodes; it stays, without the links.
        return not is_output and kind not in self.scopes and kind not in runflow_nodes.INPUTS


@dataclass(frozen=True)
class _Rebuilding:
    """A new graph from the scopes after surgery; what did not change is shared with the old one."""

    scopes: Mapping[str, _Scope]
    definitions: Definitions
    emptied: Mapping[_Place, Collection[str]]  # widgets whose text goes

    def graph(self, data: dict[str, Any]) -> dict[str, Any]:
        graph = self._scope(_ROOT)
        definitions = data.get("definitions")
        if isinstance(definitions, dict) and len(self.scopes) > 1:
            subgraphs = [self._scope(str(raw.get("id"))) for raw in _rows(definitions, "subgraphs")]
            graph["definitions"] = {**definitions, "subgraphs": subgraphs}
        return graph

    def _scope(self, name: str) -> dict[str, Any]:
        scope = self.scopes[name]
        made = _without_link_ids(scope.raw, scope.gone_links)
        made["nodes"] = [
            self._node((name, node_id), node)
            for node_id, node in scope.nodes.items()
            if node_id not in scope.gone_nodes
        ]
        if isinstance(made.get("links"), list):
            made["links"] = [
                link for link in made["links"] if not _is_in(_link_parts(link)[0], scope.gone_links)
            ]
        return made

    def _node(self, place: _Place, node: Mapping[str, Any]) -> Mapping[str, Any]:
        gone = self.scopes[place[0]].gone_links
        made = dict(node)
        if any(_is_in(slot.get("link"), gone) for slot in _rows(node, "inputs")):
            made["inputs"] = [
                {**slot, "link": None} if _is_in(slot.get("link"), gone) else slot
                for slot in _rows(node, "inputs")
            ]
        if any(_is_in(link, gone) for slot in _rows(node, "outputs") for link in _links_of(slot)):
            made["outputs"] = [
                {**slot, "links": [link for link in _links_of(slot) if not _is_in(link, gone)]}
                for slot in _rows(node, "outputs")
            ]
        definition = self.definitions.get(str(node.get("type")))
        values = node.get("widgets_values")
        if place in self.emptied and definition and isinstance(values, list):
            saved = saved_names(definition)
            made["widgets_values"] = [
                "" if isinstance(value, str) and name in self.emptied[place] else value
                for name, value in zip_longest(saved[: len(values)], values)
            ]
        return made


def _without_link_ids(raw: Mapping[str, Any], gone: Collection[Any]) -> dict[str, Any]:
    """The scope without mentions of cut links beside nodes and links: edges, reroutes."""
    made = dict(raw)
    if not gone:
        return made
    for edge in ("inputs", "outputs", "reroutes"):
        if rows := list(_rows(raw, edge)):
            made[edge] = [_less_link_ids(row, gone) for row in rows]
    extra = raw.get("extra")
    if isinstance(extra, dict) and ("reroutes" in extra or "linkExtensions" in extra):
        kept = dict(extra)
        if "reroutes" in extra:
            kept["reroutes"] = [_less_link_ids(row, gone) for row in _rows(extra, "reroutes")]
        if "linkExtensions" in extra:
            kept["linkExtensions"] = [
                row for row in _rows(extra, "linkExtensions") if not _is_in(row.get("id"), gone)
            ]
        made["extra"] = kept
    return made


def _less_link_ids(row: Mapping[str, Any], gone: Collection[Any]) -> Mapping[str, Any]:
    ids = row.get("linkIds")
    if not isinstance(ids, list):
        return row
    return {**row, "linkIds": [link for link in ids if not _is_in(link, gone)]}


def _raw_scopes(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield _ROOT, data
    definitions = data.get("definitions")
    if isinstance(definitions, dict):
        for raw in _rows(definitions, "subgraphs"):
            yield str(raw.get("id")), raw


def _places(scopes: Mapping[str, _Scope], ids: Collection[str]) -> set[_Place]:
    """Where the nodes with these prompt ids stand; `57:8` is node 8 in the subgraph of node 57."""
    places = set()
    for prompt_id in ids:
        scope = _ROOT
        *outer, last = prompt_id.split(":")
        for part in outer:
            places.add((scope, part))  # the prompt's node is inside this instance
            node = scopes[scope].nodes.get(part) if scope in scopes else None
            scope = str(node.get("type")) if node else "?"
        places.add((scope, last))
    return places


def _link_parts(link: Any) -> tuple[Any, Any, Any]:
    """Id, origin node and origin slot of a link in either schema; None for what is missing."""
    if isinstance(link, dict):
        return link.get("id"), link.get("origin_id"), link.get("origin_slot")
    if isinstance(link, list) and len(link) >= 5:
        return link[0], link[1], link[2]
    return None, None, None


def _is_in(link: Any, links: Collection[Any]) -> bool:
    """Membership for a link id as a file may hold it, which need not be hashable."""
    return isinstance(link, _LinkId) and link in links


def _links_of(slot: Mapping[str, Any]) -> list[Any]:
    links = slot.get("links")
    return links if isinstance(links, list) else []


def _rows(raw: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The members of a list that are mappings; an odd graph has been refused before."""
    rows = raw.get(name)
    return (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))
