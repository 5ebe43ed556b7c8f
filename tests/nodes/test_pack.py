"""The checkout as ComfyUI loads it: by path, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runflow_build.workflow.runflow_nodes import SAVERS

CHECKOUT = Path(__file__).parent.parent.parent
PARTS = ("__init__.py", "nodes", "runflow_build")

# As ComfyUI 0.8.0 (nodes.py, load_custom_node at 3cd7b32f), with the modules that nodes use at run
# time in place: what they do is ComfyUI's affair, and the test that starts a real one covers it.
LOADER = """
import importlib.util, json, sys, os
folder = sys.argv[1]
name = folder.replace(".", "_x_")
spec = importlib.util.spec_from_file_location(name, os.path.join(folder, "__init__.py"))
pack = importlib.util.module_from_spec(spec)
sys.modules[name] = pack
spec.loader.exec_module(pack)
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A clone of the parts that are the node pack, below a custom_nodes folder with a dot."""
    folder = tmp_path / "Comfy.UI" / "custom_nodes" / "runflow-build"
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)
    return folder


def run(code: str, *arguments: object, cwd: Path | None = None) -> str:
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(pack: Path, then: str) -> object:
    """What `then` puts into `answer`, in a process that has loaded the pack."""
    # Not the installed package: the pack must do with its own copy.
    return json.loads(run(LOADER + then + "\nprint(json.dumps(answer))", pack, cwd=pack.parent))


def test_it_exports_our_classes_with_their_names(pack: Path) -> None:
    assert loaded(pack, "answer = pack.NODE_DISPLAY_NAME_MAPPINGS") == {
        "RunflowInputString": "Runflow Input String",
        "RunflowInputInt": "Runflow Input Int",
        "RunflowInputFloat": "Runflow Input Float",
        "RunflowInputBoolean": "Runflow Input Boolean",
        "RunflowInputImage": "Runflow Input Image",
        "RunflowInputFile": "Runflow Input File",
        "RunflowOutputImage": "Runflow Output Image",
        "RunflowOutputFile": "Runflow Output File",
        "RunflowDeploy": "Runflow Deploy",
        # One needs a part of ComfyUI that is not there in this process.
        **{
            name: saver.display_name
            for name, saver in SAVERS.items()
            if name != "RunflowSaveVideoMP4"
        },
    }


def test_every_class_has_what_comfyui_asks_of_a_node(pack: Path) -> None:
    answer = loaded(
        pack,
        "answer = [[c.CATEGORY, hasattr(c, c.FUNCTION), list(c.INPUT_TYPES())]"
        " for c in pack.NODE_CLASS_MAPPINGS.values()]",
    )
    assert isinstance(answer, list)
    assert {category for category, *_ in answer} == {"Runflow", "Runflow/Save"}
    assert all(has_function for _, has_function, _ in answer)


def test_nothing_of_it_is_loaded_under_a_second_name_and_nothing_heavy(pack: Path) -> None:
    modules = loaded(pack, "answer = sorted(sys.modules)")
    assert isinstance(modules, list)
    assert not {"nodes", "runflow_build"} & set(modules)
    heavy = {"pydantic", "numpy", "PIL", "httpx", "yaml", "torch", "av"}
    assert not heavy & set(modules)


def test_an_input_passes_its_value_on_or_says_that_it_has_none(pack: Path) -> None:
    missing = "the input 'a' has no value: link one for a local run"
    optional = {"required": False}
    cases = [
        ("RunflowInputString", {"value": "x", "display_name": "A"}, "x"),
        ("RunflowInputString", optional, ""),
        ("RunflowInputInt", {"value": 0}, 0),
        ("RunflowInputInt", {**optional, "minimum": "3"}, 0),
        ("RunflowInputFloat", optional, 0.0),
        ("RunflowInputBoolean", {"value": False}, False),
        ("RunflowInputFile", {"file_name": "d.pdf"}, "d.pdf"),
        ("RunflowInputFile", {"value": "e.pdf", "file_name": "d.pdf"}, "e.pdf"),
        ("RunflowInputFile", optional, ""),
        ("RunflowInputString", {}, missing),
        ("RunflowInputFile", {"file_name": ""}, missing),
        ("RunflowInputImage", {}, missing),
        ("RunflowInputImage", optional, missing),
    ]
    calls = json.dumps([[name, values] for name, values, _ in cases])
    then = f"""
answer = []
for name, values in json.loads({calls!r}):
    try:
        answer += pack.NODE_CLASS_MAPPINGS[name]().pass_on("a", **values)
    except ValueError as error:
        answer.append(str(error))
"""
    assert loaded(pack, then) == [result for _, _, result in cases]


def test_a_file_output_hands_out_what_lies_below_output_and_nothing_else(
    pack: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    (output / "sub").mkdir(parents=True)
    (output / "sub" / "a.txt").write_text("a")
    (tmp_path / "secret.txt").write_text("s")
    (tmp_path / "outputs").mkdir()  # its name begins alike
    (tmp_path / "outputs" / "other.txt").write_text("o")
    (output / "link.txt").symlink_to(tmp_path / "secret.txt")
    secret = str(tmp_path / "secret.txt")
    leave = ["../secret.txt", secret, "link.txt", "../outputs/other.txt"]
    names = ["sub/a.txt", *leave, "b", "sub"]
    then = f"""
import types
sys.modules["folder_paths"] = types.SimpleNamespace(get_output_directory=lambda: {str(output)!r})
save = pack.NODE_CLASS_MAPPINGS["RunflowOutputFile"]().save
answer = []
for name in {names}:
    try:
        answer.append(save("file", name)["ui"]["files"])
    except ValueError as error:
        answer.append(str(error).split(" ", 1)[1] if "inside" in str(error) else "no file")
"""
    outside = "is not a path inside the output folder"
    assert loaded(pack, then) == [
        [{"filename": "a.txt", "subfolder": "sub", "type": "output"}],
        *[outside] * len(leave),
        "no file",
        "no file",
    ]


@pytest.mark.parametrize("name", ["root", "runflow-build", "nodes"])
def test_pytest_passes_by_in_a_clone_of_any_name(name: str, pack: Path, tmp_path: Path) -> None:
    clone = tmp_path / name
    shutil.copytree(pack, clone)
    (clone / "tests").mkdir()
    (clone / "tests" / "test_one.py").write_text(
        "import sys\n\ndef test_one():\n"
        "    assert not [m for m in sys.modules if m.endswith('nodes.inputs')]\n"
    )
    shutil.copy(CHECKOUT / "pyproject.toml", clone)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_timeout",
    ]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # plugins cost a second
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, env=bare)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
