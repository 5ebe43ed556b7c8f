"""Names and order are in users' saved graphs, so they are written out here once more."""

from __future__ import annotations

import pytest

from runflow_build.workflow.runflow_nodes import INPUTS, OUTPUTS, definitions, file_stem

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


def test_a_file_output_hands_out_a_file_of_the_output_folder(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    (folders.output / "sub").mkdir()
    (folders.output / "sub" / "a.txt").write_text("a", encoding="utf-8")
    output = node("RunflowOutputFile", output_id="file", output_name="", value=["2", 0])
    prompt = {"1": output, "2": node("PrimitiveString", value="sub/a.txt")}
    (file,) = engine.execute(prompt, folders)
    assert file.content_type == "text/plain"
    assert file.path.samefile(folders.output / "sub" / "a.txt")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "../input/secret",
            "the file name '../input/secret' is not a path inside the output folder",
        ),
        ("none.txt", "there is no file 'none.txt' in the output folder"),
    ],
)
def test_a_file_output_stays_in_the_output_folder(name: str, message: str, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        CLASSES["RunflowOutputFile"].function(run, value=name)
    assert str(caught.value) == message
