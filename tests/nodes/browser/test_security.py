"""The security panel in the editor, and the editor behind the password."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.browser

FILE = "runflow_security.json"
NAME, PASSWORD, NEXT_PASSWORD = "ada", "correct horse", "pässwörd:two"
SHOW_SETTINGS = "() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')"
GRAPH = {
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "pos": [60, 120],
            "size": [270, 150],
            "widgets_values": [16, 8, 1, 0x336699],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
        },
        {
            "id": 2,
            "type": "RunflowOutputImage",
            "pos": [380, 120],
            "size": [270, 150],
            "widgets_values": ["behind", "", ""],
            "inputs": [{"name": "value", "type": "IMAGE", "link": 1}],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    "version": 0.4,
}
SHOWN = "() => window.app.graph.getNodeById(2).imgs?.[0]?.naturalWidth"
# What an open page asks in vain once a password is asked for, until it is loaded anew.
ASKED = ("answered 401", "WebSocket connection", "401", "Unauthorized", "aborted")


def open_panel(page: Any) -> Any:
    page.evaluate("() => app.extensionManager.command.execute('Runflow.Security')")
    dialog = page.get_by_role("dialog", name="Security")
    dialog.get_by_role("heading", name="Who can reach this ComfyUI").wait_for()
    return dialog


@pytest.fixture
def left_open(comfyui_host: Any) -> Iterator[Any]:
    """A ComfyUI that nobody is asked for a password on; neither by the tests after this one."""
    yield comfyui_host
    path = comfyui_host.base / FILE
    assert not path.exists() or json.loads(path.read_text())["enabled"] is False


# ---- the panel ----


def test_s4_opening_the_editor_and_its_settings_writes_nothing(editor: Any) -> None:
    asked = []
    editor.page.on("request", lambda one: asked.append((one.method, one.url)))
    editor.open()
    editor.page.evaluate(SHOW_SETTINGS)
    editor.page.get_by_text("Runflow", exact=True).first.click()
    editor.page.get_by_text("Nobody is asked for a password").wait_for()
    editor.page.wait_for_timeout(500)
    ours = [one for one in asked if "runflow" in one[1].lower() and one[0] != "GET"]
    assert ours == []
    assert not (editor.host.base / FILE).exists()
    saved = (editor.host.base / "user" / "default" / "comfy.settings.json").read_text()
    assert "runflow" not in saved.lower()


def test_the_settings_lead_to_the_panel_and_keys_lead_through_it(editor: Any) -> None:
    page = editor.page
    page.evaluate(SHOW_SETTINGS)
    page.get_by_text("Runflow", exact=True).first.click()
    button = page.get_by_role("button", name="Open the security panel")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Security")
    dialog.get_by_label("User name").wait_for()
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "() => document.activeElement.labels?.[0]?.textContent"
                " ?? document.activeElement.ariaLabel"
                " ?? document.activeElement.textContent"
            )
        )
    assert names == [
        "Close",
        "User name",
        "New password",
        "New password again",
        "Ask for a password",
        "Scan from the internet",
    ]
    nodes = page.evaluate("() => app.graph.nodes.length")
    page.evaluate("() => app.canvas.selectNodes()")
    dialog.get_by_role("heading", name="Password").click()
    page.keyboard.press("Delete")  # the editor's own key for: remove the nodes
    dialog.get_by_label("User name").press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert button.is_visible()  # the settings stay
    assert page.evaluate("() => app.graph.nodes.length") == nodes
    assert page.evaluate("() => document.activeElement.textContent") == button.text_content()


def test_the_settings_have_room_on_a_phone(editor: Any) -> None:
    page = editor.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(SHOW_SETTINGS)
    page.get_by_text("Runflow", exact=True).first.click()
    page.get_by_role("button", name="Keep for api.runflow.io").wait_for()
    page.locator(".runflow-security-setting").get_by_text("Nobody is asked").wait_for()
    # Right ends of what stands in a row, and of the place that the row has.
    ends = page.locator(".runflow-connection, .runflow-security-setting").evaluate_all(
        """rows => rows.map((row) => {
          const end = (one) => one.getBoundingClientRect().right;
          return [
            Math.max(...[row, ...row.querySelectorAll("*")].map(end)),
            end(row.closest(".setting-item")),
          ];
        })"""
    )
    assert len(ends) == 3
    assert all(end <= place + 1 for end, place in ends), ends


def test_fields_say_to_password_managers_what_they_are(editor: Any) -> None:
    dialog = open_panel(editor.page)
    assert dialog.get_by_role("banner").count() == 0  # to a screen reader it is no page of its own
    fields = {
        "User name": ("text", "username"),
        "New password": ("password", "new-password"),
        "New password again": ("password", "new-password"),
    }
    for label, (kind, autocomplete) in fields.items():
        field = dialog.get_by_label(label, exact=True)
        assert field.get_attribute("type") == kind
        assert field.get_attribute("autocomplete") == autocomplete
    described = dialog.get_by_label("New password", exact=True).get_attribute("aria-describedby")
    hint = dialog.locator(f"#{described}").text_content()
    assert hint == "At least 8 characters; a few words are better than one."


def test_a_form_that_makes_no_sense_is_not_sent(editor: Any) -> None:
    dialog = open_panel(editor.page)
    button = dialog.get_by_role("button", name="Ask for a password")

    def fill(name: str, password: str, again: str) -> str:
        for label, value in zip(
            ("User name", "New password", "New password again"),
            (name, password, again),
            strict=True,
        ):
            dialog.get_by_label(label, exact=True).fill("")
            dialog.get_by_label(label, exact=True).press_sequentially(value)
        button.click()
        message: str = editor.page.evaluate(
            "() => document.querySelector('.runflow-security :invalid:not(form)')"
            "?.validationMessage ?? ''"
        )
        return message

    assert fill(NAME, "longenough", "long enough") == "The two passwords differ."
    assert "8" in fill(NAME, "short", "short")
    assert fill("", "longenough", "longenough")
    assert not (editor.host.base / FILE).exists()
    editor.seen.allow("answered 422")
    assert fill("a:b", "longenough", "longenough") == ""
    alert = dialog.get_by_role("alert").filter(has_text="a user name cannot hold a colon")
    alert.wait_for()
    assert not (editor.host.base / FILE).exists()


def test_the_scan_is_asked_for_by_nobody_but_the_user_who_has_read_what_it_sends(
    editor: Any,
) -> None:
    asked = []
    editor.page.on("request", lambda one: "port-scan" in one.url and asked.append(one.method))
    dialog = open_panel(editor.page)
    dialog.get_by_text("127.0.0.1, port").wait_for()
    assert dialog.get_by_text("Safe", exact=True).is_visible()
    button = dialog.get_by_role("button", name="Scan from the internet")
    note = dialog.locator(f"#{button.get_attribute('aria-describedby')}").text_content()
    for host in ("api.ipify.org", "ifconfig.me", "icanhazip.com", "checkip.amazonaws.com"):
        assert host in note
    assert "portchecker.io then gets the address" in note
    assert asked == []
    button.click()
    # These tests run offline: what is known here is told all the same.
    dialog.get_by_text("nothing was asked: RUNFLOW_OFFLINE is set").wait_for()
    assert dialog.get_by_text("could not be checked").count() == 4
    assert asked == ["POST"]
    assert editor.page.evaluate("() => document.activeElement.textContent") == button.text_content()


def test_what_a_scan_finds_is_told_in_words(editor: Any) -> None:
    found = {
        "public_address": "93.184.216.34",
        "asked": "ifconfig.me",
        "ports": [
            {"port": 8188, "state": "open"},
            {"port": 80, "state": "closed"},
            {"port": 443, "state": "unknown"},
        ],
        "problems": ["portchecker.io says nothing of <b>port</b> 443"],
    }
    editor.page.route("**/runflow/port-scan", lambda route: route.fulfill(json=found))
    dialog = open_panel(editor.page)
    dialog.get_by_role("button", name="Scan from the internet").click()
    dialog.get_by_text("Public address: 93.184.216.34 (says ifconfig.me)").wait_for()
    rows = dialog.get_by_role("status").get_by_role("listitem").all_text_contents()
    assert rows == [
        "OPEN to the internetPort 8188",
        "closedPort 80",
        "could not be checkedPort 443",
    ]
    assert dialog.get_by_text("<b>port</b>").is_visible()  # as text


@pytest.mark.parametrize(
    ("state", "texts", "buttons"),
    [
        (
            {"password": "broken", "reason": "it is not JSON", "out_of_order": "RUNFLOW_X"},
            ["Nobody is asked for a password: RUNFLOW_X is set", "Start ComfyUI without RUNFLOW_X"],
            [],
        ),
        ({"password": "broken", "reason": "it is no file"}, ["is broken: it is no file"], []),
        ({"can_hash": False}, ["python -m pip install argon2-cffi"], []),
        (
            {"listens_to": [{"address": "0.0.0.0", "level": "bad", "reached_by": "everybody"}]},
            ["can run whatever they like", "0.0.0.0, port", "Open", "Started without --listen"],
            ["Ask for a password"],
        ),
        (
            {
                "password": "on",
                "username": NAME,
                "listens_to": [{"address": "1.2.3.4", "level": "unclear", "reached_by": "some"}],
            },
            ["A password is asked for (user ada)", "travels unencrypted", "Mind"],
            [],
        ),
    ],
)
def test_every_state_is_told(
    state: dict[str, Any], texts: list[str], buttons: list[str], editor: Any
) -> None:
    told = {**editor.host.get("/runflow/security"), **state}
    editor.page.route("**/runflow/security", lambda route: route.fulfill(json=told))
    dialog = open_panel(editor.page)
    for text in texts:
        dialog.get_by_text(text, exact=text in ("Open", "Mind")).first.wait_for()
    forms = dialog.locator("form button").filter(visible=True).all_text_contents()
    assert forms == buttons


# ---- behind the password ----


def test_with_the_password_on_the_page_asks_and_then_everything_works(
    browser: Any, left_open: Any, seen: Any
) -> None:
    """Set, used, replaced and switched off in the page; the websocket and our routes included."""
    for text in ASKED:
        seen.allow(text)
    host, secret = left_open, Path(left_open.base / FILE)

    def asks(answer: Any) -> bool:
        is_page = answer.request.resource_type == "document"
        return bool(is_page and answer.status == 401)

    def new_page(password: str | None = None) -> Any:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        if password:
            # As if a person had answered the browser's question.
            page.goto(host.url.replace("://", f"://{NAME}:{quote(password)}@") + "/system_stats")
        seen.watch(page)
        return page

    def opened(page: Any) -> Any:
        page.goto(host.url)
        page.wait_for_function("() => window.app?.vueAppReady && app.api.clientId")
        return page

    page = opened(new_page())
    dialog = open_panel(page)
    dialog.get_by_label("User name").fill(NAME)
    dialog.get_by_label("New password", exact=True).fill(PASSWORD)
    dialog.get_by_label("New password again").fill(PASSWORD)
    with page.expect_response(asks) as refusal:  # then the browser waits for its user
        dialog.get_by_role("button", name="Ask for a password").click()
    assert refusal.value.headers["www-authenticate"].startswith("Basic ")
    assert host.status("/") == host.status("/ws") == 401
    page.context.close()

    page = opened(new_page(PASSWORD))  # the client's id comes over the websocket
    quiet = "{showMissingNodesDialog: false, showMissingModelsDialog: false}"
    page.evaluate(f"graph => app.loadGraphData(graph, true, true, null, {quiet})", GRAPH)
    page.get_by_test_id("queue-button").click()
    assert page.wait_for_function(SHOWN, timeout=60_000).json_value() == 16
    dialog = open_panel(page)
    dialog.get_by_text(f"A password is asked for (user {NAME})").wait_for()

    dialog.get_by_text("Switch it off").click()
    dialog.get_by_label("Current password").last.fill("a guess")
    dialog.get_by_role("button", name="Switch the password off").click()
    seen.allow("/runflow/security/off answered 403")
    dialog.get_by_role("alert").filter(has_text="the current password is another one").wait_for()

    dialog.get_by_text("Replace it").click()
    dialog.get_by_label("Current password").first.fill(PASSWORD)
    dialog.get_by_label("New password", exact=True).fill(NEXT_PASSWORD)
    dialog.get_by_label("New password again").fill(NEXT_PASSWORD)
    with page.expect_response(asks) as refusal:  # then the browser waits for its user
        dialog.get_by_role("button", name="Replace the password").click()
    assert refusal.value.headers["www-authenticate"].startswith("Basic ")
    page.context.close()

    page = opened(new_page(NEXT_PASSWORD))
    dialog = open_panel(page)
    dialog.get_by_text("Switch it off").click()
    dialog.get_by_label("Current password").last.fill(NEXT_PASSWORD)
    dialog.get_by_role("button", name="Switch the password off").click()
    dialog.get_by_text("Nobody is asked for a password").wait_for()
    assert host.status("/") == 200
    kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    page.context.close()

    log = (host.base / "log.txt").read_text(errors="replace")
    settings = (host.base / "user" / "default" / "comfy.settings.json").read_text()
    for one in (PASSWORD, NEXT_PASSWORD):
        assert one not in kept + log + settings + secret.read_text()
    assert re.search("asks for a password", log)
    unexpected = [one for one in seen.unexpected() if "Prompt" not in one]
    assert unexpected == []
