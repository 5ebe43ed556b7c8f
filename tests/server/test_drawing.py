"""Choices and dates of a published prompt: drawn by each run, the same at each of its attempts."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from runflow_build.engines.base import OutputFile, RunFolders
from runflow_build.errors import EngineError
from runflow_build.findings import Finding
from runflow_build.rewrite.bind import bind
from runflow_build.workflow.contract import served_contract
from runflow_build.workflow.model import Prompt

WORDS = "a {red|green|blue} {car|bike|boat|kite} // whatever"
PROMPT: Prompt = {
    "1": {
        "class_type": "RunflowInputString",
        "inputs": {"input_id": "prompt", "required": False, "value": WORDS},
        "_meta": {"title": "Prompt", "drawn": {"value": "choice"}},
    },
    "2": {
        "class_type": "SaveImage",
        "inputs": {"images": ["1", 0], "filename_prefix": "%date:yyyy-MM-dd hh.mm.ss%"},
        "_meta": {"drawn": {"filename_prefix": "date"}},
    },
    "3": {"class_type": "RunflowOutputImage", "inputs": {"output_id": "it", "value": ["1", 0]}},
}


class Recorder:
    """An engine's behaviour that keeps each prompt that it is given."""

    def __init__(self, finishes: bool = True) -> None:
        self.prompts: list[Prompt] = []
        self.finishes = finishes

    def __call__(self, prompt: Prompt, _folders: RunFolders, cancelled: Any) -> list[OutputFile]:
        self.prompts.append(prompt)
        while not self.finishes:
            if cancelled():
                raise EngineError(Finding("run-canceled", "stopped"))
            time.sleep(0.005)
        return []


def bound(run: dict[str, Any], values: dict[str, Any]) -> Prompt:
    """What a run executes, from its record alone."""
    now = datetime.fromisoformat(run["created_at"])
    return bind(PROMPT, served_contract(PROMPT), values, seed=run["id"], now=now)


def test_each_run_draws_by_its_id_and_its_time(serve: Any, tmp_path: Path, scripted: Any) -> None:
    recorder = Recorder()
    with serve(tmp_path, scripted(recorder), workers=1) as api:
        api.publish(prompt=PROMPT)
        runs = []
        for _ in range(12):
            runs.append(api.dispatch())
            api.clock.ahead_s += 3600
            api.ended(runs[-1]["id"])
    assert recorder.prompts == [bound(run, {}) for run in runs]
    assert len({prompt["1"]["inputs"]["value"] for prompt in recorder.prompts}) > 1
    assert len({prompt["2"]["inputs"]["filename_prefix"] for prompt in recorder.prompts}) == 12
    assert "drawn" not in str(recorder.prompts)


def test_the_next_attempt_of_a_run_draws_the_same(
    serve: Any, tmp_path: Path, scripted: Any
) -> None:
    first, second = Recorder(finishes=False), Recorder()
    with serve(tmp_path, scripted(first), workers=1) as api:
        api.publish(prompt=PROMPT)
        run = api.dispatch()
        api.until(run["id"], {"running"})
    with serve(tmp_path, scripted(second), workers=1) as api:
        api.ended(run["id"])
    assert first.prompts == second.prompts == [bound(run, {})]


def test_a_callers_text_is_executed_as_it_is(serve: Any, tmp_path: Path, scripted: Any) -> None:
    recorder = Recorder()
    with serve(tmp_path, scripted(recorder), workers=1) as api:
        api.publish(prompt=PROMPT)
        run = api.dispatch(input={"prompt": WORDS})
        api.ended(run["id"])
    (prompt,) = recorder.prompts
    assert prompt["1"]["inputs"]["value"] == WORDS
    assert prompt == bound(run, {"prompt": WORDS})
