"""The model files that a prompt names, as paths below models/."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import WorkflowError
from ..findings import Finding, Where
from .definitions import Definitions
from .model import Prompt, Workflow, where_in
from .model_rows import ModelRow, ModelRows
from .paths import below, escape, escapes, posix, whole_folder
from .reach import link_of

SUFFIXES = (
    ".safetensors",
    ".sft",
    ".ckpt",
    ".pt",
    ".pt2",
    ".pth",
    ".bin",
    ".pkl",
    ".gguf",
    ".onnx",
)

# Loaders of node packs call their inputs like the core's, sometimes with a number: lora_01.
_FOLDER_BY_NAME: Mapping[str, str] = {
    "ckpt|checkpoint": "checkpoints",
    "lora": "loras",
    "vae": "vae",
    "unet|diffusion_model": "diffusion_models",
    "clip|text_encoder": "text_encoders",
    "clip_vision": "clip_vision",
    "control_?net": "controlnet",
    "style_model": "style_models",
    "upscale_model": "upscale_models",
    "hypernetwork": "hypernetworks",
    "gligen": "gligen",
}
_NAMES = {
    re.compile(rf"({names})(_?name)?(_?\d+)?"): folder for names, folder in _FOLDER_BY_NAME.items()
}

# VAELoader's own words and files (nodes.py at 3cd7b32f): a pair of files that it names without
# suffix, and decoders that it looks for beside them.
_VAE_LOADER = ("VAELoader", "vae_name")
_TINY_VAES = ("taesd", "taesdxl", "taesd3", "taef1")
_VIDEO_VAES = ("taehv", "lighttaew2_2", "lighttaew2_1", "lighttaehy1_5")
_TINY_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")


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
    also: tuple[str, ...] = ()  # other paths that ComfyUI would take, where a name has no suffix


def model_references(
    prompt: Prompt,
    definitions: Definitions,
    workflow: Workflow | None = None,
    declared: Collection[str] = (),
) -> tuple[list[ModelReference], list[Finding]]:
    """The model files that the prompt's nodes load, in node order, and names that say too little.

    The folder is what the catalogue knows of the input; else, with the graph that the prompt comes
    from, what its rows of models say; else, for a class of a node pack, what the input's name says;
    else that of the file in `declared`, the paths that runflow.yaml has. The graph's rows also give
    URL and hash.

    Findings, all warnings: `model-unplaced`, `folder-unlocked`. Raises WorkflowError:
    `path-escapes`.
    """
    rows = ModelRows(workflow)
    references: list[ModelReference] = []
    findings: list[Finding] = []
    for node, body in prompt.items():
        for field, key, name in _names(body["inputs"]):
            where = where_in(prompt, node, field)
            row = rows.get(node, name)
            for meant in _meant(definitions, where, key, name, row.folder, declared):
                if isinstance(meant, Finding):
                    findings.append(meant)
                else:
                    references.append(_reference(where, row, *chosen(meant, declared)))
    outside = [finding for finding in findings if finding.severity == "error"]
    if outside:
        raise WorkflowError(*outside)
    return references, findings


def chosen(files: tuple[str, ...], declared: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Of files that serve as well the one that runflow.yaml has, else the first; and the others."""
    path = next((one for one in files if one in declared), files[0])
    return path, tuple(one for one in files if one != path)


def _names(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(input, name that tells the folder, POSIX text) of each text in a node's inputs.

    Packs keep several files in one value; `{"on": false, "lora": …}` is a row that rgthree's loader
    passes over.
    """
    for field, value in inputs.items():
        if isinstance(value, dict) and "__value__" in value:
            value = value["__value__"]
        if isinstance(value, str):
            yield field, field, posix(value)
        elif isinstance(value, list) and not link_of(value):
            yield from ((field, field, posix(one)) for one in value if isinstance(one, str))
        elif isinstance(value, dict) and value.get("on") is not False:
            for key, one in value.items():
                if isinstance(one, str):
                    yield field, key, posix(one)


def _is_file(name: str) -> bool:
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return bool(stem) and f"{dot}{suffix}".lower() in SUFFIXES and "\n" not in name


def _meant(
    definitions: Definitions,
    where: Where,
    key: str,
    name: str,
    row_folder: str | None,
    declared: Collection[str],
) -> Iterator[tuple[str, ...] | Finding]:
    """The files that a name means, each with those that would serve as well, or what is wrong."""
    class_type = where.class_type or ""
    if (class_type, key) == _VAE_LOADER and name in _TINY_VAES:
        for part in ("encoder", "decoder"):
            yield tuple(f"vae_approx/{name}_{part}{suffix}" for suffix in _TINY_SUFFIXES)
        return
    folder = _folder(definitions, class_type, key, row_folder)
    if folder and folder.endswith("/"):
        yield from _inside(folder, name, where, declared)
    elif not _is_file(name):
        return
    elif folder is None:
        if not definitions.shipped(class_type):
            yield from _unplaced(name, where, declared)
    elif escapes(name) or escapes(folder):
        yield escape(name, where, "models")
    else:
        if (class_type, key) == _VAE_LOADER and name.rpartition(".")[0] in _VIDEO_VAES:
            folder = "vae_approx"
        yield (below(folder, name),)


def _folder(
    definitions: Definitions, class_type: str, key: str, row_folder: str | None
) -> str | None:
    """Below models/; with a slash at its end where a name is not of a file, but of a folder."""
    known = definitions.file_folder(class_type, key)
    if known:
        return known.removeprefix("models/") if known.startswith("models/") else None
    if row_folder or definitions.shipped(class_type):
        return row_folder
    return next((folder for name, folder in _NAMES.items() if name.fullmatch(key)), None)


def _inside(
    folder: str, name: str, where: Where, declared: Collection[str]
) -> Iterator[tuple[str, ...] | Finding]:
    """The declared files of a folder that a loader reads as a whole."""
    if not name:
        return
    if escapes(name):
        yield escape(name, where, "models")
        return
    path = below(folder, name)
    files = [one for one in sorted(declared) if one.startswith(f"{path}/")]
    yield from ((one,) for one in files)
    if not files:
        yield whole_folder(name, path, where, "models")


def _unplaced(
    name: str, where: Where, declared: Collection[str]
) -> Iterator[tuple[str, ...] | Finding]:
    """A file of a loader that nothing is known of: the declared one that ends so."""
    files = [one for one in sorted(declared) if one == name or one.endswith(f"/{name}")]
    yield from ((one,) for one in files)
    if not files and "://" not in name:
        yield Finding(
            "model-unplaced",
            f"nothing says in which folder the model {name} lies, so nothing locks it",
            where,
            fix=f"write its path below models/ under models:  FOLDER/{name}: {{url: https://…}}",
        )


def _reference(where: Where, row: ModelRow, path: str, also: tuple[str, ...]) -> ModelReference:
    return ModelReference(
        path=path,
        node=where.node or "",
        title=where.title,
        class_type=where.class_type or "",
        field=where.field or "",
        url=row.url,
        sha256=row.sha256,
        also=also,
    )
