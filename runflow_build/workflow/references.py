"""What a workflow names in the world outside: model files, input files, node packs, classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import WorkflowError
from ..findings import Finding, Where
from .graph import id_text
from .model import Prompt, Workflow, where_in

# Folders below models/, by the loader's input. A class of its own comes first; the plain names
# serve node packs too, whose loaders call their inputs like the core's.
_FOLDER_OF_CLASS: Mapping[tuple[str, str], str] = {
    ("CLIPVisionLoader", "clip_name"): "clip_vision",
    ("UpscaleModelLoader", "model_name"): "upscale_models",
    ("LatentUpscaleModelLoader", "model_name"): "latent_upscale_models",
    ("ModelPatchLoader", "name"): "model_patches",
    ("LTXAVTextEncoderLoader", "text_encoder"): "text_encoders",
}
_FOLDER_OF_FIELD: Mapping[str, str] = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "clip_name3": "text_encoders",
    "clip_name4": "text_encoders",
    "control_net_name": "controlnet",
    "style_model_name": "style_models",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "photomaker_model_name": "photomaker",
    "audio_encoder_name": "audio_encoders",
}
_MODEL_SUFFIXES = frozenset(
    (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf", ".onnx")
)
_INPUT_FILES = frozenset(
    (
        ("LoadImage", "image"),
        ("LoadImageMask", "image"),
        ("LoadAudio", "audio"),
        ("LoadVideo", "file"),
        ("LoadLatent", "latent"),
        ("RunflowInputFile", "file_name"),
        ("RunflowInputFile", "value"),
    )
)
_CORE_PACK = "comfy-core"
_SECRET = re.compile(r"token|secret|password|signature|sig|key|api_?key|auth|x-amz-.*", re.I)


@dataclass(frozen=True)
class ModelReference:
    """A model file that a node loads."""

    path: str  # POSIX, below models/: loras/styles/ink.safetensors
    node: str
    title: str | None
    class_type: str
    field: str
    url: str | None = None  # what the workflow itself says of the file, without secrets
    sha256: str | None = None


@dataclass(frozen=True)
class ResourceReference:
    """An input file that a node reads."""

    path: str  # POSIX: input/portraits/anna.png
    node: str
    title: str | None
    class_type: str
    field: str


@dataclass(frozen=True)
class PackReference:
    """The node pack that a node says it is from."""

    class_type: str
    cnr_id: str | None  # its id in the Comfy Registry
    aux_id: str | None  # owner/repository
    version: str | None  # of the pack, or a commit
    node: str


def node_classes(prompt: Prompt) -> set[str]:
    """The classes of all nodes."""
    return {body["class_type"] for body in prompt.values()}


def model_references(prompt: Prompt, workflow: Workflow | None = None) -> list[ModelReference]:
    """The model files that the prompt's nodes load, in node order.

    With the graph that the prompt comes from, also what its `properties.models` say: URL, hash, and
    the folder, which then also tells where the files of unknown loaders lie.

    Raises WorkflowError: `path-escapes`.
    """
    declared = _declared_models(workflow)
    references, findings = [], []
    for node, body in prompt.items():
        for name, value in body["inputs"].items():
            if not isinstance(value, str) or not _is_model_name(value):
                continue
            said = declared.get(node, {}).get(PurePosixPath(_posix(value)).name, {})
            folder = said.get("directory") or _folder(body["class_type"], name)
            if folder is None:
                continue
            where = where_in(prompt, node, name)
            path = f"{folder}/{_posix(value)}"
            if _escapes(_posix(value)) or _escapes(folder):
                findings.append(_escape(value, where, "models"))
                continue
            references.append(
                ModelReference(
                    path=str(PurePosixPath(path)),
                    node=node,
                    title=where.title,
                    class_type=body["class_type"],
                    field=name,
                    url=said.get("url"),
                    sha256=said.get("sha256"),
                )
            )
    if findings:
        raise WorkflowError(*findings)
    return references


def resource_references(prompt: Prompt) -> list[ResourceReference]:
    """The files below input/ that the prompt's nodes read, in node order; exact names only.

    Raises WorkflowError: `path-escapes`, and `resource-not-input` for a file that ComfyUI would
    read from its output or temp folder (`x.png [output]`).
    """
    references, findings = [], []
    for node, body in prompt.items():
        for name, value in body["inputs"].items():
            if (body["class_type"], name) not in _INPUT_FILES or not isinstance(value, str):
                continue
            where = where_in(prompt, node, name)
            path, folder = _annotated(_posix(value))
            if not path:
                continue
            if folder != "input":
                findings.append(_not_input(value, folder, where))
            elif _escapes(path):
                findings.append(_escape(value, where, "input"))
            else:
                full = str(PurePosixPath("input", path))
                references.append(
                    ResourceReference(full, node, where.title, body["class_type"], name)
                )
    if findings:
        raise WorkflowError(*findings)
    return references


def pack_references(workflow: Workflow) -> list[PackReference]:
    """What the nodes of a graph say of their packs, subgraphs included; core nodes left out.

    A prompt file says nothing of packs.
    """
    if workflow.format == "prompt":
        return []
    references = []
    for node in _graph_nodes(workflow.data):
        properties = node.get("properties")
        if not isinstance(properties, dict) or not isinstance(node.get("type"), str):
            continue
        cnr, aux = _word(properties.get("cnr_id")), _word(properties.get("aux_id"))
        if cnr == _CORE_PACK or not (cnr or aux):
            continue
        version = _word(properties.get("ver"))
        references.append(
            PackReference(node["type"], cnr, aux, version, id_text(node.get("id")) or "")
        )
    return references


def _folder(class_type: str, field: str) -> str | None:
    return _FOLDER_OF_CLASS.get((class_type, field)) or _FOLDER_OF_FIELD.get(field)


def _is_model_name(value: str) -> bool:
    return PurePosixPath(_posix(value)).suffix.lower() in _MODEL_SUFFIXES and "\n" not in value


def _posix(value: str) -> str:
    return value.strip().replace("\\", "/")


def _escapes(path: str) -> bool:
    """Whether a relative path leaves its folder; a drive letter and a NUL do, too."""
    parts = PurePosixPath(path).parts
    return path.startswith("/") or ".." in parts or path[1:2] == ":" or "\0" in path


def _annotated(value: str) -> tuple[str, str]:
    """(path, folder) of `x.png [output]`; ComfyUI's folder_paths.annotated_filepath at 3cd7b32f."""
    for folder in ("output", "input", "temp"):
        if value.endswith(f"[{folder}]"):
            return value.removesuffix(f"[{folder}]").rstrip(), folder
    return value, "input"


