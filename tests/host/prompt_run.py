"""Prompts run one after another on the embedded engine, with what ComfyUI would tell the page.

As in ComfyUI, a node whose result the prompt before had too is not run again; an output node shows
the same files again then. Source: execution.py PromptExecutor at 3cd7b32f.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import folder_paths
from comfy.cli_args import args
from prompt_checks import part_of
from prompt_events import Events
from prompt_queue import Item, PromptQueue
from server import PromptServer

from runflow_build.content_type import content_type_of
from runflow_build.engines.base import Progress, RunFolders
from runflow_build.engines.embedded import cache, planning
from runflow_build.engines.embedded.execution import run_steps
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeClass, Result, Run
from runflow_build.engines.embedded.nodes import CLASSES
from runflow_build.errors import EngineError
from runflow_build.findings import Finding
from runflow_build.workflow.definitions import Definitions

PREVIEWS = ("PreviewImage", "PreviewAudio")  # write to the temporary folder
ANIMATIONS = ("SaveAnimatedPNG", "SaveAnimatedWEBP")


class Runner:
    """The engine, and what it keeps from one prompt to the next."""

    def __init__(self, server: PromptServer, queue: PromptQueue, definitions: Definitions) -> None:
        self.folders = RunFolders(
            Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory())
        )
        classes = {name: self._noting(name, one) for name, one in CLASSES.items()}
        self.known = planning.Known(classes, definitions)
        self._server, self._queue = server, queue
        self._results = cache.Cache(0)
        self._shown: dict[str, dict[str, Any] | None] = {}  # key of a node -> what it has to show
        self._files: list[Path] = []  # that the current node has written
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        self._interrupted.set()

    def work(self) -> None:
        while True:
            item = self._queue.take()
            self._interrupted.clear()
            client = self._server.client_id = item[3].get("client_id")
            events = Events(self._server.send_sync, item[1], client)
            self._run(item, events)
            self._queue.done(item, events.history())
            events.over()

    def _run(self, item: Item, events: Events) -> None:
        _, _, whole, extra, outputs = item
        prompt = part_of(whole, outputs)
        steps = planning.plan(prompt, self.known, self.folders)
        keys = cache.keys([replace(step, output=False) for step in steps])
        self._shown = {key: self._shown[key] for key in keys.values() if key in self._shown}
        self._results = _still_wanted(self._results, keys.values())
        cached = [node for node in prompt if keys.get(node) in self._shown]
        events.message("execution_start")
        events.message("execution_cached", nodes=cached)
        for node in cached:
            if shown := self._shown[keys[node]]:
                events.executed(node, shown)
                events.end(node)

        def report(progress: Progress) -> None:
            node = progress.node
            if node in cached:
                return
            if progress.state != "finished":
                events.begin(node)
                self._linger(node)
            if progress.state != "started":
                shown = self._show(prompt[node]["class_type"])
                if shown and not args.disable_metadata:
                    _write_metadata(prompt[node]["class_type"], self._files, whole, extra)
                self._files = []
                if shown:
                    events.executed(node, shown)
                events.end(node)
                if node in keys:
                    self._shown[keys[node]] = shown

        steps = [replace(step, output=step.output and step.node not in cached) for step in steps]
        try:
            run = Run(self.folders, DEFAULT_LIMITS, self._interrupted.is_set)
            run_steps(steps, run, report, self._results)
            events.message("execution_success")
        except EngineError as error:
            _tell_failure(events, error.findings[0], prompt)

    def _linger(self, node: str) -> None:
        while args.hold and self._holds(node) and not self._interrupted.is_set():
            time.sleep(0.01)

    def _holds(self, node: str) -> bool:
        """Whether the file is there, and names no node or this one."""
        try:
            return args.hold.read_text() in ("", node)
        except FileNotFoundError:
            return False

    def _noting(self, name: str, node_class: NodeClass) -> NodeClass:
        """The class, with its files noted, and previews in ComfyUI's temporary folder."""

        def noting(run: Run, **inputs: Any) -> Result:
            if name in PREVIEWS:
                folder = Path(folder_paths.get_temp_directory())
                run = replace(run, folders=RunFolders(run.folders.input, folder))
            result = node_class.function(run, **inputs)
            self._files += result.files
            return result

        return replace(node_class, function=noting)

    def _show(self, class_type: str) -> dict[str, Any] | None:
        """The node's files, as the page is told of them."""
        if not self._files:
            return None
        kind = "temp" if class_type in PREVIEWS else "output"
        root = Path(folder_paths.get_directory_by_type(kind) or "").resolve()
        files = []
        for path in self._files:
            subfolder = path.resolve().relative_to(root).parent.as_posix().removeprefix(".")
            files.append({"filename": path.name, "subfolder": subfolder, "type": kind})
        media = content_type_of(self._files[0].name).split("/")[0]
        if class_type == "RunflowOutputFile" or media not in ("audio", "image", "video"):
            return {"files": files}
        if media == "audio":
            return {"audio": files}
        animated = media == "video" or class_type in ANIMATIONS
        return {"images": files, **({"animated": [True]} if animated else {})}


def _still_wanted(results: cache.Cache, keys: Iterable[str]) -> cache.Cache:
    """What this prompt asks for too; the rest goes, as ComfyUI lets it go."""
    kept = cache.Cache(DEFAULT_LIMITS.cached_bytes)
    for key in keys:
        if (outputs := results.get(key)) is not None:
            kept.keep(key, outputs)
    return kept


def _tell_failure(events: Events, finding: Finding, prompt: dict[str, Any]) -> None:
    node = finding.where.node or next(iter(prompt))
    where = {
        "node_id": node,
        "node_type": prompt[node]["class_type"],
        "executed": events.finished_nodes(),
    }
    if finding.code == "run-canceled":
        events.message("execution_interrupted", **where)
        return
    events.message(
        "execution_error",
        **where,
        exception_message=f"{finding.message}\n",
        exception_type="RuntimeError",
        traceback=[],
        current_inputs={},
        current_outputs=list(prompt),
    )


def _write_metadata(
    class_type: str, files: Sequence[Path], prompt: dict[str, Any], extra: dict[str, Any]
) -> None:
    """Put prompt and workflow into the pictures of SaveImage, from which the editor opens them."""
    if class_type != "SaveImage":
        return
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    for name, value in {"prompt": prompt, **extra.get("extra_pnginfo", {})}.items():
        texts.add_text(name, json.dumps(value))
    for path in files:
        with Image.open(path) as picture:
            picture.load()
        picture.save(path, pnginfo=texts, compress_level=4)
