"""What the worlds of cases/resolve/ cannot say: order, time, and asking a second time."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twins import world_of

from runflow_build.errors import ResolveError
from runflow_build.findings import render
from runflow_build.lock.model import Lock
from runflow_build.project.load import load
from runflow_build.resolve.at_once import AT_ONCE
from runflow_build.sources.world import World
from runflow_build.tasks.fresh import staleness
from runflow_build.tasks.lock import relock

CASES = Path(__file__).parent.parent / "cases" / "resolve"
GITHUB = "https://github.com"


def prompt_of(*classes: str) -> dict[str, Any]:
    """A prompt whose nodes are of these classes, one after the other, and the last one is saved."""
    nodes = {
        str(number): {"class_type": kind, "inputs": {"image": [str(number - 1), 0]}}
        for number, kind in enumerate(classes, 1)
    }
    nodes["1"]["inputs"] = {}
    last = {"images": [str(len(classes)), 0], "filename_prefix": "x"}
    return {**nodes, "save": {"class_type": "SaveImage", "inputs": last}}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """`project(prompt, nodes="")`: a folder with one endpoint."""

    def make(prompt: Mapping[str, Any], nodes: str = "") -> Path:
        tmp_path.joinpath("one.json").write_text(json.dumps(prompt), encoding="utf-8")
        tmp_path.joinpath("runflow.yaml").write_text(
            f"version: 1\ncomfyui: {{ref: v0.8.0}}\n{nodes}endpoints:\n"
            "  one: {workflow: one.json, outputs: {image: {node: save}}}\n",
            encoding="utf-8",
        )
        return tmp_path

    return make


def listed(**packs: list[str]) -> dict[str, Any]:
    """Manager's list of packs (`owner__name`) with their classes; every one has a repository."""
    classes: dict[str, list[dict[str, Any]]] = {}
    for name, brings in packs.items():
        url = f"{GITHUB}/{name.replace('__', '/')}"
        for kind in brings:
            row = {"repository": url, "title": name, "classes": len(brings)}
            classes.setdefault(kind, []).append(row)
    git = {
        f"{GITHUB}/{name.replace('__', '/')}": {"head": f"{number:040x}"}
        for number, name in enumerate(sorted(packs), 1)
    }
    return {"lists": {"packs": classes}, "git": git}


class Slow:
    """A source that answers each question after its own time, and counts those that wait."""

    def __init__(self, source: Any, delays: Callable[[], float], most: list[int]) -> None:
        self._source, self._delays, self._most = source, delays, most
        self._lock, self._waiting = threading.Lock(), 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._source, name)

        def asked(*question: Any) -> Any:
            with self._lock:
                self._waiting += 1
                self._most.append(self._waiting)
            time.sleep(self._delays())
            with self._lock:
                self._waiting -= 1
            return method(*question)

        return asked


