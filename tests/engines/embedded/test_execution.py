from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runflow_build.engines.base import Progress, RunFolders
from runflow_build.engines.embedded import EmbeddedEngine, Limits
from runflow_build.engines.embedded.cache import Cache
from runflow_build.engines.embedded.execution import run_steps
from runflow_build.engines.embedded.node_class import NodeClass, Result, Run
from runflow_build.engines.embedded.planning import Link, Step
from runflow_build.errors import EngineError
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]


def progress_of(engine: EmbeddedEngine, prompt: Prompt, folders: RunFolders) -> list[Progress]:
    found: list[Progress] = []
    engine.execute(prompt, folders, found.append)
    return found


def chain(node: Node, length: int) -> Prompt:
    prompt = {"0": node("EmptyImage", width=2, height=2, batch_size=1, color=0)}
    for number in range(1, length):
        prompt[str(number)] = node("ImageInvert", image=[str(number - 1), 0])
    return {**prompt, "save": node("PreviewImage", images=[str(length - 1), 0])}


def step(name: str, function: Callable[..., Any], **links: str) -> Step:
    """A step that takes the first outputs of other steps."""
    linked = {key: Link(source, 0) for key, source in links.items()}
    return Step(name, "Title", "Class", NodeClass(function), {}, linked, output=name == "end")


def ran(steps: list[Step], run: Run) -> list[Progress]:
    """The steps that `end` needs, with nothing kept from before; what was reported."""
    found: list[Progress] = []
    run_steps(steps, run, found.append, Cache(0))
    return found


def finished(progress: list[Progress]) -> list[str]:
    return [one.node for one in progress if one.state == "finished"]


def test_only_what_outputs_need_is_run_and_a_shared_node_once(
    definitions: Definitions, folders: RunFolders, node: Node
) -> None:
    engine = EmbeddedEngine(definitions)
    prompt = {
        "save": node("PreviewImage", images=["b", 0]),
        "b": node(
            "ImageBlend",
            image1=["a", 0],
            image2=["a", 0],
            blend_factor=0.5,
            blend_mode="multiply",
        ),
        "unused": node("ImageInvert", image=["a", 0]),
        "a": node("EmptyImage", width=2, height=2, batch_size=1, color=0),
        "again": node("PreviewImage", images=["a", 0]),
    }
    assert progress_of(engine, prompt, folders) == [
        Progress(0, 4, "a", "started"),
        Progress(1, 4, "a", "finished"),
        Progress(1, 4, "b", "started"),
        Progress(2, 4, "b", "finished"),
        Progress(2, 4, "save", "started"),
        Progress(3, 4, "save", "finished"),
        Progress(3, 4, "again", "started"),
        Progress(4, 4, "again", "finished"),
    ]


def test_files_come_in_the_order_of_the_output_nodes(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    prompt = {
        name: node("SaveImage", images=["0", 0], filename_prefix=name) for name in ("z", "a", "m")
    }
    prompt["0"] = node("EmptyImage", width=2, height=2, batch_size=2, color=0)
    files = engine.execute(prompt, folders)
    assert [(one.node, one.path.name) for one in files] == [
        ("z", "z_00001_.png"),
        ("z", "z_00002_.png"),
        ("a", "a_00001_.png"),
        ("a", "a_00002_.png"),
        ("m", "m_00001_.png"),
        ("m", "m_00002_.png"),
    ]
    assert all(one.path.is_absolute() for one in files)


def test_a_chain_of_thousands_runs_in_the_memory_of_two_pictures(
    definitions: Definitions, folders: RunFolders, node: Node
) -> None:
    engine = EmbeddedEngine(definitions, Limits(held_bytes=2 * 2 * 2 * 3 * 4))
    assert len(finished(progress_of(engine, chain(node, 5000), folders))) == 5001


def test_what_is_held_at_once_is_limited(
    definitions: Definitions, folders: RunFolders, node: Node
) -> None:
    engine = EmbeddedEngine(definitions, Limits(held_bytes=(2 * 2 * 2 * 3 * 4) - 1))
    with pytest.raises(EngineError) as caught:
        engine.execute(chain(node, 2), folders)
    assert str(caught.value) == (
        "error node-failed: the run would hold more than 0 MiB of media\n"
        "  at        node 1 (ImageInvert)\n"
        "  fix       use fewer or smaller files, or run this prompt on ComfyUI"
    )


def test_a_view_is_not_counted_twice_and_keeps_its_base_alive(run: Run) -> None:
    held = []

    def note(run: Run, image: Any) -> Result:
        held.append(run.held_bytes)
        return Result((image,))

    steps = [
        step("whole", lambda run: Result((np.zeros((1, 4, 4, 3), np.float32),))),
        step("part", lambda run, image: Result((image[:, :2],)), image="whole"),
        step("first", note, image="part"),
        step("second", note, image="first"),
        step("end", lambda run, image: Result(), image="second"),
    ]
    ran(steps, run)
    assert held == [192, 192]
    assert run.held_bytes == 0


def test_a_run_is_cancelled_between_two_nodes(
    definitions: Definitions, folders: RunFolders, node: Node
) -> None:
    engine = EmbeddedEngine(definitions)
    done: list[Progress] = []
    with pytest.raises(EngineError) as caught:
        engine.execute(chain(node, 5), folders, done.append, lambda: len(finished(done)) == 2)
    assert finished(done) == ["0", "1"]
    assert str(caught.value) == (
        "error run-canceled: the run was cancelled\n  at        node 2 (ImageInvert)"
    )


def test_a_run_that_takes_too_long_is_ended(
    definitions: Definitions, folders: RunFolders, node: Node
) -> None:
    engine = EmbeddedEngine(definitions, Limits(seconds=0))
    with pytest.raises(EngineError) as caught:
        engine.execute(chain(node, 5), folders)
    assert str(caught.value) == (
        "error engine-time-limit: the run took longer than 0 s\n  at        node 0 (EmptyImage)"
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (ValueError("one\ntwo"), "ValueError: one"),
        (KeyError(), "KeyError"),
        (OSError(28, "No space left on device", "/secret/way"), "OSError: No space left on device"),
        (MemoryError(), "there is not enough memory for this node's work"),
    ],
)
def test_whatever_goes_wrong_in_a_node_names_the_node(
    error: Exception, message: str, run: Run
) -> None:
    def fail(run: Run) -> Result:
        raise error

    with pytest.raises(EngineError) as caught:
        ran([step("end", fail)], run)
    assert str(caught.value) == (
        f'error node-failed: {message}\n  at        node end "Title" (Class)'
    )


