"""The open canvas: nodes with their slots and widgets, as the editor holds them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum, IntEnum
from typing import Any

from ...findings import Where
from ..definitions import InputDefinition, NodeDefinition

ABSENT: Any = object()  # JavaScript's undefined: a value that is not sent

SUBGRAPH_INPUT = -10  # origin of a link from outside, inside a subgraph
SUBGRAPH_OUTPUT = -20  # target of a link to the outside


class Mode(IntEnum):
    """What the editor does with a node; any other number means ALWAYS."""

    ALWAYS = 0
    MUTED = 2
    BYPASSED = 4


class Role(Enum):
    """What a node is to the editor; all but the first two never reach ComfyUI themselves."""

    REAL = "real"
    UNKNOWN = "unknown"  # of a class without a definition
    NOTE = "note"
    REROUTE = "reroute"
    RELAY = "relay"  # passes each input on at the output of the same number
    PRIMITIVE = "primitive"
    SETTER = "setter"  # gives a wire a name
    GETTER = "getter"  # stands for the wire of that name
    BROWSER = "browser"  # writes what only a browser knows into others
    SUBGRAPH = "subgraph"
    GROUP = "group"


class Widget:
    """A control on a node, with its value."""

    __slots__ = ("dated", "definition", "dynamic", "kind", "name", "saved", "sent", "value")

    def __init__(
        self,
        name: str,
        kind: str,
        value: Any = ABSENT,
        definition: InputDefinition | None = None,
        *,
        saved: bool = True,
        sent: bool = True,
    ) -> None:
        self.name = name
        self.kind = kind  # number, combo, text …: what may be joined with what
        self.definition = definition  # None: the editor adds the widget by itself
        self.saved = saved  # takes a place in widgets_values
        self.sent = sent  # stands in the prompt
        self.dynamic = False  # its text may offer choices in braces
        self.dated = False  # its text may hold dates, as a primitive wrote them
        self.value = value

    def fresh(self) -> Widget:
        """The same widget for another node of the class."""
        made = type(self).__new__(type(self))
        made.name, made.kind, made.definition = self.name, self.kind, self.definition
        made.saved, made.sent = self.saved, self.sent
        made.dynamic, made.dated = self.dynamic, self.dated
        made.value = self.value
        return made

    def copied(self, name: str) -> Widget:
        """What a subgraph shows of the widget on its outside."""
        return Widget(name, self.kind, self.value, self.definition)


class Input:
    """An input slot."""

    __slots__ = ("config", "inner", "link", "name", "type", "widget")

    def __init__(self, name: str, type: Any, link: Any = None, widget: str | None = None) -> None:
        self.name = name
        self.type = type
        self.link = link  # id of a link, as written; None: nothing linked
        self.widget = widget  # name of the widget that it stands for; None: a plain socket
        self.config: InputDefinition | None = None  # of a widget that came after opening
        self.inner: tuple[Node, Input] | None = None  # of a subgraph: whose widget is shown


class Output:
    """An output slot."""

    __slots__ = ("links", "name", "type")

    def __init__(self, name: str, type: Any, links: list[Any] | None = None) -> None:
        self.name = name
        self.type = type
        self.links = links if links is not None else []  # ids, as written


class Link:
    """A wire, from an output slot of one node to an input slot of another."""

    __slots__ = ("id", "origin", "origin_slot", "target", "target_slot")

    def __init__(self, id: Any, origin: Any, origin_slot: int, target: Any, target_slot: int):
        self.id = id
        self.origin = origin  # node ids as text; SUBGRAPH_INPUT and SUBGRAPH_OUTPUT as numbers
        self.origin_slot = origin_slot
        self.target = target
        self.target_slot = target_slot


class Node:
    """A box on the canvas."""

    __slots__ = (
        "canvas",
        "class_type",
        "definition",
        "group",
        "growth",
        "id",
        "inputs",
        "inside",
        "matches",
        "mode",
        "outputs",
        "properties",
        "raw",
        "role",
        "title",
        "values",
        "widgets",
    )

    def __init__(self, id: str, class_type: str, role: Role, raw: Mapping[str, Any]) -> None:
        self.id = id
        self.class_type = class_type
        self.role = role
        self.raw = raw
        self.title = ""
        self.mode: int = Mode.ALWAYS
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.widgets: list[Widget] = []
        self.properties: Mapping[str, Any] = {}
        self.values: Any = None  # widgets_values as saved
        self.definition: NodeDefinition | None = None
        self.canvas: Canvas | None = None
        self.inside: Canvas | None = None  # of a subgraph or group
        self.group: Any = None  # of a group: its GroupClass
        self.growth: dict[str, Any] = {}  # inputs that grow, by group; see growing.py
        self.matches: dict[str, dict[str, str]] = {}  # inputs of one type, by group

    @property
    def virtual(self) -> bool:
        """Whether the node only exists in the editor."""
        return self.role not in (Role.REAL, Role.UNKNOWN)

    def widget(self, name: str | None) -> Widget | None:
        """The first widget of that name."""
        if name is not None:
            for one in self.widgets:
                if one.name == name:
                    return one
        return None

    def where(self, field: str | None = None, path: str = "") -> Where:
        """The place; `path` is the id of the subgraph around it, with a colon behind it."""
        return Where(
            node=path + self.id,
            title=self.title or None,
            class_type=self.class_type,
            field=field,
        )


class Canvas:
    """One graph: the whole, or the inside of a subgraph."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name  # of a subgraph; None: the whole graph
        self.nodes: list[Node] = []
        self.by_id: dict[str, Node] = {}
        self.links: dict[Any, Link] = {}
        self.drawn: Mapping[Any, Link] = {}  # the links that there were before any was cut
        self.inputs: list[Input] = []  # of a subgraph: what it takes, `link` unused
        self.input_links: list[list[Any]] = []  # for each, the links behind it
        self.outputs: list[Output] = []  # of a subgraph: what it gives, and the links before it
        self.instances: list[Node] = []  # of a subgraph: the nodes that stand for it

    def add(self, node: Node) -> None:
        node.canvas = self
        self.nodes.append(node)
        self.by_id[node.id] = node

    def link(self, id: Any) -> Link | None:
        return None if id is None else self.links.get(id)

    def origin_type(self, link: Link) -> Any:
        """The type of what the link carries, as its origin says; None: it has none."""
        if link.origin == SUBGRAPH_INPUT:
            slots: list[Any] = self.inputs
        else:
            node = self.by_id.get(link.origin)
            slots = node.outputs if node else []
        slot = at(slots, link.origin_slot)
        return slot.type if slot else None

    def every_node(self) -> Iterator[Node]:
        """All nodes, once for each instance around them; inner ones come before their instance."""
        todo: list[tuple[Node, bool]] = [(node, False) for node in reversed(self.nodes)]
        while todo:
            node, entered = todo.pop()
            if node.inside is None or entered or node.role is not Role.SUBGRAPH:
                yield node
            else:
                todo.append((node, True))
                todo.extend((inner, False) for inner in reversed(node.inside.nodes))


def at(slots: list[Any], index: int) -> Any:
    """The slot of that number, or None."""
    return slots[index] if 0 <= index < len(slots) else None


def may_connect(one: Any, other: Any) -> bool:
    """Whether the editor lets two slots of these types be linked (`isValidConnection`)."""
    if one in ("", "*", 0, None) or other in ("", "*", 0, None) or one == other:
        return True
    left, right = str(one).lower().split(","), str(other).lower().split(",")
    if len(left) == 1 and len(right) == 1:
        return left == right
    return any(may_connect(a, b) for a in left for b in right)


def common_type(types: list[Any]) -> str | None:
    """What fits all of these types, or None (`commonType`); `*` fits everything."""
    if not all(isinstance(one, str) for one in types):
        return None
    lists = [dict.fromkeys(one.split(",")) for one in types if one != "*"]
    if not lists:
        return "*"
    order = dict.fromkeys(name for one in lists for name in one)
    common = [name for name in order if all(name in one for one in lists)]
    return ",".join(common) or None


Later = list[Callable[[], None]]
"""What the editor does in its next frame, after the graph is open."""
