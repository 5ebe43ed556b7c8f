"""What there is to say of a graph on its way to a prompt: the findings of conversion, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...findings import Finding
from ..definitions import DEFINE
from ..javascript import plain
from .canvas import Input, Node, Widget
from .extent import DEEPEST, MOST_NODES
from .wires import Box, Dangling, Loop

_CONNECT = "connect the input again in ComfyUI, and save"
_EXPORT_API = "export it with Workflow > Export (API) in ComfyUI, and name that file instead"


def dangling(end: Dangling, box: Box, slot: int) -> Finding:
    """`box` and `slot` are the input that the link should lead to."""
    name = None
    if end.output:
        box, slot = end.output
        message = f"output {slot} of node {box.id} {end.what}"
    else:
        name = box.node.inputs[slot].name
        message = f"the link into `{name}` of node {box.id} {end.what}"
    return Finding("link-dangling", message, _at(box, name), fix=_CONNECT)


def lost(box: Box, field: str) -> Finding:
    return Finding(
        "link-lost",
        f"the editor drops the link into `{field}` of node {box.id}",
        _at(box, field),
        fix="open the workflow in ComfyUI, connect the input anew or set its value, and save; a "
        "group node is better made a subgraph",
    )


def loop(end: Loop) -> Finding:
    return Finding(
        "wire-loop",
        f"what node {end.box.id} passes on leads back to itself",
        _at(end.box),
        fix="disconnect one of these links in ComfyUI",
    )


def straight_through(box: Box) -> Finding:
    return Finding(
        "editor-refuses",
        f"an input of the subgraph {box.id} is wired straight to one of its outputs, which "
        "ComfyUI's editor cannot send; it is taken as it is meant",
        _at(box),
        fix="connect what feeds the subgraph to what reads from it, past the subgraph",
    )


def refused(node: Node, why: str) -> Finding:
    return Finding(
        "editor-refuses",
        f"ComfyUI's editor stops at node {node.id}: {why}; it is passed over here",
        node.where(),
        fix="correct the node in ComfyUI, and save",
    )


def remote_choice(box: Box, field: str) -> Finding:
    return Finding(
        "choice-remote",
        f"the editor asks the running ComfyUI for the choices of `{field}`, and does not send the "
        "one that was saved",
        _at(box, field),
        fix="use a node that loads an input file, such as LoadImage",
    )


def choice(box: Box, field: str) -> Finding:
    return Finding(
        "text-choice",
        "the text offers choices in braces; Runflow draws one at each run, other servers take the "
        "text as it is",
        _at(box, field),
        fix="nothing, if that is meant; or write the choice that you want, or make it an input",
    )


def date(box: Box, field: str) -> Finding:
    return Finding(
        "prefix-date",
        "the file name holds %date:…%, which Runflow fills in at each run; other servers take it "
        "as it is",
        _at(box, field),
        fix="nothing, or use what ComfyUI itself fills in: %year%-%month%-%day%",
    )


def cut(box: Box, field: str, text: str) -> list[Finding]:
    """What the editor loses of a text of which it works out choices and comments."""
    findings = []
    if "//" in text or "/*" in text:
        findings.append(
            Finding(
                "text-comment",
                "the editor takes `//` to the end of the line and /* */ for comments, and sends "
                "the text without them",
                _at(box, field),
                fix="nothing, if they are comments; write an address without its `https://`",
            )
        )
    trailing = len(text) - len(text.rstrip("\\"))
    if trailing % 2:
        findings.append(
            Finding(
                "text-escape",
                "the text ends with a backslash, behind which the editor writes `undefined`",
                _at(box, field),
                fix="remove the backslash at the end",
            )
        )
    return findings


def unknown_class(box: Box, values: Mapping[str, Any], lost: int) -> Finding:
    """A node that was converted by its own slots; an error where some values have no name."""
    read = (("read", ", ".join(values) or "no values"), *_said_pack(box.node))
    if lost:
        wrong = "those that are may be the wrong ones" if values else "none of them is sent"
        return Finding(
            "node-values-unnamed",
            f"no definition of the class {box.node.class_type}, and {lost} of the values of node "
            f"{box.id} have no name in the file, so {wrong}",
            _at(box),
            read,
            f"{DEFINE}; or {_EXPORT_API}",
        )
    return Finding(
        "node-class-unknown",
        f"no definition of the class {box.node.class_type}; node {box.id} is converted by the "
        "slots that it saved",
        _at(box),
        read,
        DEFINE,
    )


def _said_pack(node: Node) -> tuple[tuple[str, str], ...]:
    """What the node says of where its class is from."""
    said = [node.properties.get(name) for name in ("cnr_id", "aux_id", "ver")]
    words = [one for one in said if isinstance(one, str) and one]
    return (("from", " ".join(words)),) if words else ()


def too_large(nodes: int, levels: int) -> Finding:
    if levels > DEEPEST:
        what = f"its subgraphs lie in each other {levels} levels deep; {DEEPEST} are the most"
    else:
        count = str(nodes) if nodes < 10**12 else "more than a million million"
        what = (
            f"it stands for {count} nodes, with what is in its subgraphs; {MOST_NODES} are the most"
        )
    return Finding(
        "workflow-too-large",
        f"the workflow is too large: {what}",
        fix="split it into several workflows",
    )


def missing_subgraph(node: Node) -> Finding:
    return Finding(
        "subgraph-missing",
        f"node {node.id} is a subgraph, and the file does not hold what is inside",
        node.where(),
        fix="export the workflow from ComfyUI again",
    )


def group_nested(node: Node, around: str) -> Finding:
    return Finding(
        "group-nested",
        f"node {node.id} is a group node inside a {around}, which ComfyUI's editor does not expand",
        node.where(),
        fix="convert the group node to a subgraph in ComfyUI, and save",
    )


def type_conflict(node: Node, slot: Input) -> Finding:
    return Finding(
        "link-type-conflict",
        f"the inputs of node {node.id} that must be of one type are linked to different ones",
        node.where(slot.name),
        fix="link outputs of one type in ComfyUI, and save",
    )


def values_by_key(node: Node) -> Finding:
    return Finding(
        "values-object",
        f"the values of node {node.id} are saved by name, which the editor does not read for this "
        "class; it sends none of them",
        node.where(),
        fix="open the workflow in ComfyUI, set the values again, and save",
    )


def values_shifted(node: Node, widget: Widget) -> Finding:
    return Finding(
        "values-shifted",
        f"the saved values of node {node.id} have no place for `{widget.name}`, so the editor "
        "reads those behind it one place off",
        node.where(widget.name),
        fix="open the workflow in ComfyUI, correct the values, and save",
    )


def values_surplus(node: Node) -> Finding:
    shown = len(node.widgets)
    return Finding(
        "values-shifted",
        f"node {node.id} has {len(node.values)} values saved and shows {shown} widgets to ComfyUI "
        "0.8.0, which gives them the first ones in order; a newer editor meant others",
        node.where(),
        fix="open the workflow in the ComfyUI that is locked, set the values again, and save",
    )


def branch_unknown(node: Node, widget: Widget) -> Finding:
    return Finding(
        "values-shifted",
        f"`{widget.name}` of node {node.id} has no choice of the saved name, so the inputs that "
        "belong to it are gone and the values behind it are one place off",
        node.where(widget.name),
        fix="open the workflow in ComfyUI, choose again, and save",
    )


def primitive_changed(node: Node, before: Any, after: Any) -> Finding:
    return Finding(
        "primitive-limited",
        f"the editor changes the value of node {node.id} from {plain(before)} to {plain(after)}, "
        "to fit the limits of all widgets that it is linked to",
        node.where(),
        fix="nothing, if the new value is right; or give each widget a primitive of its own",
    )


def primitive_lost(node: Node) -> Finding:
    return Finding(
        "primitive-lost",
        f"the editor cannot tell what kind of value node {node.id} has, so it sends none to what "
        "it is linked to",
        node.where(),
        fix="connect a widget of a known class first, or set the values without the primitive",
    )


def browser_value(node: Node) -> Finding:
    return Finding(
        "node-unsupported",
        f"node {node.id} ({node.class_type}) writes what only its browser knows into the nodes "
        "that it is linked to; they keep what they were saved with",
        node.where(),
        fix="set the values in those nodes themselves",
    )


def needs_browser(box: Box, what: str) -> Finding:
    return Finding(
        "node-unsupported",
        f"node {box.id} sends {what}, which only a browser has",
        _at(box),
        fix="use a node that loads a file in its place, such as LoadImage",
    )


def _at(box: Box, field: str | None = None) -> Any:
    return box.node.where(field, box.path)
