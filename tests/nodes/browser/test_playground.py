"""The Local Playground in a browser: a graph as a form, its runs, and what comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from canvas import Canvas
from waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

CHECKOUT = Path(__file__).resolve().parents[3]
EXAMPLE = CHECKOUT / "examples" / "postcard"
PHOTO = EXAMPLE / "input" / "photo.png"
REFUSED = "/prompt answered 422"


def postcard() -> Any:
    return json.loads((EXAMPLE / "postcard.json").read_bytes())


def media() -> dict[str, Any]:
    """A picture in; pictures, a film, a sound, a text and a 3D file out."""
    canvas = Canvas()
    blue = canvas.add("EmptyImage", 64, 48, 6, 0x3366FF, gives="IMAGE")
    given = ("RunflowInputImage", "picture", "Picture", "", True)
    image = canvas.add(*given, gives="IMAGE", value=blue)
    sound = canvas.add("EmptyAudio", 0.5, 44100, 2, gives="AUDIO")
    webm = ("RunflowSaveVideoWEBM", "pg/film", 12.0, "vp9", 32.0)
    film = canvas.add(*webm, gives="STRING", images=image, audio=sound)
    canvas.add("RunflowOutputFile", "film", "The film", value=film)
    tone = canvas.add("RunflowSaveAudioFlac", "pg/tone", gives="STRING", audio=sound)
    canvas.add("RunflowOutputFile", "tone", "", value=tone)
    for name, file in (("words", "words.txt"), ("thing", "box.glb")):
        text = canvas.add("PrimitiveString", file, gives="STRING")
        canvas.add("RunflowOutputFile", name, "", value=text)
    canvas.add("RunflowOutputImage", "frames", "Frames", value=image)
    return canvas.graph()


def values() -> dict[str, Any]:
    """One input of each kind, all of which end in the name of a sound."""
    canvas = Canvas()
    lines = canvas.add("PrimitiveStringMultiline", "zwölf\nlines", gives="STRING")
    canvas.add(
        *("RunflowInputString", "note", "Note", "Shown nowhere", True, ""),
        gives="STRING",
        value=lines,
    )
    canvas.add("RunflowInputString", "mood", "", "", True, "calm\nwild", gives="STRING")
    canvas.add("RunflowInputInt", "seed", "Seed", "", True, "0", "18446744073709551615", "")
    canvas.add("RunflowInputFloat", "strength", "", "", False, "0", "1", "0.1")
    canvas.add("RunflowInputBoolean", "loud", "Loud", "", True)
    name = canvas.add("RunflowInputFile", "file", "A file", "", "", True, gives="STRING")
    sound = canvas.add("EmptyAudio", 0.1, 44100, 2, gives="AUDIO")
    saved = canvas.add(
        "RunflowSaveAudioFlac", "x", gives="STRING", filename_prefix=name, audio=sound
    )
    canvas.add("RunflowOutputFile", "tone", "", value=saved)
    return canvas.graph()


def slow() -> dict[str, Any]:
    canvas = Canvas()
    width = canvas.add("PrimitiveInt", 64, "fixed", gives="INT")
    size = canvas.add(
        "RunflowInputInt", "size", "", "", False, "", "", "", gives="INT", value=width
    )
    image = canvas.add("EmptyImage", 64, 48, 1, 0xFF, gives="IMAGE", width=size)
    turned = canvas.add("ImageInvert", gives="IMAGE", title="Turn it", image=image)
    canvas.add("RunflowOutputImage", "out", "", value=turned)
    return canvas.graph()


def capture(host: Any, name: str, graph: Any) -> str:
    body = {"name": name, "graph": graph, "mark": "m"}
    status, answer = host.post("/runflow/playground/_captures", body)
    assert status == 200, answer
    return str(answer["slug"])


@pytest.fixture
def opened(page: Page, comfyui_host: Any) -> Callable[[str, Any], Page]:
    """`opened(name, graph)`: the playground of a graph, open."""

    def open_(name: str, graph: Any) -> Page:
        slug = capture(comfyui_host, name, graph)
        page.goto(f"/runflow/playground/{slug}")
        page.get_by_role("heading", name=name).wait_for()
        return page

    return open_


def field(page: Page, name: str) -> Any:
    return page.locator(f'[data-input="{name}"]')


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def wait_until(page: Page, text: str) -> None:
    page.locator("#state", has_text=re.compile(text)).wait_for(timeout=60_000)


def output(page: Page, name: str) -> Any:
    return page.locator(f'[data-output="{name}"]')


# ---- forms and runs ----


def test_the_example_runs_with_what_is_wired_and_with_values_of_the_form(
    opened: Callable[..., Page], comfyui_host: Any
) -> None:
    from PIL import Image

    (comfyui_host.base / "input" / "photo.png").write_bytes(PHOTO.read_bytes())
    page = opened("Postcard", postcard())
    run(page)
    wait_until(page, "Done")
    page.get_by_label("Width", exact=True).fill("480")
    page.get_by_label("Tint", exact=True).press("ArrowUp")
    run(page)
    page.locator("#history li").nth(1).wait_for()
    wait_until(page, "Done")
    link = output(page, "postcard").get_by_role("link").get_attribute("download")
    with Image.open(comfyui_host.base / "output" / link) as picture:
        assert picture.size == (480, 400)
    noted = page.locator("#history .values").first.inner_text()
    assert "width: 480" in noted
    assert "tint: 0.4" in noted


def test_pictures_films_sounds_texts_and_3d_files_are_shown(
    opened: Callable[..., Page], comfyui_host: Any, seen: Any
) -> None:
    output_folder = comfyui_host.base / "output"
    output_folder.mkdir(exist_ok=True)
    (output_folder / "words.txt").write_text("<b>not bold</b>")
    (output_folder / "box.glb").write_bytes(b"glTF")
    page = opened("Media", media())
    assert field(page, "picture").get_by_label("Use what is wired").is_checked()
    run(page)
    wait_until(page, "Done")
    for name, tag in (("film", "video"), ("tone", "audio")):
        player = output(page, name).locator(tag)
        page.wait_for_timeout(300)
        player.evaluate("one => one.readyState || new Promise(done => one.onloadedmetadata = done)")
        assert player.evaluate("one => one.duration") == pytest.approx(0.5, abs=0.1)
    assert output(page, "words").locator("pre", has_text="<b>not bold</b>").count() == 1
    pictures = output(page, "frames").get_by_role("img")
    assert pictures.count() == 6
    assert pictures.first.evaluate("one => one.naturalWidth") == 64
    fetch = output(page, "thing").get_by_role("button", name="Fetch it once")
    assert output(page, "thing").get_by_text("Nothing was asked of the internet").is_visible()
    seen.allow("/_viewer answered 400")
    fetch.click()
    output(page, "thing").get_by_text("RUNFLOW_OFFLINE is set").wait_for()
    assert "Nothing was asked" not in output(page, "thing").inner_text()
    assert fetch.is_enabled()
    links = page.locator("#outputs figcaption a").all_inner_texts()
    assert len(links) == 10
    assert all(re.fullmatch(r"Download \S+ \([\d.]+ (bytes|kB)\)", one) for one in links), links


def test_a_picture_is_chosen_pasted_and_dropped(
    opened: Callable[..., Page], comfyui_host: Any, tmp_path: Path
) -> None:
    for name in ("words.txt", "box.glb"):
        (comfyui_host.base / "output").mkdir(exist_ok=True)
        (comfyui_host.base / "output" / name).write_bytes(b"x")
    page = opened("Pictures", media())
    place = field(page, "picture")
    place.get_by_label("Use what is wired").uncheck()
    place.locator("input[type=file]").set_input_files(PHOTO)
    place.get_by_text("photo.png,").wait_for()
    assert place.locator("img.preview").is_visible()
    run(page)
    wait_until(page, "Done")
    assert output(page, "frames").get_by_role("img").count() == 1
    before = place.locator("img.preview").get_attribute("src")
    give = """([selector, kind, type]) => {
      const data = new DataTransfer()
      const file = new File([new Uint8Array([1, 2, 3])], `${kind}.png`, { type: "image/png" })
      data.items.add(file)
      const options = { bubbles: true, cancelable: true }
      const event = kind === "drop"
        ? new DragEvent("drop", { ...options, dataTransfer: data })
        : new ClipboardEvent("paste", { ...options, clipboardData: data })
      document.querySelector(selector).dispatchEvent(event)
    }"""
    for kind, selector in (("drop", ".drop"), ("paste", "h1")):
        page.evaluate(give, [selector, kind, ""])
        place.get_by_text(f"{kind}.png,").wait_for()
    assert before != place.locator("img.preview").get_attribute("src")
    sent = sorted((comfyui_host.base / "input" / "runflow-playground").rglob("*.png"))
    assert {one.name for one in sent} >= {"photo.png", "drop.png", "paste.png"}


def test_values_of_every_kind_arrive_exactly(
    opened: Callable[..., Page], comfyui_host: Any, tmp_path: Path
) -> None:
    page = opened("Values", values())
    note = page.get_by_label("Note")
    assert note.evaluate("one => one.tagName") == "TEXTAREA"
    assert note.input_value() == "zwölf\nlines"
    page.get_by_label("mood").select_option("wild")
    page.get_by_label("Seed", exact=True).fill("18446744073709551615")
    page.get_by_role("switch", name="Loud").check()
    sent = tmp_path / "..\\ Ünïcode [output].wav"
    sent.write_bytes(b"sound")
    field(page, "file").locator("input[type=file]").set_input_files(sent)
    field(page, "file").get_by_text("5 bytes").wait_for()
    run(page)
    wait_until(page, "Done")
    slug = page.url.rpartition("/")[2]
    [noted] = comfyui_host.get(f"/runflow/playground/{slug}/runs")["runs"]
    given = {name: json.loads(text) for name, text in noted["values"].items()}
    file = given.pop("file")
    assert given == {
        "note": "zwölf\nlines",
        "mood": "wild",
        "seed": 18446744073709551615,
        "loud": True,
    }
    assert re.fullmatch(r"runflow-playground/[0-9a-f]{8}/.*Ünïcode _?output_?\.wav", file)
    assert (comfyui_host.base / "input" / file).read_bytes() == b"sound"
    words = page.locator("#history .values").inner_text()
    assert words.startswith('note: "zwölf\\nlines" · mood: "wild" · seed: 18446744073709551615')
    page.get_by_label("Seed", exact=True).fill("1")
    page.get_by_role("button", name="Use its values").click()
    assert page.get_by_label("Seed", exact=True).input_value() == "18446744073709551615"


def test_what_does_not_fit_is_told_at_its_field(opened: Callable[..., Page], seen: Any) -> None:
    seen.allow(REFUSED)
    page = opened("Errors", values())
    texts = {"Seed": "7.9", "strength": "NaN"}
    for label, text in texts.items():
        page.get_by_label(label, exact=True).fill(text)
    run(page)
    wanted = {
        "seed": "seed must be a whole number, not 7.9",
        "strength": "strength must be a number, not text",
        "mood": "mood is required",
        "file": "file is required",
    }
    for name, text in wanted.items():
        field(page, name).locator(".errors", has_text=text).wait_for()
    assert page.locator(".errors li").count() == len(wanted)
    assert page.evaluate_handle("() => document.activeElement").get_property("id").json_value() == (
        page.get_by_label("mood").get_attribute("id")
    )
    assert page.get_by_label("Seed", exact=True).get_attribute("aria-invalid") == "true"
    page.get_by_label("Seed", exact=True).fill("-1")
    run(page)
    field(page, "seed").locator(".errors", has_text="must be at least 0, not -1").wait_for()
    assert page.locator("#history .run").count() == 0


def test_the_empty_text_can_be_given(opened: Callable[..., Page], seen: Any) -> None:
    seen.allow(REFUSED)
    canvas = Canvas()
    canvas.add("RunflowInputString", "words", "Words", "", True, "", gives="STRING")
    image = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", "", value=image)
    page = opened("Empty", canvas.graph())
    run(page)
    page.get_by_role("button", name="Send it empty").click()
    run(page)
    wait_until(page, "Done")
    assert page.locator("#history .values").inner_text() == 'words: ""'


# ---- what is wrong with a graph ----


def test_ids_that_are_blank_or_twice_there_are_told_and_nothing_runs(
    opened: Callable[..., Page],
) -> None:
    canvas = Canvas()
    for name in ("same", "same", " "):
        canvas.add("RunflowInputString", name, "", "", True, "", gives="STRING")
    image = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", "", value=image)
    page = opened("Twice", canvas.graph())
    told = page.locator("#findings")
    told.get_by_text("two nodes have the input id same").wait_for()
    told.get_by_text("has no input_id, so no caller could name it").wait_for()
    assert page.get_by_role("button", name="Run", exact=True).is_disabled()


def test_markup_in_names_is_text(opened: Callable[..., Page]) -> None:
    evil = "<!--<script>alert(1)</script><img src=x onerror=alert(2)>"
    canvas = Canvas()
    texts = (evil, f"{evil} label", f"{evil} help")
    canvas.add("RunflowInputString", *texts, True, evil, gives="STRING")
    image = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", evil, value=image)
    page = opened(f"Evil {evil}", canvas.graph())
    assert page.get_by_label(f"{evil} label").is_visible()
    assert page.get_by_text(f"{evil} help").is_visible()
    assert page.locator("img[src=x], h1 *").count() == 0


def test_what_comfyui_has_against_a_prompt_is_shown(opened: Callable[..., Page], seen: Any) -> None:
    seen.allow("/prompt answered 400")
    canvas = Canvas()
    image = canvas.add("LoadImage", "is-not-there.png", "image", gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", "", value=image)
    page = opened("Refused", canvas.graph())
    run(page)
    wait_until(page, "The run failed")
    assert "is-not-there.png" in page.locator("#run-error").inner_text()


def test_what_goes_wrong_in_a_node_is_shown_with_its_title(opened: Callable[..., Page]) -> None:
    canvas = Canvas()
    name = canvas.add("PrimitiveString", "../outside.txt", gives="STRING")
    canvas.add("RunflowOutputFile", "out", "", title="Give it out", value=name)
    page = opened("Fails", canvas.graph())
    run(page)
    wait_until(page, "The run failed")
    assert "Give it out (node 2): " in page.locator("#run-error").inner_text()


# ---- the page itself ----


def test_every_control_has_a_name_and_the_page_works_by_keyboard(
    opened: Callable[..., Page],
) -> None:
    page = opened("Controls", values())
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, select, textarea, button, progress, a")]
          .filter(one => !(one.labels?.length || one.getAttribute("aria-label")
            || one.getAttribute("aria-labelledby") || one.textContent.trim()))
          .map(one => one.outerHTML)"""
    )
    assert nameless == []
    references = page.evaluate(
        """() => [...document.querySelectorAll("[aria-describedby], [aria-controls]")]
          .flatMap(one => (one.getAttribute("aria-describedby")
            ?? one.getAttribute("aria-controls")).split(" "))
          .filter(id => !document.getElementById(id))"""
    )
    assert references == []
    seed = page.get_by_label("Seed", exact=True)
    seed.focus()
    seed.press("ArrowUp")
    assert seed.input_value() == "1"
    python = page.get_by_role("tab", name="curl")
    python.focus()
    python.press("ArrowRight")
    page.get_by_role("tabpanel").get_by_text("import urllib.request").wait_for()


