"""The Runflow Output nodes: files that the API gives back."""

from __future__ import annotations

import os
from typing import Any

from ..runflow_build.workflow.runflow_nodes import CATEGORY, OUTPUTS, file_stem
from .inputs import comfyui_inputs

PNG_COMPRESSION = 4  # as ComfyUI's own SaveImage


class OutputNode:
    """What the classes share; a subclass's name is its row in the table."""

    CATEGORY = CATEGORY
    FUNCTION = "save"
    OUTPUT_NODE = True
    RETURN_TYPES = ()
    RUNFLOW_IO = "output"

    def __init_subclass__(cls) -> None:
        row = OUTPUTS[cls.__name__]
        cls.DISPLAY_NAME = row.display_name
        cls.RUNFLOW_TYPE = row.type

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return comfyui_inputs(cls.__name__)


class RunflowOutputImage(OutputNode):
    """Saves each image of the batch as PNG, without the workflow in it."""

    def save(self, output_id: str, value: Any, **shown: Any) -> dict[str, Any]:
        import folder_paths  # ComfyUI's own
        import numpy as np
        from PIL import Image

        height, width = value.shape[1:3]
        folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
            file_stem(output_id), folder_paths.get_output_directory(), width, height
        )
        saved = []
        for number, image in enumerate(value, start=counter):
            pixels = np.clip(255.0 * image.cpu().numpy(), 0, 255).astype(np.uint8)
            name = f"{stem}_{number:05}_.png"
            Image.fromarray(pixels).save(os.path.join(folder, name), compress_level=PNG_COMPRESSION)
            saved.append({"filename": name, "subfolder": subfolder, "type": "output"})
        return {"ui": {"images": saved}}


class RunflowOutputFile(OutputNode):
    """Hands out a file that another node has put below ComfyUI's output folder."""

    def save(self, output_id: str, value: str, **shown: Any) -> dict[str, Any]:
        import folder_paths

        root = os.path.realpath(folder_paths.get_output_directory())
        path = os.path.realpath(os.path.join(root, value))
        if not path.startswith(root + os.sep):
            raise ValueError(f"{value!r} is not a path inside the output folder")
        if not os.path.isfile(path):
            raise ValueError(f"there is no file {value!r} in the output folder")
        subfolder, name = os.path.split(os.path.relpath(path, root))
        shape = {"filename": name, "subfolder": subfolder.replace(os.sep, "/"), "type": "output"}
        return {"ui": {"files": [shape]}}


CLASSES = {
    node_class.__name__: node_class for node_class in (RunflowOutputImage, RunflowOutputFile)
}
