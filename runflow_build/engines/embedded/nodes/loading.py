"""Pictures from files; behaviour of LoadImage and its kin in nodes.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

from ....media.image import read_picture
from ..input_files import input_file
from ..node_class import NodeClass, Result, Run


def load_image(run: Run, image: str) -> Result:
    """The picture's frames and their masks."""
    path = input_file(run.folders, image)
    return Result(read_picture(path, image, run.claim))


CLASSES: Mapping[str, NodeClass] = {
    "LoadImage": NodeClass(load_image, files=frozenset({"image"})),
}