def test_the_call_has_a_place_for_the_owner_until_the_endpoint_is_deployed(
    opened: Callable[..., Page], comfyui_host: Any
) -> None:
    page = opened("Called", slow())
    call, told = page.get_by_role("tabpanel"), page.get_by_text("YOUR-ORGANIZATION stands for")
    call.get_by_text("/YOUR-ORGANIZATION/called/runs").wait_for()
    assert told.is_visible()
    state = comfyui_host.base / "user" / "runflow" / "projects" / "called" / ".runflow"
    state.mkdir(parents=True)
    (state / "url").write_text("https://api.example/v1/comfyui-workflows/acme/called/runs")
    page.reload()
    call.get_by_text("/acme/called/runs").wait_for()
    assert told.is_hidden()


def test_many_outputs_stand_side_by_side_and_many_runs_leave_no_empty_space(
    opened: Callable[..., Page],
) -> None:
    canvas = Canvas()
    for number in range(12):
        image = canvas.add("EmptyImage", 8, 8, 1, number, gives="IMAGE")
        canvas.add("RunflowOutputImage", f"out_{number}", "", value=image)
    page = opened("Many", canvas.graph())
    for number in range(8):
        run(page)
        page.locator("#history .run.done").nth(number).wait_for()
    tops = page.locator("#outputs article").evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    )
    assert len(set(tops)) <= len(tops) / 2
    spare = "document.documentElement.scrollHeight - document.body.getBoundingClientRect().bottom"
    assert page.evaluate(spare) <= 1


