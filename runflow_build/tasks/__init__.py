"""The stages on a project's folder, one file each, and the doit graph over them. A whole dodo.py:

    from runflow_build.tasks import DOIT_CONFIG, projects

    build = projects(".")

The graph is imported on first use: the `runflow` command runs single stages and needs no doit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graph import DOIT_CONFIG, projects

__all__ = ["DOIT_CONFIG", "projects"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import graph

        return getattr(graph, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
