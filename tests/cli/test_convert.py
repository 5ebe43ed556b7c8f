"""`runflow convert`, as it is typed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from runflow_build.cli.main import main


def graph(width: int = 64, title: str = "A square") -> dict[str, Any]:
    """EmptyImage -> SaveImage, as the editor saves it."""
    empty = {
        "id": 1,
        "type": "EmptyImage",
        "title": title,
        "mode": 0,
        "inputs": [],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
        "widgets_values": [width, 64, 1, 0],
    }
    save = {
        "id": 2,
        "type": "SaveImage",
        "mode": 0,
        "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
        "outputs": [],
        "widgets_values": ["x"],
    }
    return {"nodes": [empty, save], "links": [[1, 1, 0, 2, 0, "IMAGE"]], "version": 0.4}


def prompt(width: float = 64, title: str = "A square") -> dict[str, Any]:
    """What the editor makes of it."""
    inputs = {"width": width, "height": 64, "batch_size": 1, "color": 0}
    return {
        "1": {"inputs": inputs, "class_type": "EmptyImage", "_meta": {"title": title}},
        "2": {
            "inputs": {"filename_prefix": "x", "images": ["1", 0]},
            "class_type": "SaveImage",
            "_meta": {"title": "Save Image"},
        },
    }


def exported(value: Any) -> str:
    """The text that ComfyUI exports."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write(path: str, value: Any) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return file


def picture(path: str, **texts: Any) -> None:
    info = PngInfo()
    for name, value in texts.items():
        info.add_text(name, json.dumps(value))
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)


def files() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


Capture = pytest.CaptureFixture[str]


# -- one workflow


def test_the_prompt_of_a_graph_goes_to_standard_output(capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["convert", "flow.json"]) == 0
    assert capsys.readouterr() == (exported(prompt()), "")


def test_a_prompt_is_itself(capsys: Capture) -> None:
    write("prompt.json", prompt(64.0))
    assert main(["convert", "prompt.json"]) == 0
    assert capsys.readouterr().out == exported(prompt(64))


def test_a_graph_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(graph()).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["convert", "-"]) == 0
    assert capsys.readouterr() == (exported(prompt()), "")


