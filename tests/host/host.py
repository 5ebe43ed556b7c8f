"""A stand-in for ComfyUI 0.8.0: the real frontend, our pack, prompts on the embedded engine.

    python tests/host/host.py --base-directory DIR --port 8188 [--pack DIR] [--hold FILE]

It starts like `python main.py --cpu --base-directory DIR --port 8188` and is a process of its own,
because packs import modules named `server`, `nodes` and `folder_paths`: those of the folder
comfyui/. Needs aiohttp and comfyui-frontend-package. SIGTERM ends it; it can execute itself anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from importlib.resources import files as package_files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "comfyui"))

import folder_paths
from comfy.cli_args import args

import nodes


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    for name in ("custom_nodes", "input", "models", "output", "temp", "user"):
        os.makedirs(os.path.join(folder_paths.base_path, name), exist_ok=True)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(serve(loop))


async def serve(loop: asyncio.AbstractEventLoop) -> None:
    """In ComfyUI's order: the server's own routes, the packs, whose routes then count, the rest."""
    import core_nodes
    import files
    import page
    import prompts
    import user_data
    from aiohttp import web
    from comfyui_version import __version__
    from prompt_queue import PromptQueue
    from prompt_run import Runner
    from server import PromptServer

    from runflow_build.project.catalogue import shipped
    from runflow_build.workflow.definitions import Definitions

    static = package_files("comfyui_frontend_package") / "static"
    server = PromptServer(loop, str(static))
    queue = server.prompt_queue = PromptQueue(server.queue_updated)
    runner = Runner(server, queue, Definitions({}, shipped(__version__)))
    core_nodes.add_core_nodes(shipped(__version__))
    for part in (page, user_data, files):
        part.add(server)
    prompts.add(server, queue, runner)
    nodes.load_packs(folder_paths.get_folder_paths("custom_nodes"), args.pack)
    server.add_routes()
    threading.Thread(target=runner.work, name="prompts", daemon=True).start()
    runners = web.AppRunner(server.app, access_log=None)
    await runners.setup()
    for address in args.listen.split(","):
        await web.TCPSite(runners, address, args.port).start()
        logging.info("To see the GUI go to: http://%s:%d", address, args.port)
    await server.publish_loop()


if __name__ == "__main__":
    main()
