"""All node classes of this engine, a file per family."""

from __future__ import annotations

from collections.abc import Mapping

from ..node_class import NodeClass
from . import (
    audio,
    compositing,
    filters,
    images,
    loading,
    logic,
    masks,
    primitives,
    runflow,
    saving,
    scaling,
    strings,
    video,
)

_FAMILIES = (
    audio,
    compositing,
    filters,
    images,
    loading,
    logic,
    masks,
    primitives,
    runflow,
    saving,
    scaling,
    strings,
    video,
)
CLASSES: Mapping[str, NodeClass] = {
    name: node_class for family in _FAMILIES for name, node_class in family.CLASSES.items()
}
