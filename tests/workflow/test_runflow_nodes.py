"""Names and order are in users' saved graphs, so they are written out here once more."""

from __future__ import annotations

import pytest

from runflow_build.workflow.runflow_nodes import INPUTS, OUTPUTS, SAVERS, definitions, file_stem

FIRST = ["input_id", "display_name", "description"]
NUMBER = [*FIRST, "required", "minimum", "maximum", "step"]


def test_the_widgets_of_inputs_are_saved_in_this_order() -> None:
    assert {name: [one.name for one in node.widgets] for name, node in INPUTS.items()} == {
        "RunflowInputString": [*FIRST, "required", "choices"],
        "RunflowInputInt": NUMBER,
        "RunflowInputFloat": NUMBER,
        "RunflowInputBoolean": [*FIRST, "required"],
        "RunflowInputImage": [*FIRST, "required"],
        "RunflowInputFile": [*FIRST, "file_name", "required"],
    }


def test_the_widgets_of_outputs_are_saved_in_this_order() -> None:
    assert {name: [one.name for one in node.widgets] for name, node in OUTPUTS.items()} == {
        "RunflowOutputImage": ["output_id", "output_name"],
        "RunflowOutputFile": ["output_id", "output_name"],
    }


def test_savers_take_media_and_widgets_in_this_order() -> None:
    audio, video = "audio/ComfyUI", "video/ComfyUI"
    assert {name: definitions()[name]["input"] for name in SAVERS} == {
        "RunflowSaveAudioFlac": {
            "required": {"audio": ["AUDIO"], "filename_prefix": ["STRING", {"default": audio}]}
        },
        "RunflowSaveAudioMP3": {
            "required": {
                "audio": ["AUDIO"],
                "filename_prefix": ["STRING", {"default": audio}],
                "quality": [["V0", "128k", "320k"], {"default": "V0"}],
            }
        },
        "RunflowSaveAudioOpus": {
            "required": {
                "audio": ["AUDIO"],
                "filename_prefix": ["STRING", {"default": audio}],
                "quality": [["64k", "96k", "128k", "192k", "320k"], {"default": "128k"}],
            }
        },
        "RunflowSaveVideoMP4": {
            "required": {"video": ["VIDEO"], "filename_prefix": ["STRING", {"default": video}]}
        },
        "RunflowSaveVideoWEBM": {
            "required": {
                "images": ["IMAGE"],
                "filename_prefix": ["STRING", {"default": video}],
                "fps": ["FLOAT", {"default": 24.0, "min": 0.01, "max": 1000.0, "step": 0.01}],
                "codec": [["vp9", "av1"], {"default": "vp9"}],
                "crf": ["FLOAT", {"default": 32.0, "min": 0.0, "max": 63.0, "step": 1.0}],
            },
            "optional": {"audio": ["AUDIO"]},
        },
    }


def test_a_saver_is_an_output_node_that_hands_its_file_s_name_on() -> None:
    for name in SAVERS:
        shape = definitions()[name]
        assert (shape["output"], shape["output_node"]) == (["STRING"], True)
        assert shape["category"] == "Runflow/Save"


def test_the_default_ids_are_these() -> None:
    assert [node.default_id for node in (*INPUTS.values(), *OUTPUTS.values())] == [
        "string_input",
        "int_input",
        "float_input",
        "boolean_input",
        "image_input",
        "file_input",
        "image_output",
        "file_output",
    ]


def test_value_is_a_socket_and_optional_on_inputs() -> None:
    shapes = definitions()
    for name, node in INPUTS.items():
        assert shapes[name]["input"]["optional"]["value"] == [node.socket, {"forceInput": True}]
        assert shapes[name]["output"] == [node.socket]
    for name, output in OUTPUTS.items():
        assert shapes[name]["input"]["required"]["value"] == [output.socket, {"forceInput": True}]
        assert shapes[name]["output_node"] is True


def test_only_the_widgets_of_the_oldest_graphs_are_required() -> None:
    for name in INPUTS:
        assert list(definitions()[name]["input"]["required"]) == FIRST


@pytest.mark.parametrize(
    ("output_id", "stem"),
    [
        ("image_output", "image_output"),
        ("../../etc/passwd", "etc_passwd"),
        ("", "output"),
        ("../..", "output"),
        ("Bild für Ö", "Bild_f_r"),
        (".hidden", "hidden"),
    ],
)
def test_an_id_becomes_a_safe_file_name(output_id: str, stem: str) -> None:
    assert file_stem(output_id) == stem
