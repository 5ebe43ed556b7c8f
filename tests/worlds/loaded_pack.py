"""Modules of the node pack in the test's own process: `part("nodes.security.guard")`.

ComfyUI loads the pack by path; under this name its root does nothing, and its parts are there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "runflow_pack_in_tests"


def part(name: str) -> ModuleType:
    """The module, by its path in the checkout with dots."""
    if NAME not in sys.modules:
        init = CHECKOUT / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            NAME, init, submodule_search_locations=[str(CHECKOUT)]
        )
        assert spec
        assert spec.loader
        sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return importlib.import_module(f"{NAME}.{name}")