def slowed(world: World, delays: Callable[[], float], most: list[int]) -> World:
    git, registry, lists = (
        Slow(one, delays, most) for one in (world.git, world.registry, world.lists)
    )
    return replace(world, git=git, registry=registry, lists=lists)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name",
    [
        "classes_that_several_packs_claim",
        "packs_by_what_nodes_say",
        "packs_that_packs_need",
        "versions_that_differ",
    ],
)
def test_the_order_of_answers_and_of_nodes_changes_nothing(
    name: str, seed: int, tmp_path: Path
) -> None:
    case, dice = CASES / name, random.Random(seed)
    for path in case.glob("*.*"):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json" and path.name != "world.json":
            document = json.loads(text)
            if "nodes" in document:
                dice.shuffle(document["nodes"])
            else:
                document = dict(dice.sample(list(document.items()), len(document)))
            text = json.dumps(document)
        tmp_path.joinpath(path.name).write_text(text, encoding="utf-8")
    outside = json.loads((case / "world.json").read_text(encoding="utf-8"))["outside"]
    outside["registry"] = dict(reversed(outside.get("registry", {}).items()))
    for rows in outside.get("lists", {}).get("packs", {}).values():
        dice.shuffle(rows)
    world = slowed(world_of(outside), lambda: dice.random() / 100, [])
    done = relock(tmp_path, world=world)
    expected = (case / "expected.lock").read_text(encoding="utf-8")
    assert done.lock.nodes and nodes_text(tmp_path / "runflow.lock") == nodes_text_of(expected)
    assert sorted(render(done.findings).split("\n")) == sorted(
        (case / "expected.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    )


def nodes_text(path: Path) -> str:
    return nodes_text_of(path.read_text(encoding="utf-8"))


def nodes_text_of(lock: str) -> str:
    return lock[lock.index("\nnodes:") : lock.index("\npython:")]


def test_questions_are_asked_at_the_same_time_and_not_all_at_once(
    project: Callable[..., Path],
) -> None:
    classes = [f"Class{number}" for number in range(60)]
    outside = listed(**{f"owner__Pack-{name}": [name] for name in classes})
    most: list[int] = []
    world = slowed(world_of(outside), lambda: 0.01, most)
    done = relock(project(prompt_of(*classes)), world=world)
    assert len(done.lock.nodes) == 60
    assert 1 < max(most) <= AT_ONCE


def test_a_class_s_home_is_known_without_asking_once_it_is_locked(
    project: Callable[..., Path],
) -> None:
    root = project(prompt_of("Known"))
    first = relock(root, world=world_of(listed(owner__Pack=["Known"])))
    assert first.lock.nodes["Pack"].classes == ["Known"]
    assert first.lock.nodes["Pack"].required_by == ["one"]
    nobody = dict.fromkeys(("git", "registry", "lists"), "nobody is there")
    again = relock(root, world=world_of({"unanswered": nobody}))
    assert (again.written, again.findings) == ((), ())
    assert staleness(load(root)) == []


def test_a_new_class_of_a_locked_pack_joins_it(project: Callable[..., Path]) -> None:
    outside = listed(owner__Pack=["Known", "New"], other__New=["New"])
    relock(project(prompt_of("Known")), world=world_of(outside))
    outside["git"][f"{GITHUB}/owner/Pack"] = {"head": "f" * 40}
    done = relock(project(prompt_of("Known", "New")), world=world_of(outside))
    pin = done.lock.nodes["Pack"]
    assert (pin.classes, pin.commit) == (["Known", "New"], f"{2:040x}")
    assert [(one.code, one.severity) for one in done.findings] == [("pack-chosen", "note")]


def test_a_pack_goes_with_the_last_class_that_it_was_there_for(
    project: Callable[..., Path],
) -> None:
    outside = listed(owner__Pack=["Known"], owner__Other=["Other"])
    relock(project(prompt_of("Known", "Other")), world=world_of(outside))
    done = relock(project(prompt_of("Other")), world=world_of(outside))
    assert list(done.lock.nodes) == ["Other"]


@pytest.mark.parametrize("upgrade", [None, ["Pack"]])
def test_upgrading_renews_the_commit_and_keeps_the_home(
    project: Callable[..., Path], upgrade: list[str] | None
) -> None:
    root = project(prompt_of("Known"))
    outside = listed(owner__Pack=["Known", "More"])
    relock(root, world=world_of(outside))
    outside = listed(owner__Pack=["Known", "More"], a__Known=["Known"])
    outside["git"][f"{GITHUB}/owner/Pack"] = {"head": "f" * 40}
    assert not relock(root, world=world_of(outside)).written
    pins = relock(root, world=world_of(outside), upgrade=upgrade).lock.nodes
    assert {key: pin.commit for key, pin in pins.items()} == {"Pack": "f" * 40}


def test_upgrading_what_cannot_be_reached_keeps_the_pin_and_says_so(
    project: Callable[..., Path],
) -> None:
    root = project(prompt_of("Known"))
    before = relock(root, world=world_of(listed(owner__Pack=["Known"]))).lock
    away = {"unanswered": {"git": "github.com cannot be reached"}}
    done = relock(root, world=world_of({**listed(owner__Pack=["Known"]), **away}), upgrade=None)
    assert done.lock.nodes == before.nodes
    assert [(one.code, one.message) for one in done.findings] == [
        ("not-resolved", "Pack could not be looked up: github.com cannot be reached")
    ]


def test_a_needed_pack_is_kept_and_renewed_with_what_needs_it(
    project: Callable[..., Path],
) -> None:
    def outside(ref: str, commit: str) -> dict[str, Any]:
        made = listed(owner__Pack=["Known"], owner__Needed=[])
        needs = f'[node_reqs]\nNeeded = {{ github = "owner/Needed", branch = "{ref}" }}\n'
        git = made["git"]
        head = git[f"{GITHUB}/owner/Pack"]["head"]
        git[f"{GITHUB}/owner/Pack"]["commits"] = {head: {"comfy-env-root.toml": needs}}
        git[f"{GITHUB}/owner/Needed"]["branches"] = {ref: commit}
        return made

    def commits(lock: Lock) -> dict[str, str]:
        return {key: pin.commit[:1] for key, pin in lock.nodes.items()}

    root = project(prompt_of("Known"))
    first = relock(root, world=world_of(outside("dev", "a" * 40)))
    assert first.lock.nodes["Pack"].needs == ["Needed"]
    assert first.lock.nodes["Needed"].required_by == ["one"]
    moved = world_of(outside("dev", "b" * 40))
    assert commits(relock(root, world=moved).lock) == {"Needed": "a", "Pack": "0"}
    assert commits(relock(root).lock) == {"Needed": "a", "Pack": "0"}
    renewed = relock(root, world=moved, upgrade=["Needed"])
    assert commits(renewed.lock) == {"Needed": "b", "Pack": "0"}


def test_a_class_that_no_source_knows_is_of_the_one_pack_that_is_wished_for(
    project: Callable[..., Path],
) -> None:
    wish = "nodes:\n  Private: {repository: https://github.com/me/Private}\n"
    done = relock(project(prompt_of("Secret"), wish), world=world_of(listed(me__Private=[])))
    assert done.lock.nodes["Private"].classes == ["Secret"]
    assert done.findings == ()


def test_two_packs_of_one_name_have_two_folders(project: Callable[..., Path]) -> None:
    outside = listed(b__Same=["One"], a__Same=["Two"])
    done = relock(project(prompt_of("One", "Two")), world=world_of(outside))
    assert {key: pin.repository for key, pin in done.lock.nodes.items()} == {
        "Same": f"{GITHUB}/b/Same",
        "Same-a": f"{GITHUB}/a/Same",
    }
    turned = relock(project(prompt_of("Two", "One")), world=world_of(outside))
    assert turned.lock.nodes == done.lock.nodes


def test_runflow_s_own_classes_and_comfyui_s_are_not_looked_up(
    project: Callable[..., Path],
) -> None:
    prompt = prompt_of("EmptyImage", "ImageInvert")
    value = {"output_id": "o", "output_name": "", "value": ["2", 0]}
    prompt["out"] = {"class_type": "RunflowOutputImage", "inputs": value}
    nobody = dict.fromkeys(("git", "registry", "lists"), "nobody is there")
    done = relock(project(prompt), world=world_of({"unanswered": nobody}))
    assert done.findings == ()


def graph_of(class_type: str, **properties: str) -> dict[str, Any]:
    image = {"name": "IMAGE", "type": "IMAGE"}
    return {
        "version": 0.4,
        "nodes": [
            {
                "id": 1,
                "type": class_type,
                "properties": properties,
                "outputs": [{**image, "links": [1]}],
            },
            {
                "id": 2,
                "type": "SaveImage",
                "title": "save",
                "inputs": [{**image, "name": "images", "link": 1}],
                "widgets_values": ["x"],
            },
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    }


NEEDS = {"comfy-env-root.toml": '[node_reqs]\nOther = "owner/Other"\n'}
INSTALL = {
    "clones": {"custom_nodes/Pack": {"remote": f"{GITHUB}/owner/Pack", "commits": [NEEDS]}},
    "files": {"main.py": "", "nodes.py": ""},
    "packages": {"aiohttp": "3.12.13"},
}


def test_a_captured_pack_comes_with_what_it_needs(
    project: Callable[..., Path], new_install: Any
) -> None:
    root, install = project(graph_of("Known", cnr_id="pack", ver="1.0.0")), new_install(INSTALL)
    # The pack's remote cannot be asked: the clone says that it has the commit, and what it needs.
    outside = {"git": {f"{GITHUB}/owner/Other": {"head": "b" * 40}}}
    away = {"unanswered": {f"{GITHUB}/owner/Pack": "github.com cannot be reached"}}
    done = relock(root, install=install, world=world_of({**outside, **away}))
    assert done.lock.nodes["Pack"].needs == ["Other"]
    assert done.lock.nodes["Other"].commit == "b" * 40
    assert [one.code for one in done.findings] == ["pack-version-open"]


def test_a_captured_commit_that_its_remote_lost_is_an_error(
    project: Callable[..., Path], new_install: Any
) -> None:
    root, install = project(graph_of("Known", cnr_id="pack", ver="1.0.0")), new_install(INSTALL)
    outside = {"git": {f"{GITHUB}/owner/Pack": {"head": "f" * 40}}}
    with pytest.raises(ResolveError) as raised:
        relock(root, install=install, world=world_of(outside))
    assert [one.code for one in raised.value.findings] == ["commit-missing"]
