"""What a page hears about one prompt, in ComfyUI's order and shapes; and what history keeps of it.

Source: recorded from ComfyUI 0.8.0 (recorded.json); execution.py and comfy_execution/progress.py at
3cd7b32f.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Send = Callable[[str, Any, "str | None"], None]


class Events:
    """Of one prompt; `send` reaches the page that queued it, or nobody."""

    def __init__(self, send: Send, prompt_id: str, client_id: str | None) -> None:
        self._send, self._prompt_id, self._client_id = send, prompt_id, client_id
        self._nodes: dict[str, dict[str, Any]] = {}  # progress of those that have begun
        self._messages: list[list[Any]] = []
        self._outputs: dict[str, Any] = {}

    def message(self, event: str, **data: Any) -> None:
        """One that history keeps: execution_start, _cached, _success, _error, _interrupted."""
        told = {**data, "prompt_id": self._prompt_id, "timestamp": time.time_ns() // 1_000_000}
        self._messages.append([event, told])
        self._tell(event, told)

    def begin(self, node: str) -> None:
        self._progress(node, 0.0, "running")
        self._tell("executing", {"node": node, "display_node": node, "prompt_id": self._prompt_id})

    def executed(self, node: str, output: dict[str, Any]) -> None:
        """The node has something to show."""
        self._outputs[node] = output
        told = {"node": node, "display_node": node, "output": output}
        self._tell("executed", {**told, "prompt_id": self._prompt_id})

    def end(self, node: str) -> None:
        self._progress(node, 1.0, "finished")

    def over(self) -> None:
        self._tell("executing", {"node": None, "prompt_id": self._prompt_id})

    def finished_nodes(self) -> list[str]:
        return [node for node, one in self._nodes.items() if one["state"] == "finished"]

    def history(self) -> dict[str, Any]:
        succeeded = self._messages[-1][0] == "execution_success"
        return {
            "outputs": self._outputs,
            "status": {
                "status_str": "success" if succeeded else "error",
                "completed": succeeded,
                "messages": self._messages,
            },
            "meta": {
                node: {
                    "node_id": node,
                    "display_node": node,
                    "parent_node": None,
                    "real_node_id": node,
                }
                for node in self._outputs
            },
        }

    def _progress(self, node: str, value: float, state: str) -> None:
        self._nodes[node] = {
            "value": value,
            "max": 1.0,
            "state": state,
            "node_id": node,
            "prompt_id": self._prompt_id,
            "display_node_id": node,
            "parent_node_id": None,
            "real_node_id": node,
        }
        nodes = {key: dict(one) for key, one in self._nodes.items()}
        self._tell("progress_state", {"prompt_id": self._prompt_id, "nodes": nodes})

    def _tell(self, event: str, data: Any) -> None:
        if self._client_id is not None:
            self._send(event, data, self._client_id)
