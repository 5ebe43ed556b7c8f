"""Packages that only some nodes need: looked for at planning, imported when a node runs."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from .node_class import NodeError

INSTALL = "pip install 'runflow-build[embedded]'"


@cache
def installed(package: str) -> bool:
    """Whether the package is there; it is not imported, which for torch takes seconds."""
    return importlib.util.find_spec(package) is not None


def require(package: str, what: str) -> Any:
    """The module; raises NodeError that names the extra when `what` cannot be had without it."""
    if not installed(package):
        raise NodeError(f"{what} needs {package}, which is not installed", INSTALL)
    return importlib.import_module(package)
