"""A pack that lacks Python packages, in the editor: it says so once, and all else works."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pack_copy import copy_pack

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "postcard"
READY = (
    "() => window.app?.vueAppReady && window.app.extensions.some((one) => one.name === 'runflow')"
)


def test_one_toast_says_what_is_missing_and_how_to_get_it(
    browser: Browser, tmp_path: Path, started_host: Callable[..., Any], seen: Any
) -> None:
    pack = copy_pack(tmp_path / "custom_nodes" / "our pack")
    with (pack / "requirements.txt").open("a") as file:
        file.write("\nno-such-package>=1.0\n")
    for name, text in {"settings": '{"Comfy.TutorialCompleted": true}', "templates": "[]"}.items():
        path = tmp_path / "user" / "default" / f"comfy.{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "input").mkdir()
    shutil.copy(EXAMPLE / "input" / "photo.png", tmp_path / "input")
    with started_host(tmp_path) as host:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        seen.watch(page)
        page.goto(host.url)
        page.wait_for_function(READY, timeout=60_000)
        toast = page.locator(".p-toast-message", has_text="Runflow works in part")
        toast.wait_for()
        text = toast.inner_text()
        graph = json.loads((EXAMPLE / "postcard.json").read_bytes())
        page.evaluate("(graph) => window.app.loadGraphData(graph)", graph)
        prompt = page.evaluate("async () => (await window.app.graphToPrompt()).output")
        assert toast.count() == 1
        page.close()
    assert "does not work: no-such-package." in text
    assert '-m pip install -r "custom_nodes/our pack/requirements.txt"; then restart ' in text
    assert prompt["10"]["class_type"] == "RunflowOutputImage"
    assert not [one for one in seen.problems if "/userdata" not in one]  # of a new user
