"""Compile ComfyUI workflows into locked, reviewable, published API endpoints.

The stages, each usable by itself, in the order in which data flows through them:

    project = load(Path("."))                                          read the folder
    pins = resolve(spec, workflows, definitions, sources, None, print) look out for answers
    lock = compile_lock(spec, workflows, definitions, pins)            wishes beside pins
    findings = check(spec, workflows, definitions, lock)               validate
    bundle = rewrite(workflow, definitions, lock, slug)                what is published
    published = push(bundle, client, provenance, resources)            the endpoint
    prompt = bind(prompt, contract, values, seed="1", now=now)         one request's prompt
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .lock.compile import compile_lock
    from .project.load import load
    from .publish.push import push
    from .resolve import resolve
    from .rewrite import rewrite
    from .rewrite.bind import bind
    from .validate import check

__all__ = ["bind", "check", "compile_lock", "load", "push", "resolve", "rewrite"]


class _Stage:
    """A stage, imported when it is first asked for: `import runflow_build` itself loads nothing.

    A data descriptor, because two stages have the name of their package, and the import system
    would overwrite an ordinary attribute with the package.
    """

    def __init__(self, home: str, name: str) -> None:
        self.home, self.name = home, name

    def __get__(self, package: ModuleType, owner: type) -> Any:
        return getattr(importlib.import_module(self.home, package.__name__), self.name)

    def __set__(self, package: ModuleType, value: object) -> None:
        """Called by the import system with the package; the stage stays."""


class _FrontDoor(ModuleType):
    bind = _Stage(".rewrite.bind", "bind")
    check = _Stage(".validate", "check")
    compile_lock = _Stage(".lock.compile", "compile_lock")
    load = _Stage(".project.load", "load")
    push = _Stage(".publish.push", "push")
    resolve = _Stage(".resolve", "resolve")
    rewrite = _Stage(".rewrite", "rewrite")


sys.modules[__name__].__class__ = _FrontDoor
