"""A lock is stale where a wish is no longer the one that it answers, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.lock.model import (
    ComfyUIPin,
    Lock,
    ModelPin,
    NodePackPin,
    Pins,
    PythonPins,
    ResourcePin,
    TargetPins,
)
from runflow_build.lock.text import lock_text, read_lock

ONE, TWO = "1" * 64, "2" * 64
COMMIT, OTHER = "a" * 40, "b" * 40

TEXT = f"""\
version: 1
comfyui: {{ref: v0.8.0}}
python: {{version: "3.12", targets: [linux-cu128], requirements: [einops]}}
nodes:
  Pack: {{repository: https://github.com/o/Pack, ref: main}}
models:
  loras/a.safetensors: {{url: https://x.y/a, sha256: "{ONE}", size: 5}}
resources:
  input/long.mp4: {{url: https://x.y/long.mp4, sha256: "{ONE}"}}
endpoints:
  poster:
    name: Poster
    workflow: w.json
    description: Makes one.
    gpu: {{min_vram_gb: 24}}
    keep: ["12"]
    inputs:
      prompt: {{node: "6", field: text, required: true}}
    outputs:
      image: {{node: "10"}}
"""


@pytest.fixture
def locked(new_world: Any) -> tuple[Any, Lock]:
    """A world and the lock that answers it, read back from its text."""
    pins = Pins(
        comfyui=ComfyUIPin(
            repository="https://github.com/comfyanonymous/ComfyUI", ref="v0.8.0", commit=COMMIT
        ),
        nodes={
            "Pack": NodePackPin(repository="https://github.com/o/Pack", ref="main", commit=COMMIT),
            "Found": NodePackPin(repository="https://github.com/o/Found", commit=COMMIT),
        },
        python=PythonPins(
            version="3.12",
            requirements=["einops"],
            packages={"aiohttp": "3"},
            targets={"linux-cu128": TargetPins(packages={"torch": "2.8.0+cu128"})},
        ),
        models={
            "loras/a.safetensors": ModelPin(sha256=ONE, size=5, url="https://x.y/a"),
            "checkpoints/sd.safetensors": ModelPin(sha256=TWO, size=6),
        },
        resources={
            "input/long.mp4": ResourcePin(sha256=ONE, size=7, url="https://x.y/long.mp4"),
            "input/cat.png": ResourcePin(sha256=TWO, size=8),
        },
    )
    world = new_world(text=TEXT, pins=pins)
    return world, read_lock(lock_text(world.lock()))


def told(world: Any, lock: Lock) -> list[str]:
    findings = world.disagreements(lock)
    assert {one.code for one in findings} <= {"lock-stale"}
    assert {one.fix for one in findings} <= {"run `runflow lock`"}
    return [one.message for one in findings]


def test_a_lock_answers_what_it_was_made_from(locked: Any) -> None:
    assert told(*locked) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1\n", "# A comment\nversion: 1\n\n"),
        ("{ref: v0.8.0}", "{ref: v0.8.0, repository: https://github.com/Comfy-Org/ComfyUI.git}"),
        ("https://github.com/o/Pack", "https://github.com/O/pack.git"),
        ("min_vram_gb: 24", "min_vram_gb: 24.0"),
        ("endpoints:", "organization: acme\nproject: other\nendpoints:"),
        ("endpoints:", "policy: {pickle_models: allow}\nendpoints:"),
        ("keep: [\"12\"]", "keep: [Aside]"),
        ('node: "6"', "node: Positive"),
        (f'"{ONE}", size', f'"{ONE.upper()}", size'),
    ],
)  # fmt: skip
def test_what_is_no_other_wish_does_not_count(locked: Any, old: str, new: str) -> None:
    world, lock = locked
    assert told(world.replace(old, new), lock) == []


def test_layout_and_titles_of_a_workflow_do_not_count(locked: Any) -> None:
    world, lock = locked
    world.prompt = dict(reversed(world.prompt.items()))
    world.prompt["9"]["_meta"] = {"title": "Anything"}
    assert told(world, lock) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ref: v0.8.0", "ref: v0.9.0",
         "`comfyui.ref`: the lock answers v0.8.0, wanted is v0.9.0"),
        ("{ref: v0.8.0}", "{ref: v0.8.0, repository: https://github.com/acme/ComfyUI}",
         "`comfyui.repository`: the lock answers https://github.com/comfyanonymous/ComfyUI, "
         "wanted is https://github.com/acme/ComfyUI"),
        ("ref: main", "ref: dev", "`nodes.Pack.ref`: the lock answers main, wanted is dev"),
        ("github.com/o/Pack", "github.com/p/Pack",
         "`nodes.Pack.repository`: the lock answers https://github.com/o/Pack, wanted is "
         "https://github.com/p/Pack"),
        ('version: "3.12"', 'version: "3.11"',
         "`python.version`: the lock answers 3.12, wanted is 3.11"),
        ("[einops]", "[]",
         '`python.requirements`: the lock answers ["einops"], wanted is []'),
        ("[linux-cu128]", "[linux-cpu]",
         '`python.targets`: the lock answers ["linux-cu128"], wanted is ["linux-cpu"]'),
        ("https://x.y/a,", "https://x.y/b,",
         "`models.loras/a.safetensors.url`: the lock answers https://x.y/a, wanted is "
         "https://x.y/b"),
        (f'"{ONE}", size', f'"{TWO}", size',
         f"`models.loras/a.safetensors.sha256`: the lock answers {ONE[:57]}…, wanted is "
         f"{TWO[:57]}…"),
        ("size: 5", "size: 6",
         "`models.loras/a.safetensors.size`: the lock answers 5, wanted is 6"),
        ("https://x.y/long.mp4", "https://x.y/short.mp4",
         "`resources.input/long.mp4.url`: the lock answers https://x.y/long.mp4, wanted is "
         "https://x.y/short.mp4"),
        ("name: Poster", "name: Plakat",
         "`endpoints.poster.name`: the lock answers Poster, wanted is Plakat"),
        ("description: Makes one.", "description: Makes two.",
         "`endpoints.poster.description`: the lock answers Makes one., wanted is Makes two."),
        ("min_vram_gb: 24", "min_vram_gb: 48",
         "`endpoints.poster.gpu.min_vram_gb`: the lock answers 24, wanted is 48"),
        ('keep: ["12"]', "keep: []",
         '`endpoints.poster.keep`: the lock answers ["12"], wanted is []'),
        ("required: true", "required: false",
         "`endpoints.poster.inputs.prompt.required`: the lock answers true, wanted is false"),
        ("      image: {", "      picture: {",
         "the lock has `poster.outputs.image`, which is gone"),
        ("  poster:\n", "  placard:\n", "the lock lacks the endpoint placard"),
    ],
)  # fmt: skip
def test_each_wish_that_changed_is_named(locked: Any, old: str, new: str, expected: str) -> None:
    world, lock = locked
    assert expected in told(world.replace(old, new), lock)


def test_a_workflow_that_computes_something_else_is_named_by_its_file(locked: Any) -> None:
    world, lock = locked
    world.prompt["8"]["inputs"]["steps"] = 21
    (finding,) = world.disagreements(lock)
    assert finding.where.file == "w.json"
    assert (
        finding.message == "the workflow of poster computes something else than when it was locked"
    )


def test_wishes_that_came_or_went_are_named(locked: Any) -> None:
    world, lock = locked
    fewer = world.replace("  Pack: {repository: https://github.com/o/Pack, ref: main}\n", "")
    fewer = fewer.replace("nodes:\n", "")
    assert told(fewer, lock) == ["`nodes.Pack.ref`: the lock answers main, wanted is nothing"]
    more = world.replace("nodes:\n", f"nodes:\n  N: {{repository: https://a.b/N, ref: {OTHER}}}\n")
    assert told(more, lock) == ["the lock lacks the node pack N"]
    model = world.replace("models:\n", f'models:\n  loras/b.safetensors: {{sha256: "{TWO}"}}\n')
    assert told(model, lock) == ["the lock lacks the model loras/b.safetensors"]


def test_a_wish_that_needs_another_world_to_be_answered_is_not_the_lock_s_fault(
    locked: Any,
) -> None:
    """Locking again would change nothing; that it has no pin is validation's to say."""
    world, lock = locked
    bare = lock.model_copy(update={"comfyui": None})
    assert told(world, bare) == []
    full = world.replace("ref: v0.8.0", f"ref: {COMMIT}")
    assert told(full, bare) == ["the lock lacks ComfyUI's commit"]
    more = world.replace("models:\n", "models:\n  loras/b.safetensors: {url: https://x.y/b}\n")
    assert told(more, lock) == []


def test_of_an_unreadable_workflow_only_the_wishes_are_compared(locked: Any) -> None:
    world, lock = locked
    world.prompt = {"1": {"class_type": "VAEDecode", "inputs": {"samples": ["99", 0]}}}
    renamed = world.replace("name: Poster", "name: Plakat")
    assert "`endpoints.poster.name`: the lock answers Poster, wanted is Plakat" in told(
        renamed, lock
    )


def test_a_commit_that_was_changed_behind_its_wish_is_named(locked: Any) -> None:
    """A branch may have moved; a wish that is a commit itself has one answer."""
    world, lock = locked
    world = world.replace("ref: v0.8.0", f"ref: {COMMIT}").replace("ref: main", f"ref: {COMMIT}")
    comfyui = lock.comfyui.model_copy(update={"ref": COMMIT, "commit": OTHER})
    pack = lock.nodes["Pack"].model_copy(update={"ref": COMMIT, "commit": OTHER})
    edited = lock.model_copy(update={"comfyui": comfyui, "nodes": {"Pack": pack}})
    assert told(world, edited) == [
        f"`comfyui.ref`: the lock answers {OTHER}, wanted is {COMMIT}",
        f"`nodes.Pack.ref`: the lock answers {OTHER}, wanted is {COMMIT}",
    ]


def test_what_a_workflow_says_of_its_models_is_a_wish(new_world: Any) -> None:
    def saying(url: str, sha256: str) -> dict[str, Any]:
        said = {"name": "a.ckpt", "url": url, "hash": sha256, "hash_type": "SHA256"}
        loader = {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["a.ckpt"]}
        return {"nodes": [{**loader, "properties": {"models": [said]}}]}

    path = "checkpoints/a.ckpt"
    pins = Pins(models={path: ModelPin(sha256=ONE, url="https://x.y/a")})
    text = "version: 1\ncomfyui: {ref: v0.8.0}\nendpoints: {poster: {workflow: w.json}}\n"
    world = new_world(text=text, prompt=saying("https://x.y/a", ONE), pins=pins)
    lock = world.lock()
    assert told(world, lock) == []
    world.prompt = saying("https://x.y/b", TWO)
    assert told(world, lock) == [
        f"`models.{path}.url`: the lock answers https://x.y/a, wanted is https://x.y/b",
        f"`models.{path}.sha256`: the lock answers {ONE[:57]}…, wanted is {TWO[:57]}…",
    ]
    bare = lock.model_copy(update={"models": {}})
    assert told(world, bare) == [f"the lock lacks the model {path}"]
    world.prompt = {"nodes": []}  # as little as an unreadable one says of its models
    assert "models" not in str(told(world, lock))


def test_every_disagreement_stands_at_its_wish(locked: Any) -> None:
    world, lock = locked
    changed = world.replace("ref: v0.8.0", "ref: v0.9.0").replace("size: 5", "size: 6")
    assert [(one.where.file, one.where.key) for one in changed.disagreements(lock)] == [
        ("runflow.yaml", ("comfyui", "ref")),
        ("runflow.yaml", ("models", "loras/a.safetensors", "size")),
    ]
