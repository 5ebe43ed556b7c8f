"""ComfyUI's own modules, named here and nowhere else in the pack. They exist only inside it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...runflow_build.sources.install import Install

_log = logging.getLogger(__name__)


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


def state_folder() -> Path:
    """What the pack itself keeps: captures, projects; made when it is asked for."""
    import folder_paths

    folder = Path(folder_paths.get_user_directory()).resolve() / "runflow"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def install() -> Install:
    """This ComfyUI, as what a project is captured from."""
    from ...runflow_build.sources.install import Install

    return Install(code_folder(), base_folder(), Path(sys.prefix), folders)


def folders(kind: str) -> list[Path]:
    """Where ComfyUI looks for what it calls `loras`, `custom_nodes` …, in its order.

    Users name more of them (extra_model_paths.yaml), and so do node packs.
    """
    import folder_paths

    try:
        return [Path(os.path.abspath(one)) for one in folder_paths.get_folder_paths(kind)]
    except KeyError:  # not one of ComfyUI's own names: a pack knows where it looks
        return [Path(folder_paths.models_dir, kind)]


def folder_of(kind: str) -> Path | None:
    """The folder that ComfyUI calls output, temp or input."""
    import folder_paths

    found = folder_paths.get_directory_by_type(kind)
    return Path(found) if found else None


def queue_place(prompt_id: str) -> int | None:
    """How many prompts come before this one, 0 while it runs; None: it is not in the queue."""
    running, waiting = server().prompt_queue.get_current_queue()
    if any(item[1] == prompt_id for item in running):
        return 0
    before = sorted((item[0], item[1]) for item in waiting)  # by number, as the queue takes them
    ids = [one for _, one in before]
    return len(running) + ids.index(prompt_id) if prompt_id in ids else None


def prompts_in_queue() -> list[Any]:
    """The prompts that run or wait, as they were sent."""
    running, waiting = server().prompt_queue.get_current_queue()
    return [item[2] for item in (*running, *waiting)]


def finished_prompt(prompt_id: str) -> dict[str, Any] | None:
    """What the history has of a prompt; None: nothing."""
    entry: dict[str, Any] | None = (
        server().prompt_queue.get_history(prompt_id=prompt_id).get(prompt_id)
    )
    return entry


def prompts_left() -> int:
    """How many prompts are running or waiting."""
    left: int = server().prompt_queue.get_tasks_remaining()
    return left


def opens_browser() -> bool:
    """Whether ComfyUI opens a page of its own when it starts."""
    return bool(getattr(options(), "auto_launch", False))


def options() -> Any:
    """The arguments that ComfyUI was started with: `listen`, `port` …"""
    from comfy.cli_args import args

    return args


def other_pack(ours: Mapping[str, type]) -> str | None:
    """The folder of a pack that has classes under names of ours; None: there is none."""
    known = getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {})
    for name, node_class in ours.items():
        if known.get(name, node_class) is not node_class:
            place = str(getattr(known[name], "RELATIVE_PYTHON_MODULE", "ComfyUI itself"))
            return place.removeprefix("custom_nodes.")
    return None


def serve_scripts(name: str, folder: Path) -> None:
    """Have the editor import what lies there, as ComfyUI does for a pack with a WEB_DIRECTORY."""
    sys.modules["nodes"].EXTENSION_WEB_DIRS[name] = os.path.abspath(folder)


def when_started(work: Callable[[], None]) -> None:
    """Call it when all packs are loaded and before the first request is answered."""

    async def call(app: Any) -> None:
        work()

    server().app.on_startup.append(call)


def version() -> str | None:
    """ComfyUI's version, as its code says since 0.3.9."""
    try:
        from comfyui_version import __version__
    except ImportError:
        return None
    return str(__version__)


def node_info(names: Iterable[str]) -> dict[str, Any]:
    """What /object_info says of these classes; without those that are not there or fail.

    From the registry itself, for a request to our own server would need its address and password.
    Source of the shape: ComfyUI, server.py node_info at 3cd7b32f.
    """
    registry = sys.modules["nodes"]
    told = {}
    for name in names:
        node_class = registry.NODE_CLASS_MAPPINGS.get(name)
        try:
            if node_class is not None:
                titles = registry.NODE_DISPLAY_NAME_MAPPINGS
                told[name] = _info(name, node_class, titles.get(name, name))
        except Exception:  # of another pack's code, which may do anything
            _log.exception("runflow: the class %s does not say what it takes", name)
    return told


def _info(name: str, node_class: Any, title: str) -> dict[str, Any]:
    if hasattr(node_class, "GET_NODE_INFO_V1"):
        info: dict[str, Any] = node_class.GET_NODE_INFO_V1()
        return info
    inputs, outputs = node_class.INPUT_TYPES(), node_class.RETURN_TYPES
    return {
        "input": inputs,
        "input_order": {section: list(fields) for section, fields in inputs.items()},
        "output": outputs,
        "output_is_list": getattr(node_class, "OUTPUT_IS_LIST", [False] * len(outputs)),
        "output_name": getattr(node_class, "RETURN_NAMES", outputs),
        "name": name,
        "display_name": title,
        "python_module": getattr(node_class, "RELATIVE_PYTHON_MODULE", "nodes"),
        "output_node": getattr(node_class, "OUTPUT_NODE", False) is True,
    }
