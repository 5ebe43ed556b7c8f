"""The first runflow.yaml of a project, drafted from its workflows, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..file_names import STATE_FOLDER
from ..redact import shown
from ..spec.schema import SCHEMA_NAME
from ..workflow.contract import PICTURE_SINKS
from ..workflow.contract_model import Contract
from ..workflow.definitions import Definitions, InputDefinition
from ..workflow.model import Prompt
from ..workflow.reach import link_of, reached
from .yaml_words import quoted, word

# Output nodes by how much their files look like a result; previews only where there is no other.
_PREVIEWS = ("PreviewImage", "PreviewAudio", "PreviewAny")

# Values that callers often want to give, whatever the class of the node.
_OFTEN_GIVEN = ("seed", "noise_seed", "steps", "cfg", "denoise", "width", "height", "strength")
_TEXTS = ("text", "prompt", "negative_prompt")
MOST_SUGGESTIONS = 20


@dataclass(frozen=True)
class Exposure:
    """A node, or one of its fields, that can become an output or an input under this name."""

    name: str
    node: str
    title: str
    field: str | None = None  # None: an output


@dataclass(frozen=True)
class EndpointDraft:
    """What is known of one endpoint before anybody wrote about it."""

    slug: str
    workflow: str  # POSIX path relative to runflow.yaml
    name: str | None  # where it says more than the slug
    contract: Contract  # of the workflow's Runflow nodes
    outputs: tuple[Exposure, ...]  # exposed, because no Runflow node declares one
    suggestions: tuple[Exposure, ...]  # fields that could be inputs


def exposed_outputs(prompt: Prompt, definitions: Definitions) -> tuple[Exposure, ...]:
    """The nodes that save something, as outputs; previews only where nothing else saves."""
    savers = [node for node, body in prompt.items() if _saves(body["class_type"], definitions)]
    lasting = [node for node in savers if prompt[node]["class_type"] not in _PREVIEWS]
    kinds = {
        node: "image" if prompt[node]["class_type"] in PICTURE_SINKS else "file" for node in savers
    }
    found = lasting or savers
    names = _unique(kinds[node] for node in found)
    return tuple(
        Exposure(name, node, _title(prompt, node)) for name, node in zip(names, found, strict=True)
    )


def suggested_inputs(
    prompt: Prompt, definitions: Definitions, outputs: Iterable[str]
) -> tuple[Exposure, ...]:
    """Fields with a value of their own that callers may want to give, of nodes `outputs` need."""
    needed = reached(prompt, outputs)
    fields = [
        (node, field)
        for node, body in prompt.items()
        if node in needed and (definition := definitions.get(body["class_type"]))
        for field, value in body["inputs"].items()
        if link_of(value) is None and (known := definition.input(field)) and _is_often_given(known)
    ][:MOST_SUGGESTIONS]
    names = _unique("prompt" if field == "text" else field for _, field in fields)
    return tuple(
        Exposure(name, node, _title(prompt, node), field)
        for name, (node, field) in zip(names, fields, strict=True)
    )


def draft_text(
    project: str,
    comfyui: str,
    release: str | None,
    endpoints: Iterable[EndpointDraft],
    *,
    repository: str | None = None,
    python: str | None = None,
) -> str:
    """The text of runflow.yaml, with comments on what else could stand there.

    `comfyui` is the wished ref, `release` what people call it; `repository` where it is not
    upstream's, `python` a version ("3.11") where it is not the default.
    """
    home = f"repository: {word(repository)}, " if repository else ""
    lines = [
        f"# yaml-language-server: $schema={STATE_FOLDER}/{SCHEMA_NAME}",
        "version: 1",
        "# organization: acme                # owner in the URL; default: the API key's",
        f"project: {word(project)}",
        "",
        f"comfyui: {{{home}ref: {word(comfyui)}}}" + (f"  # {shown(release)}" if release else ""),
        f"python: {{version: {quoted(python)}}}"
        if python
        else '# python: {version: "3.12", targets: [linux-cu128]}',
        "# nodes:                            # packs: only what the workflow cannot say itself",
        "#   ComfyUI-KJNodes: {repository: https://github.com/kijai/ComfyUI-KJNodes, ref: main}",
        "# models:                           # sources that the workflow does not carry",
        "#   loras/style.safetensors: {url: https://huggingface.co/acme/style.safetensors}",
        "",
        "endpoints:",
    ]
    for endpoint in endpoints:
        lines += [""] if lines[-1] != "endpoints:" else []
        lines += endpoint_lines(endpoint)
    return "\n".join(lines) + "\n"


def endpoint_lines(endpoint: EndpointDraft) -> Iterator[str]:
    """The lines of its entry below `endpoints:`, by two spaces to the right of that."""
    yield f"  {word(endpoint.slug)}:"
    if endpoint.name is not None:
        yield f"    name: {word(endpoint.name)}"
    yield f"    workflow: {word(endpoint.workflow)}"
    yield "    # gpu: {min_vram_gb: 24}          # cheapest that fits; or {model: l40s}"
    contract = endpoint.contract
    if contract.inputs:
        yield "    # Its Runflow nodes declare these inputs; `inputs:` can refine them:"
        for name, one in contract.inputs.items():
            yield f"    #   {shown(name)}: {one.type}, {'required' if one.required else 'optional'}"
    if endpoint.suggestions:
        yield "    # inputs:                         # any node's field can be one"
        yield from (f"    #   {_exposure(one)}" for one in endpoint.suggestions)
    if contract.outputs:
        yield "    # Its Runflow nodes declare these outputs:"
        yield from (f"    #   {shown(name)}: {one.type}" for name, one in contract.outputs.items())
    elif endpoint.outputs:
        yield "    outputs:"
        yield from (f"      {_exposure(one)}" for one in endpoint.outputs)
    else:
        yield "    # No node saves anything yet: add Runflow Output Image, or SaveImage."


def _exposure(one: Exposure) -> str:
    field = "" if one.field is None else f", field: {word(one.field)}"
    entry = f"{word(one.name)}: {{node: {quoted(one.node)}{field}}}"
    return f"{entry}  # {shown(one.title)}"


def _saves(class_type: str, definitions: Definitions) -> bool:
    definition = definitions.get(class_type)
    return definition is not None and definition.output_node


def _is_often_given(known: InputDefinition) -> bool:
    if known.type == "STRING":
        return known.name in _TEXTS or bool(known.options.get("dynamicPrompts"))
    return known.name in _OFTEN_GIVEN or bool(known.options.get("image_upload"))


def _title(prompt: Prompt, node: str) -> str:
    body: dict[str, Any] = prompt[node]
    return str(body.get("_meta", {}).get("title") or body["class_type"])


def _unique(names: Iterable[str]) -> list[str]:
    """The names, every further one of a kind with a number: image, image_2."""
    found: list[str] = []
    for name in names:
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found.append(free)
    return found
