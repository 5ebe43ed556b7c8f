"""What the JavaScript of common packs does to their nodes; recorded with the packs themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Draw = Any

VIDEO = "custom_nodes.ComfyUI-VideoHelperSuite"
SCRIPTS = "custom_nodes.ComfyUI-Custom-Scripts"
RGTHREE = "custom_nodes.rgthree-comfy"
FORMATS = {
    "video/webm": [["crf", "INT", {"default": 20}], ["pix_fmt", ["yuv420p", "yuva420p"]]],
    "image/gif": [],
}
CLASSES = {
    "VHS_VideoCombine": {
        "input": {
            "required": {
                "frame_rate": ["FLOAT", {"default": 8}],
                "loop_count": ["INT", {"default": 0}],
                "filename_prefix": ["STRING", {"default": "AnimateDiff"}],
                "format": [[*FORMATS], {"formats": FORMATS, "default": "image/gif"}],
                "pingpong": ["BOOLEAN", {"default": False}],
                "save_output": ["BOOLEAN", {"default": True}],
            }
        },
        "python_module": VIDEO,
    },
    "VHS_LoadVideo": {
        "input": {
            "required": {
                "video": [["a.mp4"]],
                "force_rate": ["FLOAT", {"default": 0}],
                "custom_width": ["INT", {"default": 0}],
                "custom_height": ["INT", {"default": 0}],
                "frame_load_cap": ["INT", {"default": 0}],
                "skip_first_frames": ["INT", {"default": 0}],
                "select_every_nth": ["INT", {"default": 1}],
            }
        },
        "python_module": VIDEO,
    },
    "VHS_BatchManager": {
        "input": {"required": {"frames_per_batch": ["INT", {"default": 16}]}},
        "python_module": VIDEO,
    },
    "ShowText|pysssss": {
        "input": {"required": {"text": ["STRING", {"forceInput": True}]}},
        "output": ["STRING"],
        "python_module": SCRIPTS,
    },
    "Display Any (rgthree)": {
        "input": {"required": {"source": ["*", {}]}},
        "python_module": RGTHREE,
    },
    "Power Lora Loader (rgthree)": {
        "input": {"required": {}, "optional": {"model": ["MODEL"]}},
        "python_module": RGTHREE,
    },
}


@pytest.fixture
def packs(draw_with: Callable[..., Draw]) -> Draw:
    return draw_with(CLASSES)


def test_a_video_format_brings_widgets_of_its_own(packs: Draw) -> None:
    values = {"format": "video/webm", "crf": 5, "frame_rate": 12, "videopreview": {}}
    assert packs.inputs(packs("VHS_VideoCombine", values)) == {
        "frame_rate": 12,
        "filename_prefix": "AnimateDiff",
        "format": "video/webm",
        "crf": 5,
        "pix_fmt": "yuv420p",
        "save_output": True,
    }


def test_what_old_releases_called_save_image_is_save_output(packs: Draw) -> None:
    values = {"format": "image/gif", "save_image": False}
    assert packs.inputs(packs("VHS_VideoCombine", values))["save_output"] is False


def test_values_of_old_releases_that_saved_a_list_are_found_by_name(packs: Draw) -> None:
    values = [12, 3, "out", "image/gif", True, False, None, "/view?filename=x"]
    assert packs.inputs(packs("VHS_VideoCombine", values)) == {
        "frame_rate": 12,
        "loop_count": 3,
        "filename_prefix": "out",
        "format": "image/gif",
        "pingpong": True,
        "save_output": False,
    }


def test_a_list_that_is_too_short_is_read_by_position(packs: Draw) -> None:
    assert packs.inputs(packs("VHS_LoadVideo", ["b.mp4", 5]))["force_rate"] == 5


@pytest.mark.parametrize(
    ("force_size", "sizes"),
    [
        ("640x360", (640, 360)),
        ("640x?", (640, 0)),
        ("Custom Width", (7, 0)),
        ("Custom Height", (0, 8)),
        ("Disabled", (0, 0)),
        (None, (7, 8)),
    ],
)
def test_a_size_that_was_one_text_is_two_numbers(
    force_size: Any, sizes: tuple[int, int], packs: Draw
) -> None:
    values = {"video": "b.mp4", "force_size": force_size, "custom_width": 7, "custom_height": 8}
    inputs = packs.inputs(packs("VHS_LoadVideo", values))
    assert (inputs.get("custom_width", 0), inputs.get("custom_height", 0)) == sizes


def test_a_manager_of_batches_sends_how_many_there_were(packs: Draw) -> None:
    values = {"frames_per_batch": 4, "count": 2}
    assert packs.inputs(packs("VHS_BatchManager", values)) == values


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["a"], {"text_0": "a"}),
        ([["a", "b"]], {"text_0": "a", "text_1": "b"}),
        (["", "a"], {"text_0": "a"}),
        ([], {}),
        (None, {}),
    ],
)
def test_texts_that_were_shown_are_sent_again(values: Any, texts: Any, packs: Draw) -> None:
    text = packs("PrimitiveString", ["x"])
    assert packs.inputs(packs("ShowText|pysssss", values, text=text)) == {**texts, "text": ["1", 0]}


def test_a_display_of_anything_sends_an_empty_text(packs: Draw) -> None:
    text = packs("PrimitiveString", ["x"])
    inputs = packs.inputs(packs("Display Any (rgthree)", [""], source=text))
    assert inputs == {"output": "", "source": ["1", 0]}


def test_each_lora_of_a_list_is_an_input(packs: Draw) -> None:
    row = {"on": True, "lora": "a.safetensors", "strength": 1, "strengthTwo": None}
    values = [{}, {"type": "PowerLoraLoaderHeaderWidget"}, row, {}, ""]
    inputs = packs.inputs(packs("Power Lora Loader (rgthree)", values))
    assert inputs == {
        "PowerLoraLoaderHeaderWidget": {"type": "PowerLoraLoaderHeaderWidget"},
        "lora_1": {"on": True, "lora": "a.safetensors", "strength": 1},
        "\N{HEAVY PLUS SIGN} Add Lora": "",
    }


def test_a_lora_has_two_strengths_where_its_author_wants_that(packs: Draw) -> None:
    row = {"on": True, "lora": "a.safetensors", "strength": 1, "strengthTwo": None}
    wish = {"Show Strengths": "Separate Model & Clip"}
    node = packs("Power Lora Loader (rgthree)", [row], properties=wish)
    assert packs.inputs(node)["lora_1"]["strengthTwo"] == 1


def test_other_packs_that_save_by_name_read_by_name(draw_with: Callable[..., Draw]) -> None:
    raw = {
        "input": {"required": {"a": ["INT", {"default": 1}], "b": ["INT", {"default": 2}]}},
        "python_module": "custom_nodes.SomePack",
    }
    draw = draw_with({"Named": raw})
    assert draw.inputs(draw("Named", {"b": 5, "z": 9})) == {"a": 1, "b": 5}
    assert draw.inputs(draw("Named", [3, 4])) == {"a": 3, "b": 4}
