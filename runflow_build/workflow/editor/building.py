"""A new node of a class: the slots and widgets that its definition asks for, nothing assigned yet.

Source: ComfyUI frontend 1.35.9, services/litegraphService.ts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..definitions import Definitions, InputDefinition, NodeDefinition
from .canvas import Input, Later, Node, Output, Role, Widget
from .growing import (
    AUTOGROW,
    BRANCHES,
    DYNAMIC,
    MATCHTYPE,
    Branches,
    add_growing,
    add_matching,
)
from .packs import add_pack_widgets
from .widgets import (
    CONTROL,
    SEEDS,
    add_own_widgets,
    add_widgets,
    asked_inputs,
    is_widget,
    kind_of,
)

_GROWING_CLASSES = ("CustomCombo",)


@dataclass(frozen=True)
class Blueprint:
    """What all nodes of a class begin with."""

    definition: NodeDefinition
    asked: tuple[InputDefinition, ...]  # the definition's inputs and the editor's own
    inputs: tuple[tuple[str, str, str | None], ...]  # name, type, widget
    widgets: tuple[Widget, ...]
    outputs: tuple[tuple[str, str], ...]  # name, type
    alike: bool  # whether slots and widgets are the same for every node
    former: tuple[bool, ...]  # inputs that are or were widgets; True: only a socket by now
    places: int  # in widgets_values while each of them was a widget


class Builder:
    """Makes nodes; keeps what is the same for all nodes of a class."""

    def __init__(self, definitions: Definitions, later: Later) -> None:
        self._definitions = definitions
        self._later = later
        self._blueprints: dict[str, Blueprint | None] = {}

    def blueprint(self, class_type: str) -> Blueprint | None:
        """The class's blueprint; None for a class that no definition is known of."""
        if class_type not in self._blueprints:
            definition = self._definitions.get(class_type)
            self._blueprints[class_type] = self.drawn(definition) if definition else None
        return self._blueprints[class_type]

    def furnish(self, node: Node, blueprint: Blueprint) -> None:
        """Give a new node its slots and widgets."""
        node.definition = blueprint.definition
        node.title = blueprint.definition.title
        if blueprint.alike:
            node.inputs = [Input(name, type, None, of) for name, type, of in blueprint.inputs]
            node.widgets = [widget.fresh() for widget in blueprint.widgets]
        else:
            self._construct(node, blueprint.asked)
        node.outputs = [Output(name, type) for name, type in blueprint.outputs]

    def add(self, node: Node, one: InputDefinition) -> None:
        """Put an input behind the node's others."""
        self._add_socket(node, one)
        self._add_widget(node, one)

    def drawn(self, definition: NodeDefinition) -> Blueprint:
        """The blueprint of a definition."""
        asked = asked_inputs(definition)
        sample = Node("", definition.class_type, Role.REAL, {})
        sample.definition = definition
        self._construct(sample, asked)
        names = {widget.name for widget in sample.widgets}
        former = [one for one in asked if one.name in names or one.options.get("forceInput")]
        titles = definition.output_names
        return Blueprint(
            definition=definition,
            asked=asked,
            inputs=tuple((one.name, one.type, one.widget) for one in sample.inputs),
            widgets=tuple(sample.widgets),
            outputs=tuple(
                (titles[index] if index < len(titles) else type, "*" if type == MATCHTYPE else type)
                for index, type in enumerate(definition.outputs)
            ),
            alike=definition.class_type not in _GROWING_CLASSES
            and not any(kind_of(one) in DYNAMIC for one in asked),
            former=tuple(bool(one.options.get("forceInput")) for one in former),
            places=sum(2 if one.options.get(CONTROL) or one.name in SEEDS else 1 for one in former),
        )

    def _construct(self, node: Node, asked: tuple[InputDefinition, ...]) -> None:
        for one in asked:
            self._add_socket(node, one)
        for one in asked:
            self._add_widget(node, one)
        add_own_widgets(node)
        add_pack_widgets(node)

    def _add_socket(self, node: Node, one: InputDefinition) -> None:
        if is_widget(one):
            return
        if one.type == AUTOGROW:
            add_growing(node, one, self.add)
        elif one.type == MATCHTYPE:
            add_matching(node, one, self.add, self._later)
        else:
            node.inputs.append(Input(one.name, one.type))

    def _add_widget(self, node: Node, one: InputDefinition) -> None:
        if not is_widget(one):
            return
        if kind_of(one) == BRANCHES:
            choice = Branches(node, one, self.add, self._later)
            node.widgets.append(choice)
            choice.rebuild()
        else:
            add_widgets(node, one)
        slot = Input(one.name, one.type, None, one.name)
        slot.config = one
        node.inputs.append(slot)
