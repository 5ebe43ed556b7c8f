"""The routes about prompts: queueing, the queue, history, interruption.

Source: server.py post_prompt and its neighbours at 3cd7b32f.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from aiohttp import web
from prompt_checks import check
from prompt_queue import PromptQueue
from prompt_run import Runner
from server import PromptServer


def add(server: PromptServer, queue: PromptQueue, runner: Runner) -> None:
    routes = server.routes
    numbers = iter(range(1 << 62))

    @routes.get("/prompt")
    async def state(request: web.Request) -> web.Response:
        return web.json_response(server.get_queue_info())

    @routes.post("/prompt")
    async def enqueue(request: web.Request) -> web.Response:
        body = await request.json()  # what is not JSON ends in a 500, as in ComfyUI
        for handler in server.on_prompt_handlers:
            body = handler(body)
        if "prompt" not in body:
            message = "No prompt provided"
            error = {"type": "no_prompt", "message": message, "details": message, "extra_info": {}}
            return web.json_response({"error": error, "node_errors": {}}, status=400)
        prompt, only = body["prompt"], body.get("partial_execution_targets")
        checked = check(prompt, only, runner.known, runner.folders)
        number = body["number"] if "number" in body else next(numbers)
        if checked.error:
            told = {"error": checked.error, "node_errors": checked.node_errors}
            return web.json_response(told, status=400)
        number = -number if body.get("front") else number
        prompt_id = str(body.get("prompt_id", uuid.uuid4()))
        extra = {**body.get("extra_data", {}), "create_time": time.time_ns() // 1_000_000}
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        queue.put((number, prompt_id, prompt, extra, checked.outputs))
        told = {"prompt_id": prompt_id, "number": number, "node_errors": checked.node_errors}
        return web.json_response(told)

    @routes.get("/queue")
    async def queued(request: web.Request) -> web.Response:
        running, waiting = queue.get_current_queue()
        return web.json_response({"queue_running": running, "queue_pending": waiting})

    @routes.post("/queue")
    async def change_queue(request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("clear"):
            queue.keep_waiting(lambda item: False)
        unwanted = body.get("delete", [])
        queue.keep_waiting(lambda item: item[1] not in unwanted)
        return web.Response()

    @routes.post("/interrupt")
    async def interrupt(request: web.Request) -> web.Response:
        text = await request.text()
        wanted = json.loads(text).get("prompt_id") if text else None
        running, _ = queue.get_current_queue()
        if not wanted or any(item[1] == wanted for item in running):
            runner.interrupt()
        return web.Response()

    @routes.post("/free")
    async def free(request: web.Request) -> web.Response:
        return web.Response()

    @routes.get("/history")
    async def history(request: web.Request) -> web.Response:
        most, offset = request.query.get("max_items"), int(request.query.get("offset", -1))
        return web.json_response(
            queue.get_history(max_items=int(most) if most else None, offset=offset)
        )

    @routes.get("/history/{prompt_id}")
    async def history_of(request: web.Request) -> web.Response:
        return web.json_response(queue.get_history(request.match_info["prompt_id"]))

    @routes.post("/history")
    async def change_history(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        if body.get("clear"):
            queue.forget()
        for prompt_id in body.get("delete", []):
            queue.forget(prompt_id)
        return web.Response()