def test_what_is_wrong_with_standard_input_is_told_as_that(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1,")))
    assert main(["convert", "-"]) == 1
    assert capsys.readouterr().err.startswith("<stdin>:1:4: error workflow-syntax: ")


def unknown_class(**more: Any) -> dict[str, Any]:
    value = graph()
    value["nodes"][0].update({"type": "NobodyKnowsThis", "widgets_values": [64], **more})
    return value


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs an endless file")
def test_standard_input_is_not_read_without_end(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = io.TextIOWrapper(io.BufferedReader(io.FileIO("/dev/zero")))
    monkeypatch.setattr(sys, "stdin", endless)
    assert main(["convert", "-"]) == 1
    assert "<stdin>: error file-too-large: " in capsys.readouterr().err
    endless.close()


def test_findings_go_to_standard_error_and_the_prompt_is_still_one(capsys: Capture) -> None:
    width = {"name": "width", "type": "INT", "widget": {"name": "width"}, "link": None}
    write("flow.json", unknown_class(inputs=[width]))
    assert main(["convert", "flow.json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["1"]["inputs"] == {"width": 64}
    assert told.err.startswith("flow.json: warning node-class-unknown: ")


def test_an_error_is_exit_1_though_there_is_a_prompt(capsys: Capture) -> None:
    write("flow.json", unknown_class())
    assert main(["convert", "flow.json", "-o", "prompt.json"]) == 1
    told = capsys.readouterr()
    assert told.out == "prompt.json\n"
    assert told.err.startswith("flow.json: error node-values-unnamed: ")
    assert json.loads(Path("prompt.json").read_text())["1"]["class_type"] == "NobodyKnowsThis"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_the_prompt_is_utf_8_whatever_the_terminal_is(encoding: str, folder: Path) -> None:
    write("flow.json", graph(title="Größe 中😀"))
    done = subprocess.run(
        [sys.executable, "-m", "runflow_build", "convert", "flow.json"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.stdout == exported(prompt(title="Größe 中😀")).encode("utf-8")


@pytest.mark.parametrize(
    ("output", "file"),
    [
        ("prompt.json", "prompt.json"),
        ("new/prompt.json", "new/prompt.json"),
        ("prompts", "prompts/flow.json"),
        ("new/prompts.d/", "new/prompts.d/flow.json"),
        ("there.d", "there.d/flow.json"),
        ("there", "there"),
    ],
)
def test_the_prompt_goes_to_a_file_or_into_a_folder(
    output: str, file: str, capsys: Capture
) -> None:
    write("flow.json", graph())
    Path("there.d").mkdir()
    write("there", "an older prompt")
    assert main(["convert", "flow.json", "-o", output]) == 0
    assert capsys.readouterr() == (f"{file}\n", "")
    assert Path(file).read_bytes() == exported(prompt()).encode()


def test_a_link_is_followed_as_by_the_shell(capsys: Capture) -> None:
    write("flow.json", graph())
    write("real.json", "old")
    Path("link.json").symlink_to("real.json")
    assert main(["convert", "flow.json", "-o", "link.json"]) == 0
    assert Path("link.json").is_symlink()
    assert Path("real.json").read_text(encoding="utf-8") == exported(prompt())


# -- pictures


def test_a_picture_gives_the_prompt_of_its_graph(capsys: Capture) -> None:
    picture("p.png", workflow=graph(64), prompt=prompt(32))
    assert main(["convert", "p.png"]) == 0
    assert capsys.readouterr() == (exported(prompt(64)), "")


def test_the_prompt_that_was_executed_can_be_had_instead(capsys: Capture) -> None:
    picture("p.png", workflow=graph(64), prompt=prompt(32))
    assert main(["convert", "p.png", "--executed"]) == 0
    assert capsys.readouterr().out == exported(prompt(32))


def test_a_picture_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    picture("p.png", workflow=graph())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("p.png").read_bytes())))
    assert main(["convert", "-"]) == 0
    assert capsys.readouterr().out == exported(prompt())


def test_a_picture_shows_whether_the_graph_converts_to_what_was_executed(capsys: Capture) -> None:
    picture("p.png", workflow=graph(64), prompt=prompt(64))
    picture("q.png", workflow=graph(64), prompt=prompt(32))
    assert main(["convert", "p.png", "--check", "p.png"]) == 0
    assert main(["convert", "q.png", "--check", "q.png"]) == 1
    assert "  width     64 here, 32 there\n" in capsys.readouterr().out


# -- many


def test_many_go_into_a_folder_by_their_stems(capsys: Capture) -> None:
    write("a/one.json", graph(1))
    write("b/two.flow.json", graph(2))
    picture("three.png", workflow=graph(3))
    argv = ["a/one.json", "b/two.flow.json", "three.png", "-o", "out"]
    assert main(["convert", *argv]) == 0
    assert capsys.readouterr().out == "out/one.json\nout/two.flow.json\nout/three.json\n"
    widths = [
        json.loads(path.read_text())["1"]["inputs"]["width"]
        for path in map(Path, files())
        if path.parts[0] == "out"
    ]
    assert sorted(widths) == [1, 2, 3]


def test_one_that_fails_does_not_keep_the_others_from_it(capsys: Capture) -> None:
    write("one.json", graph(1))
    write("cut.json", '{"nodes": [')
    write("two.json", graph(2))
    write("out/cut.json", "an older prompt")
    assert main(["convert", "one.json", "cut.json", "gone.json", "two.json", "-o", "out"]) == 1
    told = capsys.readouterr()
    assert told.out == "out/one.json\nout/two.json\n"
    assert "cut.json:1:12: error workflow-syntax" in told.err
    assert "gone.json: error file-missing" in told.err
    assert Path("out/cut.json").read_text() == "an older prompt"


@pytest.mark.parametrize(
    "argv",
    [
        ["a/flow.json", "b/flow.json", "-o", "out"],
        ["a/flow.json", "a/flow.png", "-o", "out"],
        ["a/flow.json", "b/Flow.json", "-o", "out"],
    ],
)
def test_two_for_one_file_are_refused_before_anything_is_written(
    argv: list[str], capsys: Capture
) -> None:
    for path in argv[:2]:
        write(path, graph())
    before = files()
    assert main(["convert", *argv]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{argv[1]}: error output-clash: its prompt and that of {argv[0]} would")
    assert files() == before


@pytest.mark.parametrize(
    "argv",
    [
        ["flow.json", "-o", "flow.json"],
        ["flow.json", "-o", "."],
        ["flow.json", "-o", "link.json"],
        ["flow.png", "-o", "."],
    ],
)
def test_no_workflow_is_replaced_by_a_prompt(argv: list[str], capsys: Capture) -> None:
    write("flow.json", graph())
    Path("link.json").symlink_to("flow.json")
    picture("flow.png", workflow=graph())
    names = ["flow.json", *argv] if argv[0] == "flow.png" else argv
    assert main(["convert", *names]) == 2
    assert "error output-clash: the prompt would replace the workflow" in capsys.readouterr().err
    assert json.loads(Path("flow.json").read_text()) == graph()


def test_the_same_workflow_twice_is_one(capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["convert", "flow.json", "flow.json"]) == 0
    assert capsys.readouterr().out == exported(prompt())


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_a_device_is_not_replaced(capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["convert", "flow.json", "-o", "/dev/null"]) == 2
    assert "/dev/null is no regular file" in capsys.readouterr().err
    assert not Path("/dev/null").is_file()


def test_a_full_disk_leaves_all_as_it_was(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    write("one.json", graph(1))
    write("two.json", graph(2))
    write("out/one.json", "an older prompt")

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    before = files()
    assert main(["convert", "one.json", "two.json", "-o", "out"]) == 1
    told = capsys.readouterr()
    assert "error file-not-written" in told.err
    assert told.out == ""
    assert files() == before
    assert Path("out/one.json").read_text() == "an older prompt"


# -- check


def test_the_same_is_exit_0(capsys: Capture) -> None:
    write("flow.json", graph())
    other = prompt(64.0, title="Another title")
    write("prompt.json", {name: other[name] for name in reversed(other)})
    assert main(["convert", "flow.json", "--check", "prompt.json"]) == 0
    assert capsys.readouterr() == ("flow.json: the same as prompt.json\n", "")


def test_a_difference_is_exit_1_and_named_with_id_and_title(capsys: Capture) -> None:
    write("flow.json", graph())
    write("prompt.json", {**prompt(32), "7": {"class_type": "Gone", "inputs": {}}})
    assert main(["convert", "flow.json", "--check", "prompt.json"]) == 1
    assert capsys.readouterr() == (
        "flow.json: error prompt-differs: node 1 differs from prompt.json\n"
        '  at        node 1 "A square" (EmptyImage)\n'
        "  width     64 here, 32 there\n"
        "flow.json: error prompt-differs: node 7 is in prompt.json alone\n"
        "  at        node 7 (Gone)\n",
        "",
    )


def test_many_are_compared_with_the_files_that_many_are_written_to(capsys: Capture) -> None:
    write("a/one.json", graph(1))
    write("a/two.json", graph(2))
    write("a/three.json", graph(3))
    assert main(["convert", "a/one.json", "a/two.json", "-o", "out"]) == 0
    write("out/two.json", prompt(22))
    capsys.readouterr()
    assert (
        main(["convert", *(f"a/{one}.json" for one in ("one", "two", "three")), "--check", "out"])
        == 1
    )
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "a/one.json: the same as out/one.json"
    assert told[1] == "a/two.json: error prompt-differs: node 1 differs from out/two.json"
    assert told[4].startswith("out/three.json: error file-missing")


def test_a_workflow_that_fails_is_exit_1_though_the_others_are_the_same(capsys: Capture) -> None:
    write("one.json", graph())
    write("cut.json", "{")
    write("out/one.json", prompt())
    assert main(["convert", "one.json", "cut.json", "--check", "out"]) == 1
    told = capsys.readouterr()
    assert told.out == "one.json: the same as out/one.json\n"
    assert "cut.json:1:2: error workflow-syntax" in told.err


def test_a_graph_is_nothing_to_compare_with(capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["convert", "flow.json", "--check", "flow.json"]) == 1
    assert "error prompt-expected: flow.json is an editor graph" in capsys.readouterr().out


# -- definitions


def definitions(title: str) -> dict[str, Any]:
    """EmptyImage with one widget of this name."""
    inputs = {"required": {title: ["INT", {}]}}
    return {"EmptyImage": {"input": inputs, "output": ["IMAGE"]}}


def first_widget(capsys: Capture, *argv: str) -> str:
    assert main(["convert", *argv]) == 0
    return next(iter(json.loads(capsys.readouterr().out)["1"]["inputs"]))


def test_the_definitions_of_a_file_go_first(capsys: Capture) -> None:
    write("flows/flow.json", graph())
    assert first_widget(capsys, "flows/flow.json") == "width"
    write("runflow.definitions.json", definitions("project"))
    assert first_widget(capsys, "flows/flow.json") == "project"
    write("flows/runflow.definitions.json", definitions("beside"))
    assert first_widget(capsys, "flows/flow.json") == "beside"
    write("object_info.json", definitions("named"))
    argv = ["flows/flow.json", "--definitions", "object_info.json"]
    assert first_widget(capsys, *argv) == "named"


def test_the_project_can_be_another_folder(capsys: Capture) -> None:
    write("flow.json", graph())
    write("project/runflow.definitions.json", definitions("project"))
    assert first_widget(capsys, "flow.json", "-C", "project") == "project"


def test_definitions_that_are_none_are_an_error(capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["convert", "flow.json", "--definitions", "flow.json"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("flow.json: error definitions-malformed: ")


@pytest.mark.parametrize("version", ["0.8.0", "v0.8.0"])
def test_the_version_of_comfyui_can_be_chosen(version: str, capsys: Capture) -> None:
    write("flow.json", graph())
    assert main(["convert", "flow.json", "--comfyui", version]) == 0
    assert capsys.readouterr().out == exported(prompt())


@pytest.mark.parametrize("version", ["0.8", "newest", "v1.2.3-rc1", ""])
def test_what_is_no_version_is_wrong_use(version: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["convert", "flow.json", "--comfyui", version])
    assert stop.value.code == 2
    assert "a version of ComfyUI is like 0.8.0" in capsys.readouterr().err


# -- options that contradict each other


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["a.json", "b.json"], "2 prompts do not fit on standard output"),
        (["a.json", "b.json", "-o", "out.json"], "out.json is one file, and there are 2 workflows"),
        (["a.json", "-o", "p.json", "--check", "q.json"], "--check writes nothing"),
        (["a.json", "b.json", "--check", "q.json"], "--check names one prompt, and there are 2"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(argv: list[str], message: str, capsys: Capture) -> None:
    assert main(["convert", *argv]) == 2
    assert message in capsys.readouterr().err


# -- for programs


def told_json(capsys: Capture, *argv: str, code: int = 0) -> Any:
    assert main(["convert", *argv, "--json"]) == code
    told = capsys.readouterr()
    assert told.err == ""
    return json.loads(told.out)


def test_json_holds_the_prompts_and_the_findings(capsys: Capture) -> None:
    write("one.json", graph(1))
    write("cut.json", "{")
    told = told_json(capsys, "one.json", "cut.json", code=1)
    assert told["prompts"] == {"one.json": prompt(1)}
    (finding,) = told["findings"]
    assert (finding["code"], finding["where"]["file"]) == ("workflow-syntax", "cut.json")


def test_json_names_what_was_written(capsys: Capture) -> None:
    write("one.json", graph(1))
    told = told_json(capsys, "one.json", "-o", "out")
    assert told == {"written": ["out/one.json"], "findings": []}


def test_json_tells_what_was_compared(capsys: Capture) -> None:
    write("one.json", graph(1))
    write("two.json", graph(2))
    write("out/one.json", prompt(1))
    write("out/two.json", prompt(22))
    told = told_json(capsys, "one.json", "two.json", "--check", "out", code=1)
    assert told["checks"] == [
        {"workflow": "one.json", "prompt": "out/one.json", "same": True},
        {"workflow": "two.json", "prompt": "out/two.json", "same": False},
    ]
    (finding,) = told["findings"]
    assert finding["where"] == {
        "file": "two.json",
        "node": "1",
        "title": "A square",
        "class_type": "EmptyImage",
    }
    assert finding["also"] == [{"label": "width", "text": "2 here, 22 there"}]


def test_wrong_use_is_json_too(capsys: Capture) -> None:
    told = told_json(capsys, "a.json", "-o", "p.json", "--check", "q.json", code=2)
    assert [one["code"] for one in told["findings"]] == ["options-conflict"]
