from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes import CLASSES
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]


def value_of(class_type: str, run: Run, **inputs: Any) -> Any:
    return CLASSES[class_type].function(run, input_id="x", **inputs).values[0]


@pytest.mark.parametrize(
    ("class_type", "value", "empty"),
    [
        ("RunflowInputString", "a", ""),
        ("RunflowInputInt", 7, 0),
        ("RunflowInputFloat", 0.5, 0.0),
        ("RunflowInputBoolean", True, False),
        ("RunflowInputFile", "a.bin", ""),
    ],
)
def test_an_input_hands_its_value_on(class_type: str, value: Any, empty: Any, run: Run) -> None:
    assert value_of(class_type, run, value=value, display_name="X") == value
    assert value_of(class_type, run, required=False) == empty
    with pytest.raises(NodeError, match=r"^the input 'x' has no value$"):
        value_of(class_type, run)


def test_false_and_0_are_values(run: Run) -> None:
    assert value_of("RunflowInputBoolean", run, value=False) is False
    assert value_of("RunflowInputInt", run, value=0) == 0


def test_a_file_input_falls_back_on_the_file_that_was_chosen(run: Run) -> None:
    assert value_of("RunflowInputFile", run, value="", file_name="chosen.bin") == "chosen.bin"
    assert value_of("RunflowInputFile", run, value="given.bin", file_name="chosen.bin") == (
        "given.bin"
    )


def test_an_image_input_without_a_picture_names_itself(
    refusal: Callable[[Prompt], str], node: Node
) -> None:
    inputs = {"input_id": "photo", "display_name": "", "description": "", "required": False}
    prompt = {
        "1": node("RunflowInputImage", **inputs),
        "2": node("PreviewImage", images=["1", 0]),
    }
    assert refusal(prompt) == (
        "error node-failed: the input 'photo' has no value\n"
        "  at        node 1 (RunflowInputImage)\n"
        "  fix       give it one, or link a default"
    )


def test_values_of_a_request_reach_the_picture(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    texts = {"display_name": "", "description": ""}
    prompt = {
        "1": node("RunflowInputInt", input_id="width", value=6, **texts),
        "2": node("EmptyImage", width=["1", 0], height=2, batch_size=2, color=0xFF0000),
        "3": node("RunflowOutputImage", output_id="The poster!", output_name="", value=["2", 0]),
    }
    files = engine.execute(prompt, folders)
    assert [one.path.name for one in files] == [
        "The_poster_00001_.png",
        "The_poster_00002_.png",
    ]
    with Image.open(files[0].path) as picture:
        assert picture.size == (6, 2)
        assert picture.getpixel((5, 1)) == (255, 0, 0)


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
