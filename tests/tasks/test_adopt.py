"""`runflow models adopt`: local files get the public source that has their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from place import CivitaiVersion, File
from twins import world_of

from runflow_build.cli.main import main
from runflow_build.errors import SpecError, UsageError
from runflow_build.sources.digests import DigestCache
from runflow_build.spec.read import read_spec
from runflow_build.tasks.adopt import Adopted, adopt
from runflow_build.tasks.lock import relock

INK, BASE, OWN = b"ink", b"base", b"own"
SHA = {data: hashlib.sha256(data).hexdigest() for data in (INK, BASE, OWN)}
INK_URL = "https://civitai.com/api/download/models/7"
BASE_URL = "https://huggingface.co/a/b/resolve/main/base.safetensors"
PINNED = BASE_URL.replace("main", "1" * 40)
OUTSIDE = {
    "files": {
        INK_URL: {"sha256": SHA[INK], "size": 3},
        BASE_URL: {"url": PINNED, "sha256": SHA[BASE], "size": 4},
    }
}
SPEC = """\
# ours
version: 1
comfyui: {ref: v0.8.0}   # the one

endpoints:
  one:   # the only one
    workflow: one.json
    outputs: {image: {node: "9"}}
"""

Adopt = Callable[..., Adopted]


def prompt() -> dict[str, Any]:
    def lora(model: str, name: str) -> dict[str, Any]:
        inputs = {"model": [model, 0], "lora_name": name, "strength_model": 1.0}
        return {"class_type": "LoraLoaderModelOnly", "inputs": inputs}

    base = {"ckpt_name": "base.safetensors"}
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": base},
        "2": lora("1", "ink.safetensors"),
        "3": lora("2", "own.safetensors"),
        "4": lora("3", "gone.safetensors"),
        "5": {"class_type": "Mystery", "inputs": {"model": ["4", 0]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "x"}},
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "runflow.yaml").write_text(SPEC)
    (root / "one.json").write_text(json.dumps(prompt()))
    return root


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "ComfyUI" / "models"
    for path, data in {
        "checkpoints/base.safetensors": BASE,
        "loras/ink.safetensors": INK,
        "loras/own.safetensors": OWN,
        "vae/unused.safetensors": INK,
        "vae/.cache/hidden.safetensors": INK,
        "vae/notes.txt": INK,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture
def adopted(project: Path, models: Path, tmp_path: Path) -> Iterator[Adopt]:
    digests = DigestCache(tmp_path / "digests.db")

    def run(outside: Any = OUTSIDE, folder: Path = models, **options: Any) -> Adopted:
        return adopt(project, folder, world=world_of(outside), digests=digests, **options)

    yield run
    digests.close()


def test_files_that_the_project_uses_get_their_public_source(adopted: Adopt, project: Path) -> None:
    done = adopted()
    assert [(one.path, one.state, one.url) for one in done.found] == [
        ("checkpoints/base.safetensors", "adopted", PINNED),
        ("loras/ink.safetensors", "adopted", INK_URL),
        ("loras/own.safetensors", "unknown", None),
    ]
    assert done.absent == ("loras/gone.safetensors",)
    assert (project / "runflow.yaml").read_text() == SPEC.replace(
        "endpoints:",
        "models:\n"
        f"  checkpoints/base.safetensors: {{url: {PINNED}, sha256: {SHA[BASE]}}}\n"
        f"  loras/ink.safetensors: {{url: {INK_URL}, sha256: {SHA[INK]}}}\n"
        "\nendpoints:",
    )
    assert done.summary().splitlines() == [
        "wrote 2 models to runflow.yaml",
        f"  checkpoints/base.safetensors  {PINNED}",
        f"  loras/ink.safetensors  {INK_URL}",
        "1 model without a public source:",
        f"  loras/own.safetensors  sha256 {SHA[OWN]}",
        "1 model of the project not there:",
        "  loras/gone.safetensors",
    ]


def test_a_second_run_finds_all_named(adopted: Adopt, project: Path) -> None:
    adopted()
    before = (project / "runflow.yaml").read_text()
    done = adopted()
    assert not done.is_written
    assert [one.state for one in done.found] == ["sourced", "sourced", "unknown"]
    assert (project / "runflow.yaml").read_text() == before
    assert "2 models had a source already" in done.summary()


def test_what_was_adopted_locks(adopted: Adopt, project: Path) -> None:
    adopted()
    outside = {"files": {**OUTSIDE["files"], PINNED: {"sha256": SHA[BASE], "size": 4}}}
    lock = relock(project, world=world_of(outside)).lock
    assert lock.models["checkpoints/base.safetensors"].url == PINNED
    assert lock.models["loras/ink.safetensors"].sha256 == SHA[INK]


@pytest.mark.parametrize("name", ["", "models", ".."])
def test_an_installation_and_its_models_folder_are_the_same(
    name: str, adopted: Adopt, models: Path
) -> None:
    folder = {"": models.parent, "models": models, "..": models.parent.parent}[name]
    assert len(adopted(folder=folder).adopted) == 2


def test_a_dry_run_writes_nothing(adopted: Adopt, project: Path) -> None:
    done = adopted(dry_run=True)
    assert (project / "runflow.yaml").read_text() == SPEC
    assert done.summary().startswith("would write 2 models to runflow.yaml")


def test_all_files_of_the_folder_on_demand(adopted: Adopt, project: Path, models: Path) -> None:
    with suppress(OSError):  # a name that this system may refuse, and runflow.yaml does
        (models / "vae" / "a\\b.safetensors").write_bytes(INK)
    adopted(everything=True)
    spec = read_spec((project / "runflow.yaml").read_text()).spec
    assert sorted(spec.models) == [
        "checkpoints/base.safetensors",
        "loras/ink.safetensors",
        "vae/unused.safetensors",
    ]


def test_an_entry_without_url_gets_one_and_keeps_the_rest(adopted: Adopt, project: Path) -> None:
    entry = "models:\n  loras/ink.safetensors: {pickle: allow}  # trusted\n"
    (project / "runflow.yaml").write_text(SPEC + entry)
    adopted()
    text = (project / "runflow.yaml").read_text()
    facts = f"url: {INK_URL}, sha256: {SHA[INK]}, pickle: allow"
    assert f"  loras/ink.safetensors: {{{facts}}}  # trusted\n" in text


@pytest.mark.parametrize(
    "facts", ["{sha256: " + "a" * 64 + "}", "{size: 99}", f"{{url: {BASE_URL}}}"]
)
def test_a_file_that_is_not_the_declared_one_is_said_and_left_alone(
    facts: str, adopted: Adopt, project: Path
) -> None:
    (project / "runflow.yaml").write_text(f"{SPEC}models:\n  loras/ink.safetensors: {facts}\n")
    done = adopted()
    assert [one.code for one in done.findings] == ["install-differs"]
    assert done.findings[0].where.line == 10
    assert f"loras/ink.safetensors: {facts}\n" in (project / "runflow.yaml").read_text()


def test_a_name_in_the_managers_list_is_held_against_the_content(
    adopted: Adopt, models: Path
) -> None:
    rows = [{"path": "loras/own.safetensors", "url": INK_URL, "name": "of another"}]
    done = adopted({**OUTSIDE, "lists": {"models": {"own.safetensors": rows}}})
    assert done.found[2].state == "unknown"


def test_hosts_that_do_not_answer_are_said(adopted: Adopt, project: Path) -> None:
    done = adopted({"unanswered": {"files": "civitai.com is busy"}})
    assert {one.code for one in done.findings} == {"source-unchecked"}
    assert not done.is_written and done.is_whole


def test_a_file_in_a_layout_that_cannot_grow_is_not_damaged(adopted: Adopt, project: Path) -> None:
    text = json.dumps({"version": 1, "comfyui": {"ref": "v0.8.0"}, "endpoints": {
        "one": {"workflow": "one.json", "outputs": {"image": {"node": "9"}}}}})  # fmt: skip
    (project / "runflow.yaml").write_text(text)
    for dry_run in (True, False):
        with pytest.raises(SpecError) as caught:
            adopted(dry_run=dry_run)
        assert caught.value.findings[0].code == "spec-not-edited"
    assert (project / "runflow.yaml").read_text() == text


def test_a_folder_that_is_not_there_is_named(adopted: Adopt, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        adopted(folder=tmp_path / "nowhere")


def test_the_command_asks_the_real_sources(
    project: Path,
    models: Path,
    stand_in: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stand_in.place.civitai[7] = CivitaiVersion({"ink.safetensors": File(INK)})
    for name, value in stand_in.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RUNFLOW_OFFLINE", raising=False)
    monkeypatch.setenv("RUNFLOW_CACHE_DIR", str(tmp_path / "cache"))
    raw = "https://raw.githubusercontent.com/ltdrdata/ComfyUI-Manager/main/model-list.json"
    stand_in.place.files[raw] = File(b'{"models": []}', kind="text/plain")
    assert main(["models", "adopt", str(models), "--json", "-C", str(project)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["written"] is True
    states = {one["path"]: one["state"] for one in told["models"]}
    assert states["loras/ink.safetensors"] == "adopted"
    assert INK_URL in (project / "runflow.yaml").read_text()