def test_a_file_that_misses_its_field_does_not_take_the_page_away(
    opened: Callable[..., Page],
) -> None:
    page = opened("Missed", media())
    prevented = """type => {
      const dataTransfer = new DataTransfer()
      if (type === "file") dataTransfer.items.add(new File(["x"], "x.png"))
      else dataTransfer.items.add("words", "text/plain")
      const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer })
      document.querySelector("h1").dispatchEvent(event)
      return event.defaultPrevented
    }"""
    assert page.evaluate(prevented, "file")
    assert not page.evaluate(prevented, "words")


def test_what_is_no_number_leaves_the_slider_at_its_end(opened: Callable[..., Page]) -> None:
    page = opened("Slider", values())
    slider = page.get_by_label("strength, as a slider")
    box = page.get_by_label("strength", exact=True)
    box.fill("0.7")
    assert slider.input_value() == "0.7"
    box.fill("much")
    assert slider.input_value() == "0"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone_and_texts_have_contrast(
    scheme: Any, opened: Callable[..., Page]
) -> None:
    page = opened("Phone", values())
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    # Text on its card: relative luminance as WCAG 2 has it, 4.5 to 1.
    worst = page.evaluate(
        """() => {
          const light = color => {
            const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(Number)
              .map(one => one / 255).map(one => one <= 0.04045 ? one / 12.92
                : ((one + 0.055) / 1.055) ** 2.4)
            return 0.2126 * r + 0.7152 * g + 0.0722 * b
          }
          const behind = one => {
            for (; one; one = one.parentElement) {
              const color = getComputedStyle(one).backgroundColor
              if (!/, 0\\)|transparent/.test(color)) return color
            }
          }
          const shown = [...document.querySelectorAll("label, p, h1, h2, span, button, pre")]
            .filter(one => one.offsetParent && one.textContent.trim() && !one.closest(":disabled"))
          return Math.min(...shown.map(one => {
            const [a, b] = [light(getComputedStyle(one).color), light(behind(one))]
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
          }))
        }"""
    )
    assert worst >= 4.5