def test_a_file_that_is_no_picture_names_the_node(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    (folders.input / "notes.png").write_text("no picture", encoding="utf-8")
    prompt = {
        "1": node("LoadImage", title="Photo", image="notes.png"),
        "2": node("PreviewImage", images=["1", 0]),
    }
    with pytest.raises(EngineError) as caught:
        engine.execute(prompt, folders)
    assert str(caught.value) == (
        "error node-failed: notes.png is not a picture that can be read\n"
        '  at        node 1 "Photo" (LoadImage)\n'
        "  fix       use AVIF, BMP, GIF, ICO, JPEG, JPEG2000, MPO, PNG, PPM, QOI, TGA, TIFF, WEBP"
    )


def test_threads_share_an_engine_and_even_a_folder(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    def one(number: int) -> list[Path]:
        prompt = {
            "1": node("EmptyImage", width=number, height=1, batch_size=2, color=number),
            "2": node("SaveImage", images=["1", 0], filename_prefix="same"),
        }
        return [file.path for file in engine.execute(prompt, folders)]

    with ThreadPoolExecutor(4) as pool:
        paths = [path for found in pool.map(one, range(1, 21)) for path in found]
    assert len(set(paths)) == len(list(folders.output.iterdir())) == 40


def test_the_same_prompt_writes_the_same_bytes(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    first, second = (
        [file.path.read_bytes() for file in engine.execute(chain(node, 4), folders)]
        for _ in range(2)
    )
    assert first == second


def test_a_long_node_is_ended_where_it_looks_whether_it_should_go_on(run: Run) -> None:
    run.cancelled = iter([False, False, True]).__next__

    def loop(run: Run) -> Result:
        while True:
            run.check()

    with pytest.raises(EngineError, match=r"run-canceled: the run was cancelled\n .* node end"):
        ran([step("end", loop)], run)


def test_a_graph_of_diamonds_is_walked_once(run: Run) -> None:
    """Each node feeds the next one twice: walked by ways, there would be 2^200 of them."""
    steps = [step("0", lambda run: Result((1,)))]
    for number in range(1, 200):
        source = str(number - 1)
        steps.append(step(str(number), lambda run, a, b: Result((a,)), a=source, b=source))
    steps.append(step("end", lambda run, a: Result(), a="199"))
    assert len(finished(ran(steps, run))) == 201


def lists(name: str, items: list[Any]) -> Step:
    node_class = NodeClass(lambda run: Result((items,)), gives_lists=True)
    return Step(name, None, "Class", node_class, {}, {})


def test_a_node_is_called_for_each_item_and_shorter_lists_repeat_their_last(run: Run) -> None:
    calls = []
    note = lambda run, a, b: calls.append((a, b)) or Result()  # noqa: E731
    ran([lists("0", [1, 2, 3]), lists("1", ["x", "y"]), step("end", note, a="0", b="1")], run)
    assert calls == [(1, "x"), (2, "y"), (3, "y")]


def test_a_class_that_takes_lists_is_called_once(run: Run) -> None:
    calls = []
    note = NodeClass(lambda run, a, b: calls.append((a, b)) or Result(), takes_lists=True)
    end = Step("end", None, "Class", note, {"b": 7}, {"a": Link("0", 0)}, output=True)
    ran([lists("0", [1, 2]), end], run)
    assert calls == [([1, 2], [7])]


def test_an_empty_list_beside_others_is_an_error_that_names_the_input(run: Run) -> None:
    end = step("end", lambda run, a, b: Result(), a="0", b="1")
    with pytest.raises(EngineError, match="node-failed: a is an empty list, and other inputs"):
        ran([lists("0", []), lists("1", [1]), end], run)


def test_a_node_that_gets_only_empty_lists_is_not_called(run: Run) -> None:
    ran([lists("0", []), step("end", lambda run, a: 1 / 0, a="0")], run)


def test_an_input_that_gets_nothing_is_named_with_the_node_that_gives_nothing(run: Run) -> None:
    steps = [step("0", lambda run: Result((None,))), step("end", lambda run, a: Result(), a="0")]
    steps[1] = replace(steps[1], required=frozenset({"a"}))
    with pytest.raises(EngineError, match="node-failed: a is empty: node 0 has nothing to give"):
        ran(steps, run)


def test_files_are_of_their_node_though_another_output_needed_it_first(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    prompt = {
        "out": node("RunflowOutputFile", output_id="a", output_name="", value=["save", 0]),
        "save": node("RunflowSaveAudioFlac", audio=["1", 0], filename_prefix="a"),
        "1": node("EmptyAudio", duration=0.1, sample_rate=8000, channels=1),
    }
    files = engine.execute(prompt, folders)
    assert [(one.node, one.path.name) for one in files] == [
        ("out", "a_00001_.flac"),
        ("save", "a_00001_.flac"),
    ]
