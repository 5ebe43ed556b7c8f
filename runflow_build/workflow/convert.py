"""The editor graph to the prompt that ComfyUI executes, as the editor itself would do it.

Source: ComfyUI frontend 1.35.9, `graphToPrompt`. Of what the editor knows, this covers plain nodes
and muted ones. Subgraphs, virtual nodes, bypassed nodes that are read, and inputs that grow or
change are refused, each with its node: a prompt that may be wrong is never made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import digest
from ..errors import WorkflowError
from ..findings import Finding, Where
from ..redact import shown
from .definitions import DEFINE, Definitions
from .graph import Mode, Node, Slot, read_graph
from .model import Prompt, Workflow, where_in
from .reach import cycles, link_of
from .runflow_nodes import DEPLOY_CLASS
from .texts import dynamic_prompt, filled_prefix, has_date
from .widgets import ABSENT, Layout, Widget, guessed_values, layout_of, unsupported, values_of

_NOTES = ("Note", "MarkdownNote", DEPLOY_CLASS)
_VIRTUAL: Mapping[str, str] = {
    "Reroute": "a Reroute node",
    "PrimitiveNode": "a PrimitiveNode",
    "SetNode": "a SetNode",
    "GetNode": "a GetNode",
}
_SAVERS = (
    "SaveImage",
    "SaveVideo",
    "SaveAnimatedWEBP",
    "SaveWEBM",
    "SaveAudio",
    "SaveGLB",
    "SaveAnimatedPNG",
    "CLIPSave",
    "VAESave",
    "ModelSave",
    "LoraSave",
    "SaveLatent",
)
_EXPORT_API = "export it with Workflow > Export (API) in ComfyUI, and name that file instead"
_DEFINE_OR_EXPORT = f"{DEFINE}; or {_EXPORT_API}"


def prompt_of(workflow: Workflow, definitions: Definitions) -> Prompt:
    """The prompt of a workflow of either format, ids in the editor's order.

    Raises WorkflowError with everything that is wrong: `node-malformed`, `node-duplicate-id`,
    `node-unsupported`, `link-dangling`, `link-cycle`.
    """
    if workflow.format == "graph":
        conversion = _Conversion(workflow.data, definitions)
        prompt, findings = conversion.prompt(), conversion.errors
    else:
        prompt, findings = _read_prompt(workflow.data)
    if not findings:
        findings = [*_dangling(prompt), *_circles(prompt)]
    if findings:
        raise WorkflowError(*(finding.in_file(workflow.path) for finding in findings))
    return prompt


def guesses(workflow: Workflow, definitions: Definitions) -> list[Finding]:
    """Where the prompt of a graph rests on less than certainty; warnings, also when it has errors.

    `node-class-unknown`, `text-choice`, `prefix-date`. A prompt file needs no guess.
    """
    if workflow.format == "prompt":
        return []
    conversion = _Conversion(workflow.data, definitions)
    conversion.prompt()
    return [finding.in_file(workflow.path) for finding in conversion.warnings]


def prompt_digest(prompt: Prompt) -> str:
    """sha256 of what is executed: classes and inputs, without titles."""
    return digest.of(
        {
            node: {"class_type": body["class_type"], "inputs": body["inputs"]}
            for node, body in prompt.items()
        }
    )


class _Conversion:
    """One graph on its way to a prompt; collects what it meets."""

    def __init__(self, data: Mapping[str, Any], definitions: Definitions) -> None:
        self._definitions = definitions
        self._layouts: dict[str, Layout | None] = {}
        self._graph, self.errors = read_graph(data)
        self.warnings: list[Finding] = []
        self._refused: set[str] = set()
        self._passed: list[Node] = []  # refused for what they pass on, which is looked at in turn

    def prompt(self) -> Prompt:
        """The nodes that are sent, each with what its widgets and links say."""
        bodies = {
            node.id: self._body(node)
            for node in self._graph.nodes.values()
            if not self._is_left_out(node)
        }
        while self._passed:
            self._link(self._passed.pop(), {})
        return {node: bodies[node] for node in sorted(bodies, key=_editor_order)}

    def _is_left_out(self, node: Node) -> bool:
        if self._expands(node):  # its inner nodes are sent whatever its own mode is
            return False
        off = node.mode in (Mode.MUTED, Mode.BYPASSED)
        return off or node.class_type in _NOTES or node.class_type in _VIRTUAL

    def _body(self, node: Node) -> dict[str, Any]:
        layout = self._layout(node)
        inputs: dict[str, Any] = {}
        reason = self._unsupported(node)
        if reason:
            self._refuse(node, reason)
        elif layout is None:
            inputs = {name: _as_sent(value) for name, value in self._guess(node).items()}
        else:
            for widget, value in values_of(node, layout):
                if widget.sent and value is not ABSENT:
                    inputs[widget.name] = _as_sent(self._text(node, widget, value))
        self._link(node, inputs)
        return {
            "class_type": node.class_type,
            "inputs": inputs,
            "_meta": {"title": self._title(node)},
        }

    def _layout(self, node: Node) -> Layout | None:
        """What the editor makes of the node's class, or None for an unknown one."""
        if node.class_type not in self._layouts:
            definition = self._definitions.get(node.class_type)
            self._layouts[node.class_type] = layout_of(definition) if definition else None
        return self._layouts[node.class_type]

    def _unsupported(self, node: Node) -> str | None:
        """Why this node, which the editor would send or expand, cannot be converted."""
        if kind := self._expands(node):
            return f"it is {kind}"
        layout = self._layout(node)
        return unsupported(layout, node) if layout else None

    def _expands(self, node: Node) -> str | None:
        """What the editor calls a node that stands for others, or None."""
        if (name := self._graph.subgraphs.get(node.class_type)) is not None:
            return f"the subgraph {shown(name)}" if name else "a subgraph"
        return "a group node" if node.class_type.startswith(("workflow>", "workflow/")) else None

    def _refuse(self, node: Node, reason: str, fix: str = _EXPORT_API) -> None:
        if node.id in self._refused:
            return
        self._refused.add(node.id)
        self.errors.append(
            Finding(
                "node-unsupported",
                f"this release cannot convert node {node.id}: {reason}",
                node.where(),
                fix=fix,
            )
        )

    # -- values

    def _guess(self, node: Node) -> dict[str, Any]:
        values = guessed_values(node)
        saved = node.widgets_values if isinstance(node.widgets_values, list) else []
        if saved and not values:
            reason = "its class is unknown, and its values are saved without names"
            self._refuse(node, reason, _DEFINE_OR_EXPORT)
            return values
        self.warnings.append(
            Finding(
                "node-class-unknown",
                f"no definition of the class {node.class_type}; node {node.id} is converted by the "
                "slots that it saved",
                node.where(),
                (("read", ", ".join(values) or "no values"),),
                DEFINE,
            )
        )
        return values

    def _text(self, node: Node, widget: Widget, value: Any) -> Any:
        """The value after what the editor does to texts."""
        if not isinstance(value, str) or widget.definition is None:
            return value
        if widget.definition.options.get("dynamicPrompts"):
            text, chose = dynamic_prompt(value)
            if chose:
                self.warnings.append(
                    Finding(
                        "text-choice",
                        "the text offers choices in braces; the first one is taken for good",
                        node.where(widget.name),
                        fix="write the choice that you want, or make the text an input",
                    )
                )
            return text
        if widget.name == "filename_prefix" and node.class_type in _SAVERS:
            return self._prefix(node, value)
        return value

    def _prefix(self, node: Node, value: str) -> str:
        if has_date(value):
            self.warnings.append(
                Finding(
                    "prefix-date",
                    "the editor fills in %date:…% when it runs; here it stays as it is written",
                    node.where("filename_prefix"),
                    fix="use what ComfyUI itself fills in: %year%-%month%-%day%",
                )
            )
        return filled_prefix(value, self._widget_value)

    def _widget_value(self, name: str, widget: str) -> Any:
        """The value of a widget for `%name.widget%`. Raises KeyError where there is none."""
        nodes = self._graph.nodes.values()
        named = [one for one in nodes if one.properties.get("Node name for S&R") == name]
        node = next(iter(named or (one for one in nodes if self._title(one) == name)), None)
        if node is None:
            raise KeyError(name)
        layout = self._layout(node)
        if layout is None or unsupported(layout, node):
            self._refuse(node, "a file name prefix reads one of its values")
            raise KeyError(name)
        for one, value in values_of(node, layout):
            if one.name == widget:
                return _plain(None if value is ABSENT else value)
        raise KeyError(widget)

    def _title(self, node: Node) -> str:
        layout = self._layout(node)
        return node.title or (layout.title if layout else node.class_type)

    # -- links

    def _link(self, node: Node, inputs: dict[str, Any]) -> None:
        """Write the node's links over its values; a link from a muted node takes the input away."""
        for index, slot in enumerate(node.inputs):
            if slot.link is None or not self._has_input(node, slot):
                continue
            link = self._graph.links.get(slot.link)
            if link is None or (link.target, link.target_slot) != (node.id, index):
                self._dangle(node, slot, "is not in the graph's table of links")
                continue
            origin = self._graph.nodes.get(link.origin)
            if origin is None:
                self._dangle(node, slot, f"comes from node {link.origin}, which does not exist")
            elif reason := self._unreadable(origin):
                if origin.id not in self._refused:
                    self._passed.append(origin)
                self._refuse(origin, reason)
            elif origin.mode == Mode.MUTED:
                inputs.pop(slot.name, None)
            elif link.origin_slot >= self._outputs(origin):
                self._dangle(
                    node,
                    slot,
                    f"comes from output {link.origin_slot} of node {link.origin}, "
                    "which has no such output",
                )
            else:
                inputs[slot.name] = [origin.id, link.origin_slot]

    def _has_input(self, node: Node, slot: Slot) -> bool:
        """Whether the node still has the input; slots that its pack added by script count."""
        layout = self._layout(node)
        return layout is None or slot.widget is None or slot.name in layout.inputs

    def _unreadable(self, origin: Node) -> str | None:
        """Why what this node gives cannot be told, or None for a plain node."""
        if origin.class_type in _VIRTUAL:
            return f"it is {_VIRTUAL[origin.class_type]}, which only passes on what it is given"
        if kind := self._expands(origin):
            return f"it is {kind}"
        bypassed = origin.mode == Mode.BYPASSED
        return "it is bypassed, and other nodes read from it" if bypassed else None

    def _outputs(self, origin: Node) -> int:
        layout = self._layout(origin)
        return max(origin.outputs, layout.outputs if layout else 0)

    def _dangle(self, node: Node, slot: Slot, what: str) -> None:
        self.errors.append(
            Finding(
                "link-dangling",
                f"the link into `{slot.name}` of node {node.id} {what}",
                node.where(slot.name),
                fix="connect the input again in ComfyUI, and save",
            )
        )


