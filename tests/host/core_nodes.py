"""ComfyUI's own node classes as the catalogue tells of them, and what /object_info says of a class.

Source of the shape: server.py node_info at 3cd7b32f.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folder_paths

import nodes
from runflow_build.workflow.definitions import Definitions

# The option of a file input -> which kinds of files of the input folder it offers.
_UPLOADS = {
    "image_upload": ("image",),
    "animated_image_upload": ("image",),
    "video_upload": ("video",),
    "audio_upload": ("audio", "video"),
}


def add_core_nodes(catalogue: Mapping[str, Any]) -> None:
    """Put a class into `nodes` for each one of the catalogue; only the engine can run it."""
    definitions = Definitions({}, catalogue)
    for name, raw in catalogue.items():
        nodes.NODE_CLASS_MAPPINGS[name] = _class(name, raw, definitions.files(name))
        nodes.NODE_DISPLAY_NAME_MAPPINGS[name] = raw.get("display_name", name)


def node_info(name: str) -> dict[str, Any]:
    """What the page is told about a class."""
    node_class: Any = nodes.NODE_CLASS_MAPPINGS[name]
    inputs, outputs = node_class.INPUT_TYPES(), node_class.RETURN_TYPES
    return {
        "input": inputs,
        "input_order": {section: list(fields) for section, fields in inputs.items()},
        "output": outputs,
        "output_is_list": getattr(node_class, "OUTPUT_IS_LIST", [False] * len(outputs)),
        "output_name": getattr(node_class, "RETURN_NAMES", outputs),
        "name": name,
        "display_name": nodes.NODE_DISPLAY_NAME_MAPPINGS.get(name, name),
        "description": getattr(node_class, "DESCRIPTION", ""),
        "python_module": getattr(node_class, "RELATIVE_PYTHON_MODULE", "nodes"),
        "category": getattr(node_class, "CATEGORY", "sd"),
        "output_node": bool(getattr(node_class, "OUTPUT_NODE", False)),
        **getattr(node_class, "ALSO", {}),
    }


def _class(name: str, raw: Mapping[str, Any], files: Mapping[str, str]) -> type:
    def input_types(cls: type) -> dict[str, Any]:
        return {
            section: {
                field: _with_choices(spec, files[field]) if field in files else spec
                for field, spec in fields.items()
            }
            for section, fields in raw["input"].items()
        }

    members = {
        "INPUT_TYPES": classmethod(input_types),
        "RETURN_TYPES": raw["output"],
        "RETURN_NAMES": raw.get("output_name", raw["output"]),
        "OUTPUT_NODE": raw.get("output_node", False),
        "CATEGORY": "ComfyUI",  # the catalogue does not keep it
        "ALSO": {key: raw[key] for key in ("output_matchtypes",) if key in raw},
    }
    return type(name, (), members)


def _with_choices(spec: list[Any], folder: str) -> list[Any]:
    """The combo, offering the files that lie in the folder at this moment."""
    options = spec[1] if len(spec) > 1 else {}
    names = _files(folder, options)
    if names is None:
        return spec
    if isinstance(spec[0], list):
        return [names, *spec[1:]]
    return [spec[0], {**options, "options": names}] if spec[0] == "COMBO" else spec


def _files(folder: str, options: Mapping[str, Any]) -> list[str] | None:
    kind = folder.removeprefix("models/")
    if kind != folder:
        known = folder_paths.map_legacy(kind) in folder_paths.folder_names_and_paths
        return folder_paths.get_filename_list(kind) if known else None
    wanted = next((kinds for option, kinds in _UPLOADS.items() if options.get(option)), None)
    if folder != "input" or wanted is None:
        return None
    names = [
        one.name for one in os.scandir(Path(folder_paths.get_input_directory())) if one.is_file()
    ]
    return sorted(
        one for one in names if (mimetypes.guess_type(one)[0] or "").split("/")[0] in wanted
    )
