"""Sending: what of the open canvas stands in the prompt, and in which form."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def text(draw: Draw, value: Any) -> Any:
    return draw.inputs(draw("PrimitiveString", [value]))["value"]


@pytest.mark.parametrize(
    ("saved", "sent"),
    [
        (64.0, 64),
        (-0.0, 0),
        (1.5, 1.5),
        (1e21, 1e21),
        (2**63 - 1, 2**63 - 1),
        (True, True),
        (None, None),
        (["1", 0], {"__value__": ["1", 0]}),
        ([], {"__value__": []}),
        ({"__value__": [1]}, {"__value__": [1]}),
        ({"x": [64.0]}, {"x": [64]}),
        ("\ud800", "\ud800"),
    ],
)
def test_a_value_is_sent_as_json_without_fractions_that_are_none(
    saved: Any, sent: Any, draw: Draw
) -> None:
    value = text(draw, saved)
    assert (value, type(value)) == (sent, type(sent))


def test_a_muted_node_is_left_out_with_the_inputs_that_read_it(draw: Draw) -> None:
    muted = draw("EmptyImage", [64, 32, 1, 0], mode=2)
    invert = draw("ImageInvert", image=muted)
    number = draw("PrimitiveInt", [5, "fixed"], mode=2)
    image = draw("EmptyImage", [64, 32, 1, 0], width=number)
    assert list(draw.prompt()) == ["2", "4"]
    assert draw.inputs(invert) == {}
    assert draw.inputs(image) == {"height": 32, "batch_size": 1, "color": 0}


def test_a_bypassed_node_is_left_out(draw: Draw) -> None:
    draw("SaveImage", ["x"], mode=4)
    assert draw.prompt() == {}


def test_what_changes_a_value_after_a_run_is_not_sent(draw: Draw) -> None:
    assert draw.inputs(draw("PrimitiveInt", [5, "randomize"])) == {"value": 5}


def test_comments_and_escapes_of_a_prompt_text_are_taken_away(draw: Draw) -> None:
    node = draw("CLIPTextEncode", ["a /* b */ c // d\n\\{e\\} # f"])
    assert draw.inputs(node)["text"] == "a  c \n{e} # f"
    assert draw.codes() == ["text-comment"]


def test_a_text_that_ends_with_a_backslash_is_said_to_be_broken(draw: Draw) -> None:
    node = draw("CLIPTextEncode", ["a\\"])
    assert draw.inputs(node)["text"] == "a\\undefined"
    assert draw.codes() == ["text-escape"]


def test_choices_stay_in_the_text_and_are_marked(draw: Draw) -> None:
    draw("CLIPTextEncode", ["a {red|blue} car // old"])
    conversion = draw.convert()
    body = conversion.prompt["1"]
    assert body["inputs"]["text"] == "a {red|blue} car // old"
    assert body["_meta"]["drawn"] == {"text": "choice"}
    [note] = conversion.notes
    assert (note.code, note.where.field) == ("text-choice", "text")


def test_a_choice_that_is_none_is_settled(draw: Draw) -> None:
    node = draw("CLIPTextEncode", ["a {red} {blue|blue} car"])
    assert draw.inputs(node)["text"] == "a red blue car"
    assert draw.codes() == []


def test_texts_of_other_widgets_are_sent_as_they_are(draw: Draw) -> None:
    assert text(draw, "a {red|blue} // car \\") == "a {red|blue} // car \\"
    assert draw.codes() == []


def test_nothing_is_said_of_a_text_that_a_link_stands_in_for(draw: Draw) -> None:
    linked = draw("CLIPTextEncode", ["a {red|blue} car"], text=draw("PrimitiveString", ["b"]))
    assert draw.inputs(linked)["text"] == ["1", 0]
    conversion = draw.convert()
    assert conversion.notes == ()
    assert "drawn" not in conversion.prompt["2"]["_meta"]


def test_a_date_in_a_file_name_stays_and_is_marked(draw: Draw) -> None:
    draw("SaveImage", ["%date:yyyy%/x"])
    conversion = draw.convert()
    body = conversion.prompt["1"]
    assert body["inputs"]["filename_prefix"] == "%date:yyyy%/x"
    assert body["_meta"]["drawn"] == {"filename_prefix": "date"}
    assert [note.code for note in conversion.notes] == ["prefix-date"]


def test_a_date_that_a_primitive_writes_is_marked_where_it_stands_then(draw: Draw) -> None:
    wish = {"Run widget replace on values": True}
    primitive = draw("PrimitiveNode", ["%date:yyyy%"], outputs=["STRING"], properties=wish)
    draw("PrimitiveString", [""], value=primitive)
    conversion = draw.convert()
    assert conversion.prompt["2"]["_meta"]["drawn"] == {"value": "date"}


def test_a_date_in_any_other_text_is_sent_as_it_is(draw: Draw) -> None:
    assert text(draw, "%date:yyyy%") == "%date:yyyy%"
    assert draw.codes() == []
