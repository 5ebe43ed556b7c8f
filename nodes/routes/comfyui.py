"""ComfyUI's own modules, named here and nowhere else in the pack. They exist only inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def server() -> Any:
    """ComfyUI's PromptServer: `routes`, `app`, `send_sync`, `loop`."""
    from server import PromptServer

    return PromptServer.instance


def send(event: str, data: dict[str, Any]) -> None:
    """Tell all pages; from any thread."""
    server().send_sync(event, data)


def code_folder() -> Path:
    """Where ComfyUI's own code lies, whatever --base-directory says."""
    import folder_paths

    return Path(folder_paths.__file__).resolve().parent


def base_folder() -> Path:
    """What holds models, custom_nodes, input, output and user."""
    import folder_paths

    return Path(folder_paths.base_path).resolve()


def input_folder() -> Path:
    import folder_paths

    return Path(folder_paths.get_input_directory()).resolve()


def output_folder() -> Path:
    import folder_paths

    return Path(folder_paths.get_output_directory()).resolve()


def state_folder() -> Path:
    """What the pack itself keeps: captures, projects; made when it is asked for."""
    import folder_paths

    folder = Path(folder_paths.get_user_directory()).resolve() / "runflow"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def options() -> Any:
    """The arguments that ComfyUI was started with: `listen`, `port` …"""
    from comfy.cli_args import args

    return args
