"""The node classes that are loaded, and the loading of packs as ComfyUI does it.

Source: nodes.py load_custom_node and init_external_custom_nodes at 3cd7b32f.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time

NODE_CLASS_MAPPINGS: dict[str, type] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
EXTENSION_WEB_DIRS: dict[str, str] = {}  # folder name of a pack -> what the page may load from it
LOADED_MODULE_DIRS: dict[str, str] = {}


def load_packs(folders: list[str], packs: list[str]) -> None:
    """Everything in the folders, then the packs; one that fails is logged and left out."""
    found = [
        os.path.join(folder, name) for folder in folders for name in sorted(os.listdir(folder))
    ]
    times = []
    for path in [one for one in found if _is_pack(one)] + packs:
        started = time.perf_counter()
        failed = "" if load_custom_node(path) else " (IMPORT FAILED)"
        times.append((time.perf_counter() - started, failed, path))
    logging.info("\nImport times for custom nodes:")
    for seconds, failed, path in sorted(times):
        logging.info("%6.1f seconds%s: %s", seconds, failed, path)


def load_custom_node(path: str) -> bool:
    """A pack is a module under the name of its path, in which dots would be packages."""
    name, module_name = os.path.basename(path), path.replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(module_name, os.path.join(path, "__init__.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception:
        logging.exception("Cannot import %s", path)
        return False
    LOADED_MODULE_DIRS[name] = os.path.abspath(path)
    if web := getattr(module, "WEB_DIRECTORY", None):
        EXTENSION_WEB_DIRS[name] = os.path.abspath(os.path.join(path, web))
    for class_name, node_class in getattr(module, "NODE_CLASS_MAPPINGS", {}).items():
        if class_name not in NODE_CLASS_MAPPINGS:
            NODE_CLASS_MAPPINGS[class_name] = node_class
            node_class.RELATIVE_PYTHON_MODULE = f"custom_nodes.{name}"
    NODE_DISPLAY_NAME_MAPPINGS.update(getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", {}))
    return hasattr(module, "NODE_CLASS_MAPPINGS")


def _is_pack(path: str) -> bool:
    hidden = os.path.basename(path) == "__pycache__" or path.endswith(".disabled")
    return os.path.isfile(os.path.join(path, "__init__.py")) and not hidden
