"""ComfyUI's primitives: a value, handed on as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..node_class import NodeClass, Result, Run


def primitive(run: Run, value: Any) -> Result:
    return Result((value,))


CLASSES: Mapping[str, NodeClass] = {
    f"Primitive{kind}": NodeClass(primitive)
    for kind in ("Boolean", "Float", "Int", "String", "StringMultiline")
}