def test_a_picture_is_enlarged_in_a_dialog(opened: Callable[..., Page], comfyui_host: Any) -> None:
    page = opened("Zoom", slow())
    run(page)
    wait_until(page, "Done")
    page.get_by_role("button", name="Enlarge").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Larger").click()
    assert dialog.get_by_role("status").inner_text() == "125 %"
    page.keyboard.press("-")
    assert dialog.get_by_role("status").inner_text() == "100 %"
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.get_by_role("button", name="Enlarge").evaluate(
        "one => one === document.activeElement"
    )


def test_two_fingers_enlarge_a_picture(opened: Callable[..., Page]) -> None:
    page = opened("Fingers", slow())
    run(page)
    wait_until(page, "Done")
    page.get_by_role("button", name="Enlarge").click()
    box = page.locator(".stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": x + place, "y": y, "id": number} for number, place in enumerate(places)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -50, 50)
    touch("touchMove", -100, 100)
    touch("touchEnd")
    state = page.get_by_role("dialog").get_by_role("status")
    assert state.inner_text() == "200 %"
    touch("touchStart", 0)
    touch("touchMove", 30)
    touch("touchEnd")
    assert state.inner_text() == "200 %"
    moved = page.locator(".stage img").evaluate("one => one.style.transform")
    assert moved.startswith("translate(30px, 0px)")


