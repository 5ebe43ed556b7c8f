"""A saved graph to an open canvas: every node built, then given what was saved.

Source: ComfyUI frontend 1.35.9, LGraph.configure, LGraphNode.configure, SubgraphNode.ts, and the
node classes of services/litegraphService.ts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ...findings import Finding
from ..definitions import Definitions, NodeDefinition
from ..graph import (
    SavedGraph,
    SavedSubgraph,
    class_of,
    read_graph,
    subgraph_circles,
    subgraph_definitions,
)
from . import remarks
from .assigning import (
    assign,
    link_ids,
    merge_inputs,
    merge_outputs,
    placed_values,
    replace_slots,
    slot_name,
)
from .building import Blueprint, Builder
from .canvas import (
    SUBGRAPH_INPUT,
    SUBGRAPH_OUTPUT,
    Canvas,
    Input,
    Later,
    Link,
    Node,
    Output,
    Role,
)
from .extent import DEEPEST, MOST_NODES, extent
from .group_nodes import GroupClass, Groups
from .growing import Branches, TypeConflictError, changed, in_growing_group, show_as_widget
from .repair import repaired
from .schema import fits_schema
from .subgraphs import has_unclaimed_values, promote, promote_late, show_chosen
from .virtual import ROLES, title_of
from .widgets import CONTROLS, TextArea

_SUBGRAPH_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Of what is wrong with a saved graph, what does not keep it from being converted.
_HARMLESS = ("links-form", "node-duplicate-id")


class Opening:
    """One graph on its way onto the canvas; collects what it meets."""

    def __init__(self, data: Mapping[str, Any], definitions: Definitions) -> None:
        self.errors: list[Finding] = []
        self.notes: list[Finding] = []
        self.later: Later = []
        self.builder = Builder(definitions, self.later)
        self.groups = Groups(data, definitions)
        self._data = data
        self._insides: dict[str, Canvas] = {}

    def canvas(self) -> Canvas:
        """The whole graph, open. Findings of malformed parts, which are left out, are collected."""
        graph, findings = read_graph(self._data)
        subgraphs, more = subgraph_definitions(self._data)
        for finding in (*findings, *more):
            (self.notes if finding.code in _HARMLESS else self.errors).append(finding)
        if circles := subgraph_circles(subgraphs):
            self.errors += circles
            return Canvas()
        nodes, levels = extent(graph, subgraphs, self.groups.size)
        if nodes > MOST_NODES or levels > DEEPEST:
            self.errors.append(remarks.too_large(nodes, levels))
            return Canvas()
        for one in subgraphs:
            self._insides[one.id] = _outline(one)
        for one in subgraphs:
            self._fill(self._insides[one.id], one.graph)
            for instance in self._insides[one.id].instances:
                promote_late(instance)
        whole = Canvas()
        self._fill(whole, repaired(graph, lambda: fits_schema(self._data)))
        return whole

    def _fill(self, canvas: Canvas, graph: SavedGraph) -> None:
        inside = canvas.name is not None
        for id, origin, origin_slot, target, target_slot in graph.links:
            canvas.links[id] = Link(
                id,
                SUBGRAPH_INPUT if inside and origin == "-10" else origin,
                origin_slot,
                SUBGRAPH_OUTPUT if inside and target == "-20" else target,
                target_slot,
            )
        canvas.drawn = dict(canvas.links)
        for id, raw in graph.nodes:
            node = self._node(id, raw)
            canvas.add(node)
            if id == "-1":
                self.notes.append(remarks.refused(node, "it gives a node of the id -1 another one"))
        for node in canvas.nodes:
            self._configure(node)
            if node.role is Role.GROUP and node.inside:
                if inside:
                    self.errors.append(remarks.group_nested(node, "subgraph"))
                for inner in node.inside.nodes:
                    self._configure(inner)

    # -- building

    def _node(self, id: str, raw: Mapping[str, Any], nested: bool = False) -> Node:
        class_type = class_of(raw)
        if (inside := self._insides.get(class_type)) is not None:
            return self._instance(id, class_type, raw, inside)
        blueprint = None if class_type in ROLES else self.builder.blueprint(class_type)
        if blueprint is not None:
            node = Node(id, class_type, Role.REAL, raw)
            self.builder.furnish(node, blueprint)
        elif (group := self.groups.get(class_type)) is not None:
            node = self._group(id, class_type, raw, *group, nested=nested)
        else:
            node = Node(id, class_type, ROLES.get(class_type, Role.UNKNOWN), raw)
            if node.role is Role.UNKNOWN and _SUBGRAPH_ID.fullmatch(class_type):
                self.notes.append(remarks.missing_subgraph(node))
            node.title = title_of(class_type)
            if node.role is Role.REROUTE:
                node.inputs, node.outputs = [Input("", "*")], [Output("", "*")]
            elif node.role is Role.PRIMITIVE:
                node.outputs = [Output("connect to widget input", "*")]
            elif class_type in ("Note", "MarkdownNote"):
                node.widgets = [TextArea("text", "text", "")]
            elif node.role is Role.BROWSER:
                self.notes.append(remarks.browser_value(node))
        return node

    def _instance(self, id: str, class_type: str, raw: Mapping[str, Any], inside: Canvas) -> Node:
        node = Node(id, class_type, Role.SUBGRAPH, raw)
        node.title = inside.name or ""
        node.inside = inside
        node.inputs = [Input(slot.name, slot.type) for slot in inside.inputs]
        node.outputs = [Output(slot.name, slot.type) for slot in inside.outputs]
        inside.instances.append(node)
        return node

    def _group(
        self,
        id: str,
        class_type: str,
        raw: Mapping[str, Any],
        group: GroupClass,
        definition: NodeDefinition,
        nested: bool,
    ) -> Node:
        node = Node(id, class_type, Role.REAL if nested else Role.GROUP, raw)
        self.builder.furnish(node, self.builder.drawn(definition))
        if nested:  # sent as it is
            self.notes.append(remarks.group_nested(node, "group"))
            return node
        node.group, node.inside = group, Canvas(definition.title)
        for index, inner in enumerate(group.nodes):
            node.inside.add(self._node(str(index), inner, nested=True))
        return node

    # -- assigning what was saved

    def _configure(self, node: Node) -> None:
        raw = node.raw
        if isinstance(raw.get("title"), str) and raw["title"]:
            node.title = raw["title"]
        if isinstance(raw.get("mode"), int):
            node.mode = raw["mode"]
        if isinstance(raw.get("properties"), dict):
            node.properties = raw["properties"]
        node.values = raw.get("widgets_values")
        if node.role in (Role.REAL, Role.GROUP, Role.SUBGRAPH):
            merge_inputs(node, raw.get("inputs") or ())
            merge_outputs(node, raw.get("outputs") or ())
        else:
            replace_slots(node, raw)
        if node.growth or node.matches:
            self._settle_inputs(node)
        if node.role is Role.SUBGRAPH:
            promote(node)
        if node.widgets or node.definition:
            assign(node, placed_values(node, self._blueprint(node)))
            self._remark(node)
        if node.role is Role.SUBGRAPH and not show_chosen(node):
            self.notes.append(remarks.refused(node, "its `proxyWidgets` are no list of pairs"))

    def _settle_inputs(self, node: Node) -> None:
        """Let inputs that grow or match see their links; they may add inputs on the way."""
        canvas = node.canvas
        index, conflicts = 0, []
        while canvas and index < len(node.inputs):
            slot = node.inputs[index]
            if slot.widget and in_growing_group(node, slot):
                show_as_widget(node, slot)
            link = canvas.link(slot.link)
            try:
                changed(node, index, link, True, self.later)
            except TypeConflictError:
                conflicts.append(remarks.type_conflict(node, slot))
            index += 1
        self.errors += conflicts[:1]

    def _blueprint(self, node: Node) -> Blueprint | None:
        return self.builder.blueprint(node.class_type) if node.role is Role.REAL else None

    def _remark(self, node: Node) -> None:
        """Say where the saved values did not mean what the editor reads in them."""
        definition = node.definition
        named = definition is not None and definition.pack is not None
        if node.values and not isinstance(node.values, list) and definition and not named:
            self.notes.append(remarks.values_by_key(node))
        if not isinstance(node.values, list) or not node.values:
            return
        if node.role is Role.SUBGRAPH and has_unclaimed_values(node):
            self.notes.append(remarks.values_surplus(node))
            return
        for widget in node.widgets:
            if widget.kind == "control" and widget.value not in (*CONTROLS, True, False, None):
                self.notes.append(remarks.values_shifted(node, widget))
                break
            if isinstance(widget, Branches) and not widget.known:
                self.notes.append(remarks.branch_unknown(node, widget))
                break


def run_later(opening: Opening) -> None:
    """The editor's next frame: what waits until the graph is open."""
    waiting = opening.later
    done = 0
    while done < len(waiting):
        with suppress(TypeConflictError):  # one error stops nothing else
            waiting[done]()
        done += 1
    waiting.clear()


def _outline(one: SavedSubgraph) -> Canvas:
    canvas = Canvas(one.name)
    for row in one.inputs:
        canvas.inputs.append(Input(slot_name(row), row.get("type")))
        canvas.input_links.append(link_ids(row.get("linkIds")))
    for row in one.outputs:
        canvas.outputs.append(Output(slot_name(row), row.get("type"), link_ids(row.get("linkIds"))))
    return canvas
