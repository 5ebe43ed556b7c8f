"""Sound; behaviour of comfy_extras/nodes_audio.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

from ..node_class import NodeClass

CLASSES: Mapping[str, NodeClass] = {}