def test_the_page_forbids_what_is_not_its_own(comfyui_host: Any, page: Page) -> None:
    slug = capture(comfyui_host, "Policy", slow())
    answer = page.goto(f"/runflow/playground/{slug}")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_an_address_without_a_capture_says_so(page: Page, seen: Any, comfyui_host: Any) -> None:
    capture(comfyui_host, "Known", slow())
    seen.allow("/capture answered 404")
    page.goto("/runflow/playground/unknown")
    page.get_by_role("alert").get_by_text("nothing was captured under this name").wait_for()
    assert page.get_by_role("link", name="known").is_visible()
    assert page.get_by_role("button", name="Run").count() == 0


def test_what_was_typed_outlives_a_reload(opened: Callable[..., Page]) -> None:
    page = opened("Reloaded", values())
    page.get_by_label("Seed", exact=True).fill("18446744073709551615")
    page.get_by_label("mood").select_option("wild")
    page.get_by_role("switch", name="Loud").check()
    page.reload()
    page.get_by_text("Press Run to see").wait_for()
    assert page.get_by_label("Seed", exact=True).input_value() == "18446744073709551615"
    assert page.get_by_label("mood").evaluate("one => one.selectedOptions[0].text") == "wild"
    assert page.get_by_role("switch", name="Loud").is_checked()
    assert field(page, "note").get_by_text("from the workflow").is_visible()
    assert field(page, "note").get_by_role("button", name="Reset").is_hidden()


