"""The widgets that the editor makes for an input, and what each does to a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Draw = Any


def one(kind: Any, options: Any = None) -> dict[str, Any]:
    """A class with one input `x`, and an INT `after` behind it."""
    return {"input": {"required": {"x": [kind, options or {}], "after": ["INT", {}]}}}


@pytest.mark.parametrize("name", ["seed", "noise_seed"])
def test_a_seed_brings_a_control_that_takes_a_place_and_is_not_sent(
    name: str, draw_with: Callable[..., Draw]
) -> None:
    own = {"input": {"required": {name: ["INT", {}], "after": ["INT", {}]}}}
    draw = draw_with({"Seeded": own})
    assert draw.inputs(draw("Seeded", [5, "randomize", 7])) == {name: 5, "after": 7}


@pytest.mark.parametrize("kind", ["INT", "FLOAT"])
def test_a_number_has_a_control_where_its_definition_says_so(
    kind: str, draw_with: Callable[..., Draw]
) -> None:
    draw = draw_with({"One": one(kind, {"control_after_generate": True})})
    assert draw.inputs(draw("One", [5, "fixed", 7])) == {"x": 5, "after": 7}


def test_a_seed_has_none_where_its_definition_says_that(draw_with: Callable[..., Draw]) -> None:
    own = {"input": {"required": {"seed": ["INT", {"control_after_generate": False}]}}}
    draw = draw_with({"Seeded": {**own, "output": []}})
    assert draw.inputs(draw("Seeded", [5])) == {"seed": 5}


def test_a_choice_with_a_control_has_a_filter_as_well(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one(["a", "b"], {"control_after_generate": True})})
    assert draw.inputs(draw("One", ["b", "fixed", "", 7])) == {"x": "b", "after": 7}


def test_a_choice_takes_any_value(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one(["a", "b"])})
    assert draw.inputs(draw("One", [7, 7]))["x"] == 7


def test_a_choice_without_choices_has_no_value_until_one_is_saved(
    draw_with: Callable[..., Draw],
) -> None:
    draw = draw_with({"One": one([])})
    assert draw.inputs(draw("One")) == {"after": 0}
    assert draw.inputs(draw("One", ["x.safetensors"])) == {"x": "x.safetensors", "after": 0}


def test_a_choice_of_several_is_a_list_and_sent_wrapped(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one(["a", "b"], {"multi_select": True})})
    assert draw.inputs(draw("One", [["b"], 7])) == {"x": {"__value__": ["b"]}, "after": 7}
    assert draw.inputs(draw("One")) == {"x": {"__value__": []}, "after": 0}


def test_a_long_text_is_text_whatever_was_saved(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one("STRING", {"multiline": True})})
    texts = [draw.inputs(draw("One", [value, 1]))["x"] for value in (5, True, [1, None], {}, None)]
    assert texts == ["5", "true", "1,", "[object Object]", ""]


def test_a_long_text_has_the_line_ends_of_a_browser(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one("STRING", {"multiline": True})})
    assert draw.inputs(draw("One", ["a\r\nb\rc", 1]))["x"] == "a\nb\nc"


def test_a_short_text_is_what_was_saved(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one("STRING", {})})
    assert draw.inputs(draw("One", [5, 1]))["x"] == 5


def test_a_widget_may_be_of_another_type_than_its_input(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"One": one("SOMETHING", {"widgetType": "STRING"})})
    assert draw.inputs(draw("One", ["text", 1]))["x"] == "text"


@pytest.mark.parametrize(
    ("kind", "options", "value"),
    [
        ("COLOR", {}, "#000000"),
        ("COLOR", {"options": {"default": "#ff0000"}}, "#ff0000"),
        ("TEXTAREA", {}, ""),
        ("MARKDOWN", {}, ""),
        ("CHART", {}, {}),
        ("GALLERIA", {}, {"__value__": []}),
        ("IMAGECOMPARE", {}, {"__value__": ["", ""]}),
    ],
)
def test_rare_widgets_have_a_default_too(
    kind: str, options: Any, value: Any, draw_with: Callable[..., Draw]
) -> None:
    draw = draw_with({"One": one(kind, options)})
    assert draw.inputs(draw("One")) == {"x": value, "after": 0}


def test_a_file_that_people_upload_takes_a_place_for_its_button(draw: Draw) -> None:
    assert draw.inputs(draw("LoadImage", ["a.png", "image"])) == {"image": "a.png"}


def test_a_record_of_an_upload_is_read_as_its_path(draw: Draw) -> None:
    upload = {"filename": "a.png", "subfolder": "s"}
    assert draw.inputs(draw("LoadImage", [upload])) == {"image": "s/a.png"}
    assert draw.inputs(draw("LoadImage", [{**upload, "type": "temp"}]))["image"] == "s/a.png"
    assert draw.inputs(draw("LoadImage", [[upload, "b.png"]]))["image"] == "s/a.png"


def test_of_several_uploads_all_are_sent_where_the_class_takes_a_batch(
    draw_with: Callable[..., Draw],
) -> None:
    options = {"image_upload": True, "allow_batch": True}
    draw = draw_with({"One": {"input": {"required": {"image": [["a.png"], options]}}}})
    batch = draw("One", [["a.png", {"filename": "b.png"}], "image"])
    assert draw.inputs(batch) == {"image": {"__value__": ["a.png", "b.png"]}}


def test_a_file_of_another_folder_says_so(draw_with: Callable[..., Draw]) -> None:
    options = {"image_upload": True, "image_folder": "output"}
    draw = draw_with({"One": {"input": {"required": {"image": [["a.png"], options]}}}})
    files = ["a.png", "b.png [temp]", {"filename": "c.png", "type": "output"}]
    sent = [draw.inputs(draw("One", [file, "image"]))["image"] for file in files]
    assert sent == ["a.png [output]", "b.png [temp]", "c.png [output]"]


@pytest.mark.parametrize("empty", ["", None, 0, False])
def test_an_empty_file_name_is_the_first_of_the_list(
    empty: Any, draw_with: Callable[..., Draw]
) -> None:
    own = {"input": {"required": {"image": [["a.png", "b.png"], {"image_upload": True}]}}}
    draw = draw_with({"One": own})
    assert draw.inputs(draw("One", [empty, "image"])) == {"image": "a.png"}


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ({"input_order": {"required": ["image"], "optional": ["n"]}}, ["b.png", 1, "image"]),
        ({"name": "One"}, ["b.png", "image", 1]),
    ],
)
def test_a_button_to_upload_comes_last_where_comfyui_says_the_order_else_behind_what_is_required(
    said: Any, values: Any, draw_with: Callable[..., Draw]
) -> None:
    required = {"image": [["a.png"], {"image_upload": True}]}
    own = {"input": {"required": required, "optional": {"n": ["INT", {}]}}, **said}
    draw = draw_with({"One": own})
    assert draw.inputs(draw("One", values)) == {"image": "b.png", "n": 1}


def test_a_sound_has_a_player_that_is_sent_and_a_button_that_is_not(draw: Draw) -> None:
    assert draw.inputs(draw("LoadAudio", ["a.mp3", "x", "y"])) == {"audio": "a.mp3", "audioUI": ""}


def test_a_recording_takes_places_and_is_sent_empty(draw: Draw) -> None:
    assert draw.inputs(draw("RecordAudio", ["x"])) == {"audio": ""}


def test_preview_any_sends_the_state_of_its_preview(draw: Draw) -> None:
    text = draw("PrimitiveString", ["x"])
    assert draw.inputs(draw("PreviewAny", [True], source=text)) == {
        "preview": "",
        "previewMode": True,
        "source": ["1", 0],
    }


def test_a_list_of_choices_grows_as_far_as_it_is_filled_in(draw: Draw) -> None:
    custom = draw("CustomCombo", ["b", "a", "b", "c"])
    inputs = draw.inputs(custom)
    assert {name: value for name, value in inputs.items() if name.startswith("option")} == {
        "option0": "a",
        "option1": "b",
        "option2": "c",
        "option3": "",
    }


def test_a_choice_that_comfyui_is_asked_for_has_a_switch_and_a_button(
    draw_with: Callable[..., Draw],
) -> None:
    options = {"remote": {"route": "/files", "refresh_button": True}}
    draw = draw_with({"One": one("COMBO", options)})
    inputs = draw.inputs(draw("One", ["a.png", False, "refresh", 7]))
    assert inputs == {"x": "a.png", "refresh": "refresh", "after": 7}
    assert draw.codes() == ["choice-remote"]


def test_a_view_of_a_3d_model_is_sent_empty_and_its_pictures_are_said_to_be_missing(
    draw: Draw,
) -> None:
    assert draw.inputs(draw("Load3D", ["a.glb"]))["image"] == ""
    assert draw.codes() == ["node-unsupported"]


def test_a_cameras_picture_is_said_to_be_missing(draw: Draw) -> None:
    draw("WebcamCapture", [""])
    assert draw.codes() == ["node-unsupported"]
