"""The contract of a prompt: Runflow's own nodes, and the fields that runflow.yaml exposes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import WorkflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where, did_you_mean
from ..spec.model import EndpointWish, InputWish, OutputWish
from .contract_model import Contract, ContractInput, ContractOutput, InputType
from .declared import declared_inputs, declared_outputs, default_of, own_title
from .definitions import COMBO, UPLOADS, Definitions, InputDefinition
from .model import Prompt, where_in
from .reach import link_of

# Core nodes that end in picture files, with their socket: exposed as an output, a Runflow Output
# Image takes over what is linked there, and the node itself is no longer needed.
PICTURE_SINKS: Mapping[str, str] = {"SaveImage": "images", "PreviewImage": "images"}
_VALUE_TYPES: Mapping[str, InputType] = {
    "STRING": "STRING",
    "INT": "INT",
    "FLOAT": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "IMAGE": "IMAGE",
}
_PICTURE_UPLOADS = ("image_upload", "animated_image_upload")
_REFINED = ("display_name", "description", "default", "minimum", "maximum", "step", "choices")


def contract_of(
    prompt: Prompt, wish: EndpointWish, definitions: Definitions, slug: str
) -> tuple[Contract, list[Finding]]:
    """What the endpoint takes and gives, and all that is wrong with it.

    Runflow nodes come first, in the prompt's order, then exposed fields in that of runflow.yaml. An
    input or output with an error is left out, except that of two with one id the first stays.
    """
    inputs, findings = declared_inputs(prompt)
    outputs, more = declared_outputs(prompt)
    findings = [finding.in_file(wish.workflow) for finding in (*findings, *more)]
    reader = _Exposures(prompt, definitions, slug)
    inputs = reader.inputs(inputs, wish.inputs)
    outputs = reader.outputs(outputs, wish.outputs)
    return Contract(inputs=inputs, outputs=outputs), [*findings, *reader.findings]


def served_contract(prompt: Prompt) -> Contract:
    """What the Runflow nodes of a prompt say by themselves: what any server derives.

    Raises WorkflowError: `contract-id-blank`, `contract-id-duplicate`, `contract-limit`.
    """
    inputs, findings = declared_inputs(prompt)
    outputs, more = declared_outputs(prompt)
    if findings or more:
        raise WorkflowError(*findings, *more)
    return Contract(inputs=inputs, outputs=outputs)


class _Exposures:
    """What runflow.yaml adds to the contract of one endpoint."""

    def __init__(self, prompt: Prompt, definitions: Definitions, slug: str) -> None:
        self._prompt = prompt
        self._definitions = definitions
        self._slug = slug
        self.findings: list[Finding] = []

    def inputs(
        self, declared: Mapping[str, ContractInput], wishes: Mapping[str, InputWish]
    ) -> dict[str, ContractInput]:
        """The declared inputs as refined, and the exposed ones behind them."""
        inputs = dict(declared)
        taken: dict[tuple[str, str], str] = {}
        for name, wish in wishes.items():
            if wish.node is None:
                if self._is_declared("input", name, declared):
                    inputs[name] = _refined(declared[name], wish, self._prompt)
                continue
            exposed = self._exposed_input(name, wish)
            if exposed is None or not self._is_free("input", name, exposed.node, declared):
                continue
            former = taken.setdefault((exposed.node, exposed.field), name)
            if former != name:
                self._report(
                    "contract-id-duplicate",
                    f"the inputs `{former}` and `{name}` expose the same field",
                    ("inputs", name),
                    "remove one of them",
                    also=(("at", where_in(self._prompt, exposed.node, exposed.field).node_text()),),
                )
                continue
            inputs[name] = _refined(exposed, wish, self._prompt)
        return inputs

    def outputs(
        self, declared: Mapping[str, ContractOutput], wishes: Mapping[str, OutputWish]
    ) -> dict[str, ContractOutput]:
        """The declared outputs as refined, and the exposed ones behind them."""
        outputs = dict(declared)
        for name, wish in wishes.items():
            if wish.node is None:
                base = declared[name] if self._is_declared("output", name, declared) else None
            else:
                base = self._exposed_output(name, wish.node)
                if base and not self._is_free("output", name, base.node, declared):
                    base = None
            if base:
                said = {"display_name": wish.display_name, "description": wish.description}
                outputs[name] = base.model_copy(update=_given(said))
        return outputs

    def _exposed_input(self, name: str, wish: InputWish) -> ContractInput | None:
        node = self._node(wish.node or "", ("inputs", name, "node"))
        if node is None:
            return None
        body = self._prompt[node]
        definition = self._definitions.get(body["class_type"])
        field = wish.field or ""
        known = definition.input(field) if definition else None
        if known is None and field not in body["inputs"]:
            names = [
                *body["inputs"],
                *(one.name for one in (definition.inputs if definition else ())),
            ]
            self._lacking_field(name, node, field, names)
            return None
        value = body["inputs"].get(field)
        outputs = definition.outputs if definition else ()
        kind = _type_of(known, outputs) if known else _literal_type(value)
        if kind is None:
            self._unsupported_field(name, node, field, known)
            return None
        if (link := link_of(value)) and kind != "IMAGE":
            self._linked_field(name, node, field, link[0])
            return None
        # Which files there are is no matter of the class.
        names_files = self._definitions.file_folder(body["class_type"], field) is not None
        return ContractInput(
            type=kind,
            required=False,
            node=node,
            class_type=body["class_type"],
            title=own_title(self._prompt, node, definition.title if definition else None),
            field=field,
            **({} if names_files else _limits(kind, known)),
        )

    def _exposed_output(self, name: str, ref: str) -> ContractOutput | None:
        node = self._node(ref, ("outputs", name, "node"))
        if node is None:
            return None
        class_type = self._prompt[node]["class_type"]
        definition = self._definitions.get(class_type)
        if definition and not definition.output_node:
            self._report(
                "not-an-output",
                f"the output `{name}` names a node that saves nothing",
                ("outputs", name, "node"),
                "name a node that saves files, such as SaveImage",
                also=(("at", where_in(self._prompt, node).node_text()),),
            )
            return None
        return ContractOutput(
            type="IMAGE" if class_type in {*PICTURE_SINKS, "RunflowOutputImage"} else "FILE",
            node=node,
            class_type=class_type,
            title=own_title(self._prompt, node, definition.title if definition else None),
        )

    # -- what can be wrong

    def _node(self, ref: str, key: Key) -> str | None:
        """The id of the node that `ref` means: an id, or a title that only one node has."""
        nodes = nodes_named(self._prompt, ref)
        if len(nodes) == 1:
            return nodes[0]
        if nodes:
            self._report(
                "node-ambiguous",
                f"{len(nodes)} nodes have the title `{ref}`",
                key,
                "write the id of the one that you mean",
                also=tuple(("also", where_in(self._prompt, node).node_text()) for node in nodes),
            )
            return None
        titles = {_title(self._prompt, node) for node in self._prompt}
        hint = did_you_mean(ref, sorted(titles | set(self._prompt)))
        self._report(
            "node-missing",
            f"no node has the id or title `{ref}`{hint}",
            key,
            "write the id or the title of a node of the workflow",
        )
        return None

    def _is_declared(self, kind: str, name: str, declared: Mapping[str, Any]) -> bool:
        if name in declared:
            return True
        hint = did_you_mean(name, declared)
        known = ", ".join(declared) or "none"
        also = () if hint else (("known", known),)
        self._report(
            f"contract-{kind}-unknown",
            f"the workflow has no Runflow {kind.capitalize()} node with the id `{name}`{hint}",
            (f"{kind}s", name),
            f"use the node's own id, or add `node:` to expose a node as this {kind}",
            also=also,
        )
        return False

    def _is_free(
        self,
        kind: str,
        name: str,
        node: str,
        declared: Mapping[str, ContractInput | ContractOutput],
    ) -> bool:
        """Whether neither the name nor the Runflow node is taken by a declared one."""
        other = next((key for key, one in declared.items() if one.node == node), None)
        if other is not None:
            message = f"node {node} is the {kind} `{other}` already"
            fix = f"refine it under the name `{other}`, without `node:`"
        elif name in declared:
            message = f"a Runflow {kind.capitalize()} node has the id `{name}` already"
            fix = f"give this {kind} another name, or remove `node:` to refine that node"
        else:
            return True
        self._report("contract-id-duplicate", message, (f"{kind}s", name), fix)
        return False

    def _lacking_field(self, name: str, node: str, field: str, known: list[str]) -> None:
        hint = did_you_mean(field, known)
        self._report(
            "field-missing",
            f"node {node} has no field `{field}`{hint}",
            ("inputs", name, "field"),
            "write one of the node's fields",
            also=(
                ("at", where_in(self._prompt, node).node_text()),
                ("known", ", ".join(dict.fromkeys(known)) or "none"),
            ),
        )

    def _unsupported_field(
        self, name: str, node: str, field: str, known: InputDefinition | None
    ) -> None:
        kind = f"of the type {known.type}" if known else "not a text, number or switch"
        self._report(
            "field-unsupported",
            f"the field `{field}` is {kind}, which no request can give",
            ("inputs", name, "field"),
            "expose a text, number, switch, choice or image",
            also=(("at", where_in(self._prompt, node, field).node_text()),),
        )

    def _linked_field(self, name: str, node: str, field: str, source: str) -> None:
        from_node = where_in(self._prompt, source).node_text() if source in self._prompt else source
        self._report(
            "field-linked",
            f"the field `{field}` takes its value from another node",
            ("inputs", name, "field"),
            "expose the field of the node that it comes from",
            also=(
                ("at", where_in(self._prompt, node, field).node_text()),
                ("from", from_node),
            ),
        )

    def _report(
        self,
        code: str,
        message: str,
        key: Key,
        fix: str,
        also: tuple[tuple[str, str], ...] = (),
    ) -> None:
        where = Where(SPEC_FILE, key=("endpoints", self._slug, *key))
        self.findings.append(Finding(code, message, where, also, fix))


def nodes_named(prompt: Prompt, ref: str) -> list[str]:
    """The ids that `ref` may mean: itself when it is an id, else the nodes of that title."""
    if ref in prompt:
        return [ref]
    return [node for node in prompt if _title(prompt, node) == ref]


def _title(prompt: Prompt, node: str) -> str:
    return str(prompt[node].get("_meta", {}).get("title", ""))


def _type_of(definition: InputDefinition, outputs: tuple[str, ...]) -> InputType | None:
    """The contract's type of a field; a loader's choice of an uploaded file is that file."""
    if definition.type != COMBO:
        return _VALUE_TYPES.get(definition.type)
    if any(definition.options.get(one) for one in _PICTURE_UPLOADS) and outputs[:1] == ("IMAGE",):
        return "IMAGE"
    return "FILE" if any(definition.options.get(one) for one in UPLOADS) else "COMBO"


def _literal_type(value: Any) -> InputType | None:
    """The type of a field of an unknown class, read off its value."""
    kinds: Mapping[type, InputType] = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}
    return kinds.get(type(value))


def _limits(kind: InputType, known: InputDefinition | None) -> dict[str, Any]:
    """What the class itself allows: the range of a number, the choices of a combo.

    `step` is left out: in a definition it is how far the arrows go, not what is allowed.
    """
    if known is None:
        return {}
    if kind in ("INT", "FLOAT"):
        return {"minimum": known.options.get("min"), "maximum": known.options.get("max")}
    if kind == "COMBO" and known.choices:
        return {"choices": [str(choice) for choice in known.choices]}
    return {}


def _refined(base: ContractInput, wish: InputWish, prompt: Prompt) -> ContractInput:
    """The input with what the wish says besides; a required one has no default."""
    required = base.required if wish.required is None else wish.required
    default = default_of(prompt, base) if wish.default is None else wish.default
    said = _given({name: getattr(wish, name) for name in _REFINED})
    return base.model_copy(
        update={**said, "required": required, "default": None if required else default}
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
