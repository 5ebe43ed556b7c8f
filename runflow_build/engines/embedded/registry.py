"""All node classes of this engine, a file per family."""

from __future__ import annotations

from collections.abc import Mapping

from . import images, primitives, runflow
from .node_class import NodeClass

CLASSES: Mapping[str, NodeClass] = {**images.CLASSES, **primitives.CLASSES, **runflow.CLASSES}