def _declared_models(workflow: Workflow | None) -> dict[str, dict[str, dict[str, str]]]:
    """Node id -> file name -> {url, directory, sha256} as the graph's `properties.models` say."""
    declared: dict[str, dict[str, dict[str, str]]] = {}
    if workflow is None or workflow.format == "prompt":
        return declared
    for node in _graph_nodes(workflow.data):
        properties = node.get("properties")
        rows = properties.get("models") if isinstance(properties, dict) else None
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and (name := _word(row.get("name"))):
                file_name = PurePosixPath(_posix(name)).name
                of_node = declared.setdefault(id_text(node.get("id")) or "", {})
                of_node[file_name] = _declared_model(row)
    return declared


def _declared_model(row: Mapping[str, Any]) -> dict[str, str]:
    said = {}
    if url := _public_url(_word(row.get("url")) or ""):
        said["url"] = url
    if directory := _word(row.get("directory")):
        said["directory"] = _posix(directory).strip("/")
    digest = _word(row.get("hash"))
    kind = (_word(row.get("hash_type")) or "").lower().replace("-", "")
    if digest and kind == "sha256" and len(digest) == 64:
        said["sha256"] = digest.lower()
    return said


def _public_url(url: str) -> str | None:
    """The URL without user, password, and parameters that look like a key; None for no web URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("http", "https") or not host:
        return None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, value) for name, value in pairs if not _SECRET.fullmatch(name)]
    shown = urlencode(query) if len(query) < len(pairs) else parts.query
    return parts._replace(netloc=host, query=shown, fragment="").geturl()


def _graph_nodes(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All nodes as written, those of the subgraph definitions included."""
    definitions = data.get("definitions")
    subgraphs = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    for graph in [data, *(subgraphs if isinstance(subgraphs, list) else [])]:
        nodes = graph.get("nodes") if isinstance(graph, dict) else None
        if isinstance(nodes, list):
            yield from (node for node in nodes if isinstance(node, dict))


def _word(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _escape(value: str, where: Where, folder: str) -> Finding:
    return Finding(
        "path-escapes",
        f"{value!r} leads out of the {folder} folder",
        where,
        fix=f"choose a file below {folder}/",
    )


def _not_input(value: str, folder: str, where: Where) -> Finding:
    return Finding(
        "resource-not-input",
        f"{value!r} lies in ComfyUI's {folder} folder, which an endpoint does not have",
        where,
        fix="copy the file into ./input and choose it there",
    )