def _editor_order(node: str) -> tuple[bool, int]:
    """JavaScript's order of keys: whole numbers by size, then everything else as it came."""
    is_index = node.isascii() and node.isdigit() and (node == "0" or node[0] != "0")
    is_index = is_index and len(node) <= 10 and int(node) < 2**32 - 1
    return not is_index, int(node) if is_index else 0


def _as_sent(value: Any) -> Any:
    """A widget's value in a prompt; a list is wrapped, since a bare one may mean a link."""
    value = _plain(value)
    return {"__value__": value} if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """A value with whole floats as integers: `64.0` and `-0.0` are 64 and 0 in JavaScript."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _read_prompt(data: Mapping[str, Any]) -> tuple[Prompt, list[Finding]]:
    """A prompt file's nodes, reduced to what a prompt holds."""
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
        prompt[node] = {"class_type": body["class_type"], "inputs": dict(body.get("inputs") or {})}
        meta = body.get("_meta")
        if isinstance(meta, dict) and isinstance(meta.get("title"), str):
            prompt[node]["_meta"] = {"title": meta["title"]}
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
    return [
        Finding(
            "link-cycle",
            f"nodes feed each other in a circle: {' -> '.join([*circle, circle[0]])}",
            where_in(prompt, circle[0]),
            fix="disconnect one of these links in ComfyUI",
        )
        for circle in cycles(prompt)
    ]