def test_the_page_is_loaded_anew_with_the_policy_for_the_viewer_that_has_come(
    opened: Callable[..., Page], comfyui_host: Any
) -> None:
    """The viewer itself is not here: its element is played, and so are the answers about it."""
    (comfyui_host.base / "output").mkdir(exist_ok=True)
    (comfyui_host.base / "output" / "box.glb").write_bytes(b"glTF")
    canvas = Canvas()
    canvas.add("RunflowInputInt", "seed", "Seed", "", False, "", "", "", gives="INT")
    name = canvas.add("PrimitiveString", "box.glb", gives="STRING")
    canvas.add("RunflowOutputFile", "thing", "", value=name)
    page = opened("Thing", canvas.graph())
    state = {"here": False, "version": "1", "size": 1, "hosts": ["cdn.example"]}

    def answer(route: Any) -> None:
        state["here"] = state["here"] or route.request.method == "POST"
        route.fulfill(json=state)

    page.route("**/_viewer", answer)
    script = "customElements.define('model-viewer', class extends HTMLElement {})"
    types = {"content_type": "text/javascript"}
    page.route("**/_static/model-viewer.js", lambda route: route.fulfill(body=script, **types))
    run(page)
    wait_until(page, "Done")
    page.get_by_label("Seed", exact=True).fill("7")
    with page.expect_navigation():
        page.get_by_role("button", name="Fetch it once").click()
    output(page, "thing").locator("model-viewer").wait_for(state="attached")
    assert page.get_by_label("Seed", exact=True).input_value() == "7"


# ---- a run that takes its time ----


