"""A graph that the editor opened and saved again, untouched, gives the prompt that it gave before.

cases/workflow/resaved.jsonl.gz: some graphs of prompts.jsonl.gz as frontend 1.35.9 saved them
again, without what conversion does not see. `prompt` stands where the editor itself then sends
another one: it loses the place of PreviewAny's preview, and mixes up values of proxy widgets.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runflow_build.workflow.convert import convert
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Workflow

CASES = Path(__file__).parent.parent.parent / "cases" / "workflow"
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]
CHROMIUM = os.environ.get("CHROMIUM")  # None: the one that Playwright brought


def cases(name: str) -> list[Any]:
    lines = gzip.decompress((CASES / name).read_bytes()).splitlines()
    return [json.loads(line) for line in lines]


GRAPHS = {case["name"]: case for case in cases("prompts.jsonl.gz")}
RESAVED = cases("resaved.jsonl.gz")


def executed(graph: Any, definitions: Definitions) -> dict[str, Any]:
    conversion = convert(Workflow("graph.json", "graph", graph), definitions)
    assert not conversion.errors
    return {
        node: {"class_type": body["class_type"], "inputs": body["inputs"]}
        for node, body in conversion.prompt.items()
    }


@pytest.mark.parametrize("case", RESAVED, ids=lambda case: case["name"])
def test_a_graph_that_was_saved_again_gives_the_prompt_that_the_editor_sends_then(
    case: Any, definitions: Definitions
) -> None:
    prompt = case.get("prompt", GRAPHS[case["name"]]["prompt"])
    assert executed(case["template"], definitions) == prompt


# -- the same with the real editor

READY = "window.app?.vueAppReady && Object.keys(LiteGraph.registered_node_types).length > 100"
SAVE_AGAIN = """async text => {
  const quiet = { showMissingNodesDialog: false, showMissingModelsDialog: false }
  await window.app.loadGraphData(JSON.parse(text), true, false, null, quiet)
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
  const saved = JSON.stringify((window.app.rootGraph ?? window.app.graph).serialize())
  const { output } = await window.app.graphToPrompt()
  for (const node of Object.values(output)) delete node._meta
  return [saved, JSON.stringify(output)]
}"""


@pytest.fixture(scope="module")
def editor(
    tmp_path_factory: pytest.TempPathFactory, started_comfyui: Callable[..., Any]
) -> Iterator[Callable[[Any], tuple[Any, Any]]]:
    """`editor(graph)`: the graph as the real editor saves it again, and what it sends of it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with (
        started_comfyui(tmp_path_factory.mktemp("comfyui")) as url,
        playwright.sync_playwright() as started,
    ):
        try:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        except playwright.Error as error:
            pytest.skip(f"no Chromium starts here; set CHROMIUM: {error}")

        def saved_again(graph: Any) -> tuple[Any, Any]:
            # A page keeps the subgraphs of a graph that it opened, so each graph has its own.
            context = browser.new_context()
            context.request.post(f"{url}/settings", data={"Comfy.TutorialCompleted": True})
            page = context.new_page()
            page.goto(url)
            page.wait_for_function(READY, timeout=60_000)
            saved, prompt = page.evaluate(SAVE_AGAIN, json.dumps(graph))
            context.close()
            return json.loads(saved), json.loads(prompt)

        yield saved_again
        browser.close()


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("name", [case["name"] for case in RESAVED[:11]])  # the small ones
def test_the_real_editor_saves_a_graph_that_gives_what_it_sends(
    name: str, definitions: Definitions, editor: Callable[[Any], tuple[Any, Any]]
) -> None:
    saved, prompt = editor(with_layout(GRAPHS[name]["template"]))
    assert prompt == GRAPHS[name]["prompt"]
    again, prompt = editor(saved)
    assert executed(saved, definitions) == executed(again, definitions) == prompt


def with_layout(graph: Any) -> Any:
    """The graph with the layout that was taken away from it, without which it is not drawn."""
    for canvas in (graph, *graph.get("definitions", {}).get("subgraphs", ())):
        for border, id in (("inputNode", -10), ("outputNode", -20)):
            canvas[border] = {"id": id, "bounding": [0, 0, 9, 9]}
        for order, node in enumerate(canvas["nodes"]):
            node.update(pos=[0, 0], size=[1, 1], flags={}, order=order)
            node.setdefault("mode", 0)
            node.setdefault("properties", {})
    return graph
