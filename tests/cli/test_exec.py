"""`runflow exec`, as it is typed: real files and pictures, and what is said when it goes wrong."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from runflow_build.cli.main import main

Capture = pytest.CaptureFixture[str]
Prompt = dict[str, Any]
RED, GREEN = 0xFF0000, 0x00FF00


def node(class_type: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    body = {"class_type": class_type, "inputs": inputs}
    return {**body, "_meta": {"title": title}} if title else body


def card(color: int = RED, prefix: str = "x", title: str = "A card", size: int = 8) -> Prompt:
    """A plain picture to a file."""
    return {
        "1": node("EmptyImage", width=size, height=size, batch_size=1, color=color),
        "2": node("SaveImage", title, images=["1", 0], filename_prefix=prefix),
    }


def copy(name: str = "photo.png") -> Prompt:
    """A picture from the input folder to a file."""
    return {
        "1": node("LoadImage", image=name),
        "2": node("SaveImage", "The copy", images=["1", 0], filename_prefix="copy"),
    }


def runflow_inputs() -> Prompt:
    """A picture and a colour of the caller's; the picture has the author's own beside it."""
    shown = {"display_name": "", "description": ""}
    return {
        "1": node("LoadImage", image="photo.png"),
        "2": node("RunflowInputImage", input_id="photo", value=["1", 0], **shown),
        "3": node("RunflowInputInt", input_id="colour", minimum="0", maximum="16777215", **shown),
        "4": node("EmptyImage", width=4, height=4, batch_size=1, color=["3", 0]),
        "5": node(
            "RunflowOutputImage", "Picture", output_id="picture", output_name="", value=["2", 0]
        ),
        "6": node(
            "RunflowOutputImage", "Colour", output_id="colour", output_name="", value=["4", 0]
        ),
    }


def runflow_inputs_and(image: str) -> Prompt:
    """The same, and a picture of the input folder that is saved as `own`."""
    prompt = runflow_inputs()
    prompt["3"]["inputs"]["value"] = 7
    prompt["7"] = node("LoadImage", image=image)
    prompt["8"] = node("SaveImage", images=["7", 0], filename_prefix="own")
    return prompt


def graph() -> dict[str, Any]:
    """The card as the editor saves it."""
    empty = {"id": 1, "type": "EmptyImage", "mode": 0, "inputs": []}
    empty |= {"outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]}
    empty |= {"widgets_values": [8, 8, 1, RED]}
    save = {"id": 2, "type": "SaveImage", "mode": 0, "outputs": [], "widgets_values": ["x"]}
    save |= {"inputs": [{"name": "images", "type": "IMAGE", "link": 1}]}
    return {"nodes": [empty, save], "links": [[1, 1, 0, 2, 0, "IMAGE"]], "version": 0.4}


def write(path: str, value: Any) -> str:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def paint(path: str, color: str, texts: Mapping[str, Any] | None = None) -> str:
    info = PngInfo()
    for name, value in (texts or {}).items():
        info.add_text(name, json.dumps(value))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), color).save(path, pnginfo=info)
    return path


def color_of(path: str | Path) -> int:
    with Image.open(path) as picture:
        red, green, blue = picture.convert("RGB").getpixel((0, 0))  # type: ignore[misc]
    return int(red) << 16 | int(green) << 8 | int(blue)


def files(folder: str = "output") -> list[str]:
    return sorted(path.as_posix() for path in Path(folder).rglob("*") if path.is_file())


def give_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- one prompt


def test_a_line_for_each_file_with_node_title_and_path(capsys: Capture) -> None:
    write("prompt.json", {**card(), "3": node("PreviewImage", images=["1", 0])})
    assert main(["exec", "prompt.json"]) == 0
    assert capsys.readouterr() == (
        "2\tA card\toutput/x_00001_.png\n3\tPreviewImage\toutput/ComfyUI_temp_00001_.png\n",
        "",
    )
    assert color_of("output/x_00001_.png") == RED


def test_a_graph_is_converted_first(capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["exec", "flow.json", "-o", "made"]) == 0
    assert capsys.readouterr() == ("2\tSave Image\tmade/x_00001_.png\n", "")


def test_definitions_are_those_of_convert(capsys: Capture) -> None:
    write("flow.json", graph())
    write("info.json", {"EmptyImage": {"input": {"required": {}}, "output": ["IMAGE"]}})
    assert main(["exec", "flow.json", "--definitions", "info.json"]) == 1
    told = capsys.readouterr().err
    assert "error prompt-invalid: the required input width is missing" in told
    assert main(["exec", "flow.json", "--definitions", "none.json"]) == 1
    assert "none.json: error file-missing" in capsys.readouterr().err


def test_a_prompt_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    give_stdin(monkeypatch, json.dumps(card()).encode())
    assert main(["exec", "-"]) == 0
    assert capsys.readouterr() == ("2\tA card\toutput/x_00001_.png\n", "")


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_of_a_picture_that_prompt_is_taken_which_made_it(suffix: str, capsys: Capture) -> None:
    texts = {"workflow": graph(), "prompt": card(GREEN)}
    if suffix == "png":
        paint("picture.png", "blue", texts)
    else:
        exif = Image.Exif()
        exif[0x010F] = "workflow:" + json.dumps(texts["workflow"])
        exif[0x0110] = "prompt:" + json.dumps(texts["prompt"])
        Image.new("RGB", (4, 4)).save("picture.webp", exif=exif)
    assert main(["exec", f"picture.{suffix}"]) == 0
    assert color_of("output/x_00001_.png") == GREEN


def test_a_picture_that_carries_the_graph_alone_is_good_enough() -> None:
    paint("picture.png", "blue", {"workflow": graph()})
    assert main(["exec", "picture.png"]) == 0
    assert color_of("output/x_00001_.png") == RED


def test_a_picture_without_either_says_so(capsys: Capture) -> None:
    paint("picture.png", "blue")
    assert main(["exec", "picture.png"]) == 1
    assert capsys.readouterr().err.startswith("picture.png: error picture-no-workflow: ")


def test_nothing_that_lies_there_is_overwritten() -> None:
    write("prompt.json", card())
    paint("output/x_00001_.png", "blue")
    assert main(["exec", "prompt.json"]) == 0
    assert color_of("output/x_00001_.png") == 0x0000FF
    assert color_of("output/x_00002_.png") == RED


def test_names_and_titles_in_any_script(capsys: Capture) -> None:
    name = write("äußere 海报.json", card(prefix="größe\\käse", title="保存\tここ"))
    assert main(["exec", name, "-o", "出力"]) == 0
    assert capsys.readouterr().out == ("2\t保存\\u0009ここ\t出力/größe/käse_00001_.png\n")
    assert files("出力") == ["出力/größe/käse_00001_.png"]


def test_json_has_the_size_and_digest_of_each_file(capsys: Capture) -> None:
    write("prompt.json", card())
    assert main(["exec", "prompt.json", "-o", "made", "--json"]) == 0
    data = Path("made/x_00001_.png").read_bytes()
    made = {
        "node": "2",
        "title": "A card",
        "class_type": "SaveImage",
        "path": "made/x_00001_.png",
        "content_type": "image/png",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert json.loads(capsys.readouterr().out) == {
        "prompts": [{"prompt": "prompt.json", "outputs": [made], "findings": []}]
    }


# -- several prompts


def test_files_of_several_prompts_lie_in_folders_of_their_own(capsys: Capture) -> None:
    write("red.json", card(RED))
    write("green.json", card(GREEN))
    assert main(["exec", "red.json", "green.json", "red.json"]) == 0
    assert capsys.readouterr().out == (
        "2\tA card\toutput/red/x_00001_.png\n2\tA card\toutput/green/x_00001_.png\n"
    )
    assert color_of("output/red/x_00001_.png") == RED
    assert color_of("output/green/x_00001_.png") == GREEN


def test_two_of_one_stem_do_not_share_a_folder() -> None:
    names = [write("a/card.json", card(RED)), write("b/Card.json", card(GREEN))]
    names.append(write("c/card-2.json", card(GREEN)))
    assert main(["exec", *names]) == 0
    assert files() == [
        "output/Card-2/x_00001_.png",
        "output/card-2-2/x_00001_.png",
        "output/card/x_00001_.png",
    ]


def test_one_that_fails_does_not_keep_the_others_from_it(capsys: Capture) -> None:
    names = ["gone.json", write("broken.json", "{"), write("empty.json", "")]
    names += [write("lost.json", copy("nothing.png")), write("card.json", card())]
    Path("folder.json").mkdir()
    assert main(["exec", *names, "folder.json"]) == 1
    told = capsys.readouterr()
    assert told.out == "2\tA card\toutput/card/x_00001_.png\n"
    assert [line for line in told.err.splitlines() if " error " in line] == [
        "gone.json: error file-missing: gone.json does not exist",
        "broken.json:1:2: error workflow-syntax: the JSON is cut off",
        "empty.json: error workflow-syntax: the file is empty",
        "lost.json: error prompt-invalid: there is no file 'nothing.png' in the input folder",
        "folder.json: error file-unreadable: folder.json cannot be read: it is a folder",
    ]


def test_json_tells_of_those_that_failed(capsys: Capture) -> None:
    names = [write("lost.json", copy("nothing.png")), write("card.json", card())]
    assert main(["exec", *names, "--json"]) == 1
    told = capsys.readouterr()
    lost, made = json.loads(told.out)["prompts"]
    assert (lost["prompt"], lost["outputs"]) == ("lost.json", [])
    (finding,) = lost["findings"]
    assert finding["code"] == "prompt-invalid"
    assert finding["where"] == {
        "file": "lost.json",
        "node": "1",
        "class_type": "LoadImage",
        "field": "image",
    }
    assert (len(made["outputs"]), made["findings"]) == (1, [])
    assert told.err == ""


def test_what_prompts_have_in_common_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from runflow_build.engines.embedded.execution import _Execution

    called: list[str] = []
    call = _Execution._call

    def counted(self: Any, step: Any) -> Any:
        called.append(step.class_type)
        return call(self, step)

    monkeypatch.setattr(_Execution, "_call", counted)
    names = [write("one.json", card(prefix="a")), write("two.json", card(prefix="b"))]
    assert main(["exec", *names]) == 0
    assert called == ["EmptyImage", "SaveImage", "SaveImage"]


# -- what only ComfyUI has


def test_a_prompt_that_needs_comfyui_says_so_before_anything_runs(capsys: Capture) -> None:
    prompt = {
        **card(),
        "3": node("KSampler", "The sampler", seed=1),
        "4": node("KSampler"),
        "5": node("VAEDecode"),
    }
    write("prompt.json", prompt)
    assert main(["exec", "prompt.json"]) == 1
    assert capsys.readouterr() == (
        "",
        "prompt.json: error engine-class-missing: this prompt needs ComfyUI: KSampler, VAEDecode\n"
        '  at        node 3 "The sampler" (KSampler)\n'
        "  at        node 4 (KSampler)\n"
        "  at        node 5 (VAEDecode)\n"
        "  fix       run it on ComfyUI, or take these nodes out\n",
    )
    assert not Path("output").exists()


def test_a_class_that_nobody_knows_is_told_once(capsys: Capture) -> None:
    flow = graph()
    flow["nodes"][0] |= {"type": "NobodyKnowsThis", "widgets_values": [1, 2]}
    write("flow.json", flow)
    assert main(["exec", "flow.json"]) == 1
    assert capsys.readouterr().err == (
        "flow.json: error engine-class-missing: this prompt needs ComfyUI: NobodyKnowsThis\n"
        "  at        node 1 (NobodyKnowsThis)\n"
        "  fix       run it on ComfyUI, or take these nodes out\n"
    )


def test_of_a_great_many_nodes_the_first_are_named(capsys: Capture) -> None:
    write("prompt.json", {str(number): node("KSampler") for number in range(5000)})
    assert main(["exec", "prompt.json"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 23
    assert told[-2] == "  at        4980 more nodes"


def test_a_package_that_a_value_needs_is_named(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runflow_build.engines.embedded import planning

    monkeypatch.setattr(planning, "installed", lambda package: False)
    scale = node("ImageScale", image=["1", 0], upscale_method="bicubic", width=4, height=4)
    scale["inputs"]["crop"] = "disabled"
    prompt = card()
    prompt["2"]["inputs"]["images"] = ["3", 0]
    write("prompt.json", {**prompt, "3": scale})
    assert main(["exec", "prompt.json"]) == 1
    assert capsys.readouterr().err == (
        "prompt.json: error engine-extra-missing: the embedded engine needs torch for ImageScale "
        "with upscale_method bicubic, which is not installed\n"
        "  at        node 3 (ImageScale)\n"
        "  fix       pip install 'runflow-build[embedded]', or run it on ComfyUI\n"
    )


# -- the input folder


def test_the_input_folder_is_the_one_beside_the_prompt() -> None:
    paint("project/input/photo.png", "red")
    paint("input/photo.png", "lime")
    assert main(["exec", write("project/prompt.json", copy())]) == 0
    assert color_of("output/copy_00001_.png") == RED


def test_else_it_is_the_projects() -> None:
    paint("input/photo.png", "lime")
    assert main(["exec", write("flows/prompt.json", copy())]) == 0
    assert main(["exec", "-C", "elsewhere", "flows/prompt.json"]) == 1
    paint("elsewhere/input/photo.png", "red")
    assert main(["exec", "-C", "elsewhere", "flows/prompt.json"]) == 0
    assert [color_of(path) for path in files()] == [GREEN, RED]


def test_or_the_one_that_is_named() -> None:
    paint("input/photo.png", "red")
    paint("assets/photo.png", "lime")
    assert main(["exec", write("prompt.json", copy()), "--input", "assets"]) == 0
    assert color_of("output/copy_00001_.png") == GREEN


def test_a_name_may_be_written_as_on_windows() -> None:
    paint("input/sub/photo.png", "red")
    assert main(["exec", write("prompt.json", copy("sub\\photo.png"))]) == 0


@pytest.mark.parametrize("name", ["..\\photo.png", "C:\\photo.png", "/etc/hostname", "../a.png"])
def test_no_name_leads_out_of_it(name: str, capsys: Capture) -> None:
    paint("photo.png", "red")
    paint("input/a.png", "red")
    assert main(["exec", write("prompt.json", copy(name))]) == 1
    assert "is not a path inside the input folder" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told_with_the_folder(capsys: Capture) -> None:
    assert main(["exec", write("prompt.json", copy())]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "prompt.json: error prompt-invalid: there is no file 'photo.png' in the input folder",
        "  at        node 1 (LoadImage), field image",
        "  kind      custom_validation_failed",
        "  input     input, which does not exist",
        "  fix       put it there, or correct the name",
    ]


def test_an_input_folder_that_is_none_is_wrong_use(capsys: Capture) -> None:
    write("prompt.json", card())
    assert main(["exec", "prompt.json", "--input", "prompt.json"]) == 2
    assert capsys.readouterr().err.startswith(
        "error file-missing: the input folder prompt.json is not there, or is no folder\n"
    )


# -- the output folder


@pytest.mark.parametrize("where", ["file", "file/below/it"])
def test_an_output_folder_that_cannot_be_one_is_wrong_use(where: str, capsys: Capture) -> None:
    write("file", "mine")
    assert main(["exec", write("prompt.json", card()), "-o", where]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error output-clash: ")
    assert told.err.splitlines()[0].endswith("file is no folder")
    assert Path("file").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_may_not_be_written_is_told_before_the_work(capsys: Capture) -> None:
    Path("output").mkdir(mode=0o500)
    assert main(["exec", write("prompt.json", card())]) == 1
    assert capsys.readouterr().err.startswith(
        "error file-not-written: nothing can be written in output\n"
    )


@pytest.mark.parametrize("prefix", ["../x", "/tmp/x", "C:\\x"])
def test_no_prefix_leads_out_of_it(prefix: str, capsys: Capture) -> None:
    assert main(["exec", write("prompt.json", card(prefix=prefix)), "-o", "a/b"]) == 1
    assert "is not a path inside the output folder" in capsys.readouterr().err
    assert files(".") == ["prompt.json"]


def test_a_link_to_a_folder_is_that_folder_under_its_own_name(capsys: Capture) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real", target_is_directory=True)
    assert main(["exec", write("prompt.json", card()), "-o", "link"]) == 0
    assert capsys.readouterr().out == "2\tA card\tlink/x_00001_.png\n"


# -- values


def test_values_go_into_runflow_inputs() -> None:
    paint("input/photo.png", "red")
    paint("pictures/other.png", "lime")
    write("prompt.json", runflow_inputs())
    given = ["-i", "photo=@pictures/other.png", "-i", f"colour={0x0000FF}"]
    assert main(["exec", "prompt.json", *given]) == 0
    assert color_of("output/picture_00001_.png") == GREEN
    assert color_of("output/colour_00001_.png") == 0x0000FF
    assert files("input") == ["input/photo.png"]


def test_what_the_author_wired_counts_where_nothing_is_given() -> None:
    paint("input/photo.png", "red")
    write("prompt.json", runflow_inputs())
    assert main(["exec", "prompt.json", "-i", "colour=1"]) == 0
    assert color_of("output/picture_00001_.png") == RED


def test_given_files_and_those_of_the_input_folder_meet() -> None:
    paint("input/sub/photo.png", "red")
    paint("given.png", "lime")
    write("prompt.json", runflow_inputs_and("sub\\photo.png [input]"))
    assert main(["exec", "prompt.json", "-i", "photo=@given.png"]) == 0
    assert color_of("output/picture_00001_.png") == GREEN
    assert color_of("output/own_00001_.png") == RED


def test_a_file_goes_by_its_name_in_the_input_folder_where_it_has_one() -> None:
    paint("input/sub/photo.png", "red")
    paint("other.png", "red")
    prompt = card()
    prompt["2"]["inputs"]["filename_prefix"] = ["3", 0]
    prompt["3"] = node("RunflowInputFile", input_id="file", display_name="", description="")
    write("prompt.json", prompt)
    assert main(["exec", "prompt.json", "-i", "file=@input/sub/photo.png"]) == 0
    assert main(["exec", "prompt.json", "-i", "file=@other.png"]) == 0
    assert files() == ["output/other.png_00001_.png", "output/sub/photo.png_00001_.png"]


def test_given_files_of_one_name_are_two_files() -> None:
    paint("input/photo.png", "red")
    paint("given/photo.png", "lime")
    write("prompt.json", runflow_inputs_and("photo.png"))
    assert main(["exec", "prompt.json", "-i", "photo=@given/photo.png"]) == 0
    assert color_of("output/picture_00001_.png") == GREEN
    assert color_of("output/own_00001_.png") == RED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "error input-missing: `colour` is required"),
        (["colour=red"], "error input-wrong-type: `colour` must be a whole number, not text"),
        (["colour=-1"], "error input-out-of-range: `colour` must be at least 0"),
        (["colour=1", "color=1"], "error input-unknown: there is no input `color`; did you mean "),
        (["colour=1", "photo=photo.png"], "error input-wrong-type: `photo` takes an image, not "),
        (["colour=1", "photo=@no.png"], "error input-file-missing: the file for `photo` is not "),
    ],
)
def test_a_value_that_does_not_fit_is_named(given: list[str], said: str, capsys: Capture) -> None:
    paint("input/photo.png", "red")
    write("prompt.json", runflow_inputs())
    argv = [word for pair in given for word in ("-i", pair)]
    assert main(["exec", "prompt.json", *argv]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert told.count(" error ") == 1
    assert not Path("output").exists()


def test_a_value_that_is_none_is_wrong_use(capsys: Capture) -> None:
    assert main(["exec", write("prompt.json", card()), "-i", "colour"]) == 2
    assert "error input-malformed: the input `colour` is not of the form KEY=VALUE" in (
        capsys.readouterr().err
    )


# -- what is drawn


def drawing() -> Prompt:
    """A text with choices, drawn at each run, as the prefix of a file."""
    text = "{" + "|".join(f"c{number}" for number in range(50)) + "}"
    prompt = card()
    prompt["2"]["inputs"]["filename_prefix"] = ["3", 0]
    prompt["3"] = node("PrimitiveString", value=text)
    prompt["3"]["_meta"] = {"drawn": {"value": "choice"}}
    return prompt


def test_choices_are_drawn_anew_or_from_a_seed() -> None:
    write("prompt.json", drawing())
    for number in range(6):
        assert main(["exec", "prompt.json", "-o", f"anew{number}"]) == 0
        assert main(["exec", "prompt.json", "-o", f"seed{number}", "--seed", "s"]) == 0
    names = {number: files(f"anew{number}")[0].partition("/")[2] for number in range(6)}
    seeded = {files(f"seed{number}")[0].partition("/")[2] for number in range(6)}
    assert len(set(names.values())) > 1
    assert len(seeded) == 1


def test_a_graphs_choices_are_drawn_and_nobody_warned(capsys: Capture) -> None:
    flow = graph()
    flow["nodes"][1]["widgets_values"] = ["%date:yyyy%"]
    write("flow.json", flow)
    assert main(["exec", "flow.json"]) == 0
    assert capsys.readouterr() == (
        f"2\tSave Image\toutput/{time.localtime().tm_year}_00001_.png\n",
        "",
    )


# -- limits


def test_a_prompt_that_takes_too_long_ends(capsys: Capture) -> None:
    write("prompt.json", chain(3000))
    assert main(["exec", "prompt.json", "--time-limit", "0.001"]) == 1
    assert "error engine-time-limit: the run took longer than 0.001 s" in capsys.readouterr().err
    assert not Path("output").exists()


def test_a_prompt_that_takes_too_much_memory_ends(capsys: Capture) -> None:
    write("prompt.json", card(size=1024))
    assert main(["exec", "prompt.json", "--memory-limit", "0.01"]) == 1
    assert "error node-failed: " in capsys.readouterr().err
    assert main(["exec", "prompt.json", "--memory-limit", "0.1"]) == 0


@pytest.mark.parametrize("option", ["--time-limit", "--memory-limit"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_a_limit_is_a_number_greater_than_nothing(option: str, value: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["exec", "prompt.json", f"{option}={value}"])
    assert stop.value.code == 2
    assert "a number greater than 0" in capsys.readouterr().err


def chain(count: int) -> Prompt:
    """That many nodes, one behind the other."""
    prompt = {"0": node("EmptyImage", width=8, height=8, batch_size=1, color=RED)}
    for number in range(1, count - 1):
        prompt[str(number)] = node("ImageInvert", image=[str(number - 1), 0])
    last = str(count - 2)
    return {**prompt, "end": node("SaveImage", images=[last, 0], filename_prefix="x")}


def test_a_prompt_of_thousands_of_nodes(capsys: Capture) -> None:
    write("prompt.json", chain(5000))
    assert main(["exec", "prompt.json"]) == 0
    assert color_of("output/x_00001_.png") == RED


# -- as a process


def process(*argv: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runflow_build", "exec", *argv]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, encoding="utf-8", **pipes, **options)


def test_a_whole_process(tmp_path: Path) -> None:
    write("prompt.json", card())
    with process("prompt.json", "-", stdin=subprocess.PIPE) as run:
        out, err = run.communicate(json.dumps(card(GREEN, title="Größe")), timeout=60)
    assert (run.returncode, err) == (0, "")
    assert out.splitlines()[0] == "2\tA card\toutput/prompt/x_00001_.png"
    assert color_of("output/stdin/x_00001_.png") == GREEN


# A node that is told when it has begun and waits; the rest is the real command.
SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from runflow_build.engines.embedded import nodes
from runflow_build.engines.embedded.node_class import NodeClass, Result

def slow(run, image):
    Path("begun").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return Result((image,))

nodes.CLASSES["ImageInvert"] = NodeClass(slow)
from runflow_build.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="a signal to one process")
@pytest.mark.parametrize("times", [1, 2])
def test_control_c_ends_the_work_between_nodes_and_twice_at_once(times: int) -> None:
    prompt = chain(3)
    prompt["first"] = node("SaveImage", images=["0", 0], filename_prefix="first")
    names = [write("a.json", {"first": prompt.pop("first"), **prompt}), write("b.json", card())]
    command = [sys.executable, "-c", SLOW, "exec", *names]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as run:
        deadline = time.monotonic() + 60
        while not Path("begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert run.poll() is None
        if times == 1:
            Path("go").touch()
        else:
            run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, "", "interrupted\n")
    # What was whole before stays; nothing else is there, and no later prompt was begun.
    assert files() == ["output/a/first_00001_.png"]


def test_the_former_handler_of_control_c_is_back() -> None:
    assert threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    assert main(["exec", write("prompt.json", card())]) == 0
    assert signal.getsignal(signal.SIGINT) is before


def loaded(*argv: str, without: str = "") -> tuple[set[str], str]:
    """The modules that the command brings into memory, and what it says."""
    probe = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({without.split()!r}))\n"
        "from runflow_build.cli.main import main\n"
        "try:\n"
        f"    main({list(argv)!r})\n"
        "finally:\n"
        "    names = {name.split('.')[0] for name, one in sys.modules.items() if one}\n"
        "    print('\\n' + ' '.join(names))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split()), done.stderr


def test_it_loads_what_the_prompt_needs_and_no_more() -> None:
    modules, err = loaded("exec", write("prompt.json", card()))
    assert err == ""
    heavy = {"av", "doit", "fastapi", "httpx", "pydantic", "rich", "sqlalchemy", "torch", "yaml"}
    assert modules & heavy == set()
    modules, _ = loaded("exec", "--help")
    assert modules & {*heavy, "numpy", "PIL"} == set()


@pytest.mark.parametrize(("module", "package"), [("numpy", "numpy"), ("PIL", "Pillow")])
def test_without_its_packages_it_names_the_one_that_lacks(module: str, package: str) -> None:
    _, err = loaded("exec", write("prompt.json", card()), without=module)
    assert err.splitlines()[0] == (
        f"error engine-extra-missing: the embedded engine needs {package}, which is not installed"
    )


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal to look at")
def test_a_terminal_sees_which_node_is_at_work_and_a_pipe_does_not() -> None:
    write("prompt.json", card(title="Save [it] 大"))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "runflow_build", "exec", "prompt.json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=60)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert done.stdout == "2\tSave [it] 大\toutput/x_00001_.png\n"
    assert "/2  Save [it] 大" in seen.decode()