@pytest.fixture(scope="module")
def hold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file is there, nodes of the slow host wait: all, or the one that it names."""
    return tmp_path_factory.mktemp("hold") / "hold"


@pytest.fixture(scope="module")
def slow_host(
    tmp_path_factory: pytest.TempPathFactory, started_host: Any, prepared: Any, hold: Path
) -> Iterator[Any]:
    base = prepared(tmp_path_factory.mktemp("slow"))
    with started_host(base, "--hold", str(hold)) as host:
        yield host


@pytest.fixture
def slow_page(browser: Browser, slow_host: Any, seen: Any, hold: Path) -> Iterator[Page]:
    context = browser.new_context(base_url=slow_host.url, viewport={"width": 1280, "height": 800})
    one = context.new_page()
    seen.watch(one)
    slug = capture(slow_host, "Slow", slow())
    one.goto(f"/runflow/playground/{slug}")
    one.get_by_role("heading", name="Slow").wait_for()
    hold.write_text("")
    yield one
    hold.unlink(missing_ok=True)
    context.close()
    assert seen.unexpected() == []


def set_size(page: Page, size: int) -> None:
    page.get_by_label("size", exact=True).fill(str(size))  # or it would come from the cache


def test_progress_is_told_node_by_node(slow_page: Page, hold: Path) -> None:
    hold.write_text("4")
    set_size(slow_page, 65)
    run(slow_page)
    wait_until(slow_page, "Running: Turn it, [234] of")
    assert 0 < slow_page.locator("#bar").evaluate("one => one.value") < 1
    hold.unlink()
    wait_until(slow_page, r"Done in \d")
    assert slow_page.locator("#progress").is_hidden()


def test_a_running_prompt_is_cancelled(slow_page: Page, slow_host: Any) -> None:
    set_size(slow_page, 66)
    run(slow_page)
    wait_until(slow_page, "Running: ")
    watch = """() => {
      window.told = []
      const state = document.getElementById("state")
      new MutationObserver(() => told.push(state.textContent)).observe(state, { childList: true })
    }"""
    slow_page.evaluate(watch)
    slow_page.get_by_role("button", name="Cancel").click()
    wait_until(slow_page, "Cancelled")
    stopping = "Stopping: ComfyUI finishes what the node is doing"
    assert slow_page.evaluate("told") == [stopping, "Cancelled"]
    assert slow_host.get("/queue") == {"queue_running": [], "queue_pending": []}
    assert slow_page.get_by_role("button", name="Run", exact=True).is_enabled()
    assert slow_page.get_by_role("button", name="Cancel").is_hidden()


def test_the_keyboard_keeps_its_place_while_a_prompt_runs_and_is_cancelled(
    slow_page: Page,
) -> None:
    focused = "document.activeElement.id"
    set_size(slow_page, 73)
    slow_page.get_by_role("button", name="Run", exact=True).press("Enter")
    wait_until(slow_page, "Running: ")
    assert slow_page.evaluate(focused) == "run"
    slow_page.keyboard.press("Tab")
    assert slow_page.evaluate(focused) == "cancel"
    slow_page.keyboard.press("Enter")
    wait_until(slow_page, "Cancelled")
    assert slow_page.evaluate(focused) == "run"


def test_a_waiting_prompt_is_cancelled_and_the_one_before_it_goes_on(
    slow_page: Page, slow_host: Any, hold: Path
) -> None:
    image = {"width": 8, "height": 8, "batch_size": 1, "color": 7}
    other = {
        "1": {"class_type": "EmptyImage", "inputs": image},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {
            "class_type": "SaveImage",
            "inputs": {"images": ["2", 0], "filename_prefix": "other"},
        },
    }
    _, answer = slow_host.post("/prompt", {"prompt": other})
    set_size(slow_page, 67)
    run(slow_page)
    wait_until(slow_page, "Waiting: 1 prompt before it")
    slow_page.get_by_role("button", name="Cancel").click()
    wait_until(slow_page, "Cancelled")
    hold.unlink()
    until(lambda: slow_host.get("/history")[answer["prompt_id"]])
    entry = slow_host.get("/history")[answer["prompt_id"]]
    assert entry["status"]["status_str"] == "success"


def test_a_second_run_of_the_page_says_how_many_are_before_it(
    slow_page: Page, slow_host: Any, hold: Path
) -> None:
    hold.unlink()
    set_size(slow_page, 71)
    run(slow_page)
    wait_until(slow_page, "Done")
    hold.write_text("")
    made = {"width": 9, "height": 9, "batch_size": 1, "color": 7}
    other = {
        "1": {"class_type": "EmptyImage", "inputs": made},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    assert slow_host.post("/prompt", {"prompt": other})[0] == 200
    set_size(slow_page, 72)
    run(slow_page)
    wait_until(slow_page, "Waiting: 1 prompt before it")
    opacity = "getComputedStyle(document.getElementById('outputs')).opacity"
    assert slow_page.evaluate(opacity) == "0.5"  # they are of the run before
    hold.unlink()
    wait_until(slow_page, "Done")
    assert slow_page.evaluate(opacity) == "1"


def test_a_page_that_is_reloaded_goes_on_with_its_run(slow_page: Page, hold: Path) -> None:
    set_size(slow_page, 68)
    run(slow_page)
    wait_until(slow_page, "Running: ")
    slow_page.reload()
    wait_until(slow_page, "Running")
    hold.write_text("4")
    wait_until(slow_page, "Running: Turn it")
    hold.unlink()
    wait_until(slow_page, "Done")
    assert output(slow_page, "out").get_by_role("img").count() == 1


def test_a_capture_and_its_runs_survive_a_restart_and_a_lost_run_is_told(
    browser: Browser, tmp_path: Path, started_host: Any, prepared: Any
) -> None:
    prepared(tmp_path)
    with started_host(tmp_path) as host:
        slug = capture(host, "Kept", slow())
        status, made = host.post(f"/runflow/playground/{slug}/prompt", {"values": {"size": 8}})
        assert status == 200
        ids = {"prompt_id": made["run"]}
        assert host.post("/prompt", {"prompt": json.loads(made["prompt"]), **ids})[0] == 200
        until(lambda: host.get("/history")[made["run"]])
        assert host.get(f"/runflow/playground/{slug}/runs")["runs"][0]["state"] == "done"
        host.post(f"/runflow/playground/{slug}/prompt", {"values": {"size": 9}})  # never queued
    with started_host(tmp_path) as host:
        context = browser.new_context(base_url=host.url)
        page = context.new_page()
        page.goto(f"/runflow/playground/{slug}")
        page.locator(".run.lost", has_text="ComfyUI was restarted").wait_for()
        page.get_by_role("button", name=re.compile("^Show")).nth(1).click()
        assert output(page, "out").get_by_role("img").evaluate("one => one.decode()") is None
        run(page)
        wait_until(page, "Done")
        context.close()


# ---- from the editor ----

OPEN = "() => app.extensionManager.command.execute('Runflow.Playground')"


def test_the_editor_opens_it_and_is_asked_whether_its_graph_has_changed(
    editor: Any, seen: Any, comfyui_host: Any
) -> None:
    page = editor.page
    editor.load(slow())
    with page.context.expect_page() as waiting:
        page.evaluate(OPEN)
    playground = waiting.value
    seen.watch(playground)
    playground.get_by_label("size", exact=True).wait_for()
    playground.get_by_label("size", exact=True).fill("70")
    change = "() => { const node = app.graph.getNodeById(3); %s; app.graph.change() }"
    page.evaluate(change % "node.pos = [node.pos[0] + 100, 500]; node.color = '#322'")
    told = playground.locator("#notices")
    playground.bring_to_front()
    playground.wait_for_timeout(4000)
    assert told.inner_text() == ""
    page.evaluate(change % "node.widgets.find(one => one.name === 'height').value = 50")
    told.get_by_text("has changed since this capture").wait_for(timeout=10_000)
    told.get_by_role("button", name="Capture again").click()
    told.get_by_text("has changed").wait_for(state="detached")
    assert playground.get_by_label("size", exact=True).input_value() == "70"
    run(playground)
    wait_until(playground, "Done")
    image = output(playground, "out").get_by_role("img")
    assert image.evaluate("one => [one.naturalWidth, one.naturalHeight]") == [70, 50]


def test_the_editor_loads_nothing_of_the_page(page: Page, comfyui_host: Any) -> None:
    offered = comfyui_host.get("/extensions")
    ours = [one for one in offered if "runflow" in one]
    assert any(one.endswith("/playground/capture.js") for one in ours)
    scripts = {one.name for one in (CHECKOUT / "nodes" / "playground").glob("*.js")}
    assert {one.rpartition("/")[2] for one in ours}.isdisjoint(scripts - {"requests.js"})


def test_a_file_is_chosen_in_the_editor_and_the_saved_graph_has_no_more_values_than_before(
    editor: Any, tmp_path: Path
) -> None:
    page = editor.page
    canvas = Canvas()
    canvas.add("RunflowInputFile", "file", "", "", "", True, gives="STRING")
    editor.load(canvas.graph())
    sent = tmp_path / "song.wav"
    sent.write_bytes(b"sound")
    with page.expect_file_chooser() as waiting:
        page.evaluate(
            "() => app.graph.getNodeById(1).widgets.find(one => one.type === 'button').callback()"
        )
    waiting.value.set_files(sent)
    saved = "() => app.graph.serialize().nodes[0].widgets_values"
    page.wait_for_function(f"() => ({saved})()[3]")
    assert page.evaluate(saved) == ["file", "", "", "song.wav", True]
    assert (editor.host.base / "input" / "song.wav").read_bytes() == b"sound"


# ---- behind the password ----


def test_behind_the_password_it_runs_like_without(
    browser: Browser, tmp_path: Path, started_host: Any, prepared: Any
) -> None:
    prepared(tmp_path)
    with started_host(tmp_path) as host:
        slug = capture(host, "Guarded", slow())
        body = {"username": "ada", "password": "correct horse"}
        assert host.post("/runflow/security/password", body)[0] == 200
        assert host.status(f"/runflow/playground/{slug}") == 401
        credentials = {"username": "ada", "password": "correct horse"}
        context = browser.new_context(base_url=host.url, http_credentials=credentials)
        page = context.new_page()
        page.goto(f"/runflow/playground/{slug}")
        run(page)
        wait_until(page, "Done")
        assert output(page, "out").get_by_role("img").evaluate("one => one.decode()") is None
        context.close()
