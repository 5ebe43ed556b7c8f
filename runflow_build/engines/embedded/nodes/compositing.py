"""Pictures over pictures, with masks and alpha; comfy_extras/nodes_mask.py and nodes_compositing.py
at 3cd7b32f.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..node_class import NodeClass

CLASSES: Mapping[str, NodeClass] = {}
