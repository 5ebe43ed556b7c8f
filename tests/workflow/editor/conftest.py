"""A short way to draw a graph as the editor would save it, and to see what it becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from runflow_build.workflow.convert import Conversion, convert
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.editor.widgets import is_widget
from runflow_build.workflow.model import Workflow

VALUES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


class Box:
    """A node that was drawn; `box[1]` is its output 1, `box` alone its output 0."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.id = row["id"]

    def __getitem__(self, slot: int) -> tuple[Box, int]:
        return self, slot


class Drawing:
    """A graph in the making. Calling it puts a node onto it:

    `draw(class, values, name=source)`: a node with these saved values; each keyword names an input
    slot, with the box (or its output) that it is linked to, or None. `inputs` takes the names that
    are no keywords. Everything else goes into the node as it is: `mode=4`, `title=…`, `id=…`.
    """

    def __init__(self, definitions: Definitions, root: Drawing | None = None) -> None:
        self.definitions = definitions
        self.root = root or self
        self.nodes: list[dict[str, Any]] = []
        self.links: list[Any] = []
        self.subgraphs: list[Inside] = []
        self.extra: dict[str, Any] = {}

    def __call__(
        self,
        kind: str | Inside,
        values: Any = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: list[str] | None = None,
        **more: Any,
    ) -> Box:
        row_names = ("id", "mode", "title", "properties", "widgets_values_named")
        row = {name: more.pop(name) for name in row_names if name in more}
        sources = {**(inputs or {}), **more}
        class_type = kind if isinstance(kind, str) else kind.id
        node = {
            "id": len(self.nodes) + 1,
            "type": class_type,
            "pos": [0, 0],
            "size": [210, 60],
            "flags": {},
            "order": len(self.nodes),
            "mode": 0,
            "properties": {},
            **row,
            "inputs": [],
            "outputs": self._outputs(kind, outputs),
            **({} if values is None else {"widgets_values": values}),
        }
        box = Box(node)
        self.nodes.append(node)
        if isinstance(kind, Inside):
            sources = {**dict.fromkeys(one["name"] for one in kind.inputs), **sources}
        for name, source in sources.items():
            self.slot(box, name, self._type(kind, name), source)
        return box

    def slot(self, box: Box, name: str, type: str, source: Any, widget: bool | None = None) -> None:
        """Add an input slot to a node; `widget` says that it stands for one."""
        slot = {"name": name, "type": type, "link": None}
        if self._is_widget(box.row["type"], name, type) if widget is None else widget:
            slot["widget"] = {"name": name}
        box.row["inputs"].append(slot)
        if source is not None:
            slot["link"] = self.link(source, box, len(box.row["inputs"]) - 1)

    def link(self, source: Any, target: Any, slot: int) -> int:
        """Add a link to the table, and to the output that it comes from; its id."""
        origin, number = source if isinstance(source, tuple) else (source, 0)
        id = len(self.links) + 1
        origin.row["outputs"][number]["links"].append(id)
        type = origin.row["outputs"][number]["type"]
        self.links.append(self.form(id, origin.id, number, target.id, slot, type))
        return id

    def form(self, *link: Any) -> Any:
        return list(link)

    def subgraph(self, name: str = "Inside") -> Inside:
        """An empty subgraph: drawn upon as the graph is, and put onto it by `draw(inside)`."""
        inside = Inside(self.definitions, self.root, name)
        self.root.subgraphs.append(inside)
        return inside

    def _outputs(self, kind: str | Inside, types: list[str] | None) -> list[dict[str, Any]]:
        if isinstance(kind, Inside):
            types = [one["type"] for one in kind.outputs]
        elif types is None:
            definition = self.definitions.get(kind)
            types = list(definition.outputs) if definition else ["*"]
        return [{"name": type, "type": type, "links": []} for type in types]

    def _type(self, kind: str | Inside, name: str) -> str:
        if isinstance(kind, Inside):
            return next(one["type"] for one in kind.inputs if one["name"] == name)
        definition = self.definitions.get(kind)
        one = definition.input(name) if definition else None
        return one.type if one else "IMAGE" if "." in name else "*"

    def _is_widget(self, class_type: str, name: str, type: str) -> bool:
        definition = self.definitions.get(class_type)
        one = definition.input(name) if definition else None
        if one is not None:
            return is_widget(one)
        return definition is None and class_type != "Reroute" and type in VALUES

    def graph(self) -> dict[str, Any]:
        """The file's value."""
        last = max((one["id"] for one in self.nodes if isinstance(one["id"], int)), default=0)
        graph = {
            "last_node_id": last,
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": self.links,
            "groups": [],
            "extra": self.extra,
            "version": 0.4,
        }
        if self.subgraphs:
            graph["definitions"] = {"subgraphs": [one.definition() for one in self.subgraphs]}
        return json.loads(json.dumps(graph))

    def convert(self) -> Conversion:
        return convert(Workflow("graph.json", "graph", self.graph()), self.definitions)

    def prompt(self) -> dict[str, Any]:
        """Id -> (class, inputs). There must be no error."""
        conversion = self.convert()
        assert not conversion.errors
        return {
            node: (body["class_type"], body["inputs"]) for node, body in conversion.prompt.items()
        }

    def inputs(self, box: Box | str) -> dict[str, Any]:
        """The inputs that are sent of a node, by its box or its id. There must be no error."""
        node = box if isinstance(box, str) else str(box.id)
        return self.prompt()[node][1]

    def codes(self) -> list[str]:
        """The findings' codes: errors, then notes."""
        conversion = self.convert()
        return [finding.code for finding in (*conversion.errors, *conversion.notes)]


