"""Record what ComfyUI's own editor makes of the graphs in tests/cases/editor.

    python tools/record_editor.py http://127.0.0.1:8188 tests/cases/editor/*.jsonl
    python tools/record_editor.py http://127.0.0.1:8188 tests/cases/editor/bypass.jsonl --check

Needs a running ComfyUI of the version that the cases' README names, a Chromium, and Playwright
(`pip install playwright`). A case is a line `{name, note, template, prompt, error}`; `prompt` and
`error` are written anew, the rest stays. A file `X.object_info.json` beside `X.jsonl` holds node
definitions that the page is told of besides the server's own.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READY = "window.app?.vueAppReady && Object.keys(LiteGraph.registered_node_types).length > 100"
GRAPHS_PER_PAGE = 60
REGISTERED = re.compile(r'"groupNodes"|"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"')
CALLS = 3  # as many conversions per graph; what differs between them is nondeterministic

# The editor shows an error of loading in a dialog and goes on; here it is kept.
PREPARE = """() => {
  const graph = window.app.rootGraph ?? window.app.graph
  const configure = graph.configure
  graph.configure = function (...args) {
    try { return configure.apply(this, args) } catch (error) { window.failure = error; throw error }
  }
}"""

# The graph comes as text, since numbers are to become what a browser makes of them. Some nodes put
# their slots in order in the animation frames after loading.
CONVERT = """async ([text, calls]) => {
  const say = error => (error instanceof Error ? `${error.name}: ${error.message}` : `${error}`)
  const quiet = { showMissingNodesDialog: false, showMissingModelsDialog: false }
  window.failure = null
  try {
    await window.app.loadGraphData(JSON.parse(text), true, false, null, quiet)
  } catch (error) {
    window.failure = error
  }
  if (window.failure) return { error: `load: ${say(window.failure)}`, prompts: [] }
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
  await new Promise(resolve => setTimeout(resolve, 20))
  const prompts = []
  try {
    for (let call = 0; call < calls; call++) {
      const { output } = await window.app.graphToPrompt()
      for (const node of Object.values(output)) delete node._meta
      prompts.push(JSON.stringify(output))
    }
  } catch (error) {
    return { error: `convert: ${say(error)}`, prompts: [] }
  }
  return { error: null, prompts }
}"""


class Editor:
    """The editor in a browser page.

    Loading a graph registers its subgraphs and group nodes for as long as the page lives, so a page
    is left before it meets one of them again, after an error, and after a while.
    """

    def __init__(self, browser: Any, url: str, definitions: dict[str, Any]) -> None:
        self._browser, self._url, self._definitions = browser, url, definitions
        self._context: Any = None
        self._page: Any = None
        self._loads_left = 0
        self._registered: set[str] = set()

    def convert(self, template: str) -> tuple[list[Any], str | None]:
        """The prompts of `CALLS` conversions, or none and the error."""
        registers = set(REGISTERED.findall(template))
        if not self._loads_left or registers & self._registered:
            self._open()
        self._loads_left -= 1
        self._registered |= registers
        answer = self._page.evaluate(CONVERT, [template, CALLS])
        if answer["error"]:
            self._loads_left = 0
        return [json.loads(prompt) for prompt in answer["prompts"]], answer["error"]

    def _open(self) -> None:
        if self._context:
            self._context.close()
        self._context = self._browser.new_context()
        self._context.request.post(f"{self._url}/settings", data={"Comfy.TutorialCompleted": True})
        self._page = self._context.new_page()
        if self._definitions:
            self._page.route("**/object_info", self._add_definitions)
        self._page.goto(self._url)
        self._page.wait_for_function(READY, timeout=60_000)
        self._page.wait_for_timeout(700)
        self._page.evaluate(PREPARE)
        self._loads_left = GRAPHS_PER_PAGE
        self._registered = set()

    def _add_definitions(self, route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), **self._definitions})


def members(line: str) -> Iterator[tuple[str, str]]:
    """Name and JSON text of each member of an object, every number as it is written."""
    decoder = json.JSONDecoder(strict=False)
    at = 1
    while line[at] != "}":
        name, at = decoder.raw_decode(line, at)
        start = at + 1
        while line[start] == " ":
            start += 1
        _, at = decoder.raw_decode(line, start)
        yield name, line[start:at]
        while line[at] in ", ":
            at += 1


def differences(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Where two prompts differ: `node.inputs.field`."""
    if isinstance(one, dict) and isinstance(other, dict) and len(path) < 3:
        for key in {**one, **other}:
            yield from differences(one.get(key), other.get(key), (*path, key))
    elif json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
        yield ".".join(path)


def recorded(line: str, editor: Editor) -> tuple[str, str | None]:
    """A case's line with prompt and error as the editor has them now, and what is new about it."""
    texts = dict(members(line))
    prompts, error = editor.convert(texts["template"])
    prompt = prompts[0] if prompts else None
    unsteady = set(json.loads(texts.get("nondeterministic", "[]")))
    unsteady |= {where for later in prompts[1:] for where in differences(prompt, later)}
    before = json.loads(line)
    news = [where for where in differences(before["prompt"], prompt) if where not in unsteady]
    if before["error"] != error:
        news.append(f"{before['error']} -> {error}")
    texts["prompt"], texts["error"] = compact(prompt), compact(error)
    if unsteady:
        texts["nondeterministic"] = compact(sorted(unsteady))
    name = before["name"]
    return (
        "{" + ",".join(f"{compact(key)}:{text}" for key, text in texts.items()) + "}",
        f"{name}: {', '.join(news)}" if news else None,
    )


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="the running ComfyUI: http://127.0.0.1:8188")
    parser.add_argument("files", nargs="+", type=Path, help="files of cases")
    parser.add_argument("--check", action="store_true", help="only say what is new")
    parser.add_argument("--chromium", help="the browser; default: the one that Playwright installs")
    arguments = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        parser.error("Playwright is not installed: pip install playwright")
    changed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium, args=["--no-sandbox"]
        )
        for path in arguments.files:
            beside = path.with_suffix(".object_info.json")
            definitions = json.loads(beside.read_bytes()) if beside.exists() else {}
            editor = Editor(browser, arguments.url.rstrip("/"), definitions)
            lines = []
            for line in path.read_text("utf-8").splitlines():
                written, news = recorded(line, editor)
                lines.append(written)
                if news:
                    changed += 1
                    print(f"{path.name} {news}")
            if not arguments.check:
                new = path.with_suffix(".new")
                new.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
                new.replace(path)
            print(f"{path.name}: {len(lines)} cases", file=sys.stderr)
        browser.close()
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
