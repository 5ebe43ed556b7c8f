"""ComfyUI's modules, as far as routes ask them, for tests without a ComfyUI."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def comfyui_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """`.arguments` are ComfyUI's; `.base` its base folder, `.code` where its code lies.

    `.classes` are those of its nodes, `.sent` what it has sent to the pages, `.folders` where it
    looks for models: `loras` -> paths.
    """
    base, code = tmp_path / "base", tmp_path / "code"
    base.mkdir()
    code.mkdir()
    world = SimpleNamespace(base=base, code=code, classes={}, sent=[], folders={})
    world.server = SimpleNamespace(send_sync=lambda event, data: world.sent.append(data))
    world.arguments = SimpleNamespace(
        listen="127.0.0.1", port=8188, tls_certfile=None, enable_cors_header=None
    )
    modules: dict[str, dict[str, Any]] = {
        "folder_paths": {
            "__file__": str(code / "folder_paths.py"),
            "base_path": str(base),
            "models_dir": str(base / "models"),
            "get_folder_paths": lambda kind: list(world.folders[kind]),
            "get_input_directory": lambda: str(base / "input"),
            "get_output_directory": lambda: str(base / "output"),
            "get_user_directory": lambda: str(base / "user"),
        },
        "server": {"PromptServer": SimpleNamespace(instance=world.server)},
        "nodes": {"NODE_CLASS_MAPPINGS": world.classes, "NODE_DISPLAY_NAME_MAPPINGS": {}},
        "comfyui_version": {"__version__": "0.8.0"},
        "comfy": {"__path__": []},
        "comfy.cli_args": {"args": world.arguments},
    }
    for name, values in modules.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    return world