class Inside(Drawing):
    """A subgraph's definition."""

    def __init__(self, definitions: Definitions, root: Drawing, name: str) -> None:
        super().__init__(definitions, root)
        self.id = f"00000000-0000-4000-8000-{len(root.subgraphs) + 1:012}"
        self.name = name
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self._inlet = Box({"id": -10, "outputs": []})
        self._outlet = Box({"id": -20})

    def inlet(self, name: str, type: str) -> tuple[Box, int]:
        """A new input of the subgraph, to link nodes inside to."""
        links: list[int] = []
        self.inputs.append({"id": _uuid(self.inputs), "name": name, "type": type, "linkIds": links})
        self._inlet.row["outputs"].append({"type": type, "links": links})
        return self._inlet[len(self.inputs) - 1]

    def outlet(self, name: str, type: str, source: Any = None) -> None:
        """A new output of the subgraph, fed by a node inside."""
        links: list[int] = []
        self.outputs.append({"id": _uuid(self.outputs), "name": name, "type": type})
        self.outputs[-1]["linkIds"] = links
        if source is not None:
            links.append(self.link(source, self._outlet, len(self.outputs) - 1))

    def form(self, *link: Any) -> Any:
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return dict(zip(names, link, strict=True))

    def definition(self) -> dict[str, Any]:
        state = ("lastGroupId", "lastNodeId", "lastLinkId", "lastRerouteId")
        return {
            "id": self.id,
            "version": 1,
            "state": dict.fromkeys(state, len(self.nodes) + len(self.links)),
            "revision": 0,
            "config": {},
            "name": self.name,
            "inputNode": {"id": -10, "bounding": [0, 0, 1, 1]},
            "outputNode": {"id": -20, "bounding": [0, 0, 1, 1]},
            "inputs": self.inputs,
            "outputs": self.outputs,
            "widgets": [],
            "nodes": self.nodes,
            "groups": [],
            "links": self.links,
            "extra": {},
        }


def _uuid(rows: list[Any]) -> str:
    return f"10000000-0000-4000-8000-{len(rows):012}"


@pytest.fixture
def draw(definitions: Definitions) -> Drawing:
    """An empty graph, for the classes of ComfyUI 0.8.0."""
    return Drawing(definitions)


@pytest.fixture
def draw_with(definitions: Definitions) -> Callable[[Mapping[str, Any]], Drawing]:
    """`draw_with({class: raw definition})`: an empty graph for classes of one's own besides."""

    def make(own: Mapping[str, Any]) -> Drawing:
        file = {name: {"output": [], **raw} for name, raw in own.items()}
        from runflow_build.project.catalogue import shipped

        return Drawing(Definitions(file, shipped("0.8.0")))

    return make
