"""Auto setup finds what a graph lacks, and installs it into the ComfyUI that runs."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from file_host import served as host_of_a_file
from index import wheel
from place import File, Pack
from restorable import HUB, sha256
from running_comfyui import LOADER, PACK, PACK_FILES, RunningWorld, running_comfyui

from runflow_build.errors import RestoreError, UsageError
from runflow_build.findings import Finding
from runflow_build.sources.extra_paths import ExtraFolder
from runflow_build.sources.online import opened
from runflow_build.tasks.auto_setup.rows import plain

TRUST = "trust:kijai/ComfyUI-Tiny"
MODEL = hashlib.shake_128(b"a model").digest(300_001)
PAGE = b"<!doctype html><title>log in</title>"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningWorld]:
    with running_comfyui(tmp_path) as one:
        for name, value in one.outside.environ.items():  # git reads them where it runs
            monkeypatch.setenv(name, value)
        yield one


def node(class_type: str, id: int = 1, **more: Any) -> dict[str, Any]:
    place = {"pos": [0, 0], "size": [100, 50], "flags": {}, "order": 0}
    return {"id": id, "type": class_type, "mode": 0, "properties": {}, **place, **more}


def graph(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": list(nodes), "links": [], "version": 0.4}


def lora(name: str = "style.safetensors", id: int = 2, **row: Any) -> dict[str, Any]:
    """A core loader that names a file, with what the workflow says of it."""
    models = [{"name": name, "directory": "loras", **row}] if row else []
    values = [name, 1.0]
    return node("LoraLoaderModelOnly", id, widgets_values=values, properties={"models": models})


def head(folder: Path) -> str:
    argv = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# -- the plan


def test_nothing_is_missing_from_a_graph_of_core_nodes(world: RunningWorld) -> None:
    assert world.look(graph(node("EmptyImage"))).rows == ()


def test_a_missing_class_leads_to_the_pack_that_brings_it(world: RunningWorld) -> None:
    commit = world.pack()
    setup = world.look(graph(node(LOADER, 7, title="Tiny one")))
    [row] = [one.to_json() for one in setup.rows]
    assert (row["id"], row["state"], row["source"]) == ("pack:ComfyUI-Tiny", "missing", PACK)
    assert row["version"] == f"1.0.0 ({commit[:12]})"
    assert row["users"] == [{"node": "7", "title": "Tiny one", "class_type": LOADER}]
    assert [one["key"] for one in row["asks"]] == [TRUST]
    assert not list((world.base / "custom_nodes").iterdir())


def test_what_a_node_says_of_its_pack_goes_before_any_look_up(world: RunningWorld) -> None:
    commit = world.pack()
    world.published().git("tag", "-d", "1.0.0")
    world.published().commit({"later.py": ""})
    said = {"aux_id": "kijai/ComfyUI-Tiny", "ver": commit}
    setup = world.look(graph(node("Whatever", properties=said)))
    [row] = setup.rows
    assert row.tree
    assert (row.tree.url, row.tree.commit) == (PACK, commit)


def test_a_commit_that_the_repository_does_not_have_is_an_error_and_never_its_head(
    world: RunningWorld,
) -> None:
    world.pack()
    said = {"aux_id": "kijai/ComfyUI-Tiny", "ver": "ab" * 20}
    [row] = world.look(graph(node(LOADER, properties=said))).rows
    assert row.state == "unresolved"
    [finding] = row.findings
    assert "abababababab" in finding.message
    assert "runflow" not in (finding.fix or "")


def test_a_class_that_nobody_knows_stays_unresolved_with_a_way_on(world: RunningWorld) -> None:
    [row] = world.look(graph(node("NobodyKnows", 3))).rows
    assert (row.state, row.name, row.users[0].node) == ("unresolved", "NobodyKnows", "3")
    [finding] = row.findings
    assert finding.message == "nothing says which node pack brings the class NobodyKnows"
    assert finding.fix == (
        "ask the author of the workflow which pack it is, and install it by hand"
    )


def test_a_class_of_comfyui_itself_is_no_packs(world: RunningWorld) -> None:
    del world.classes["EmptyImage"]
    [row] = world.look(graph(node("EmptyImage"))).rows
    assert row.state == "unresolved"
    assert row.findings[0].message == (
        "EmptyImage is one of ComfyUI's own, and this one (v0.8.0) lacks it"
    )


def test_what_only_the_editor_knows_is_not_missing(world: RunningWorld) -> None:
    world.pack()
    both = graph(node(LOADER, 1), node("Drawn by the browser", 2))
    assert [one.name for one in world.look(both, unknown=[LOADER]).rows] == ["ComfyUI-Tiny"]


def test_nodes_in_subgraphs_and_muted_ones_count(world: RunningWorld) -> None:
    world.pack()
    id = "11111111-2222-3333-4444-555555555555"
    inner = {"id": id, "name": "inner", "nodes": [node(LOADER, 5, mode=2)], "links": []}
    outer = {**graph(node(id, 1)), "definitions": {"subgraphs": [inner]}}
    [row] = world.look(outer).rows
    assert [user.node for user in row.users] == ["5"]


def test_a_pack_that_is_there_and_in_use_is_shown_as_present(world: RunningWorld) -> None:
    shape = {"input": {"required": {}}, "output": [], "python_module": "custom_nodes.ComfyUI-Tiny"}
    world.classes[LOADER] = shape
    [row] = world.look(graph(node(LOADER))).rows
    assert (row.id, row.state) == ("pack:ComfyUI-Tiny", "present")


@pytest.mark.parametrize(
    "said",
    [
        {"cnr_id": "../victim"},
        {"aux_id": "a/.."},
        {"aux_id": "../victim"},
        {"aux_id": "https://github.com/a/.."},
        {"cnr_id": "..", "ver": "1.0.0"},
    ],
)
def test_a_pack_whose_name_leads_elsewhere_is_never_planned(
    world: RunningWorld, said: dict[str, str]
) -> None:
    victim = world.base / "victim"
    victim.mkdir()
    (victim / "mine.txt").write_text("mine")
    setup = world.look(graph(node("Evil", properties=said)))
    assert not [row for row in setup.rows if row.can_be_done]
    assert {row.state for row in setup.rows} <= {"refused", "unresolved"}
    assert (victim / "mine.txt").read_text() == "mine"


def test_a_repository_whose_name_is_no_folder_is_refused(world: RunningWorld) -> None:
    world.outside.files.place.packs["evil"] = Pack("https://github.com/a/..", classes=("Evil",))
    assert not [row for row in world.look(graph(node("Evil"))).rows if row.can_be_done]


@pytest.mark.parametrize("name", ["../../custom_nodes/x/__init__.py", "C:\\x.safetensors", "/x.pt"])
def test_a_model_whose_path_leads_elsewhere_spoils_no_other(world: RunningWorld, name: str) -> None:
    pin = world.outside.model("style.safetensors", MODEL)
    names = [lora(name, 1, url=pin.url), lora(id=2, url=pin.url)]
    setup = world.look(graph(*names))
    assert [(row.id, row.state) for row in setup.rows if row.can_be_done] == [
        ("model:loras/style.safetensors", "missing")
    ]


def test_a_model_comes_with_its_url_size_and_hash(world: RunningWorld) -> None:
    pin = world.outside.model("style.safetensors", MODEL)
    [row] = world.look(graph(lora(url=pin.url))).rows
    assert row.to_json() == {
        "id": "model:loras/style.safetensors",
        "kind": "model",
        "name": "loras/style.safetensors",
        "state": "missing",
        "users": [{"node": "2", "title": None, "class_type": "LoraLoaderModelOnly"}],
        "source": pin.url,
        "size": len(MODEL),
        "size_text": "300 kB",
        "verified": True,
        "asks": [],
        "changes": [],
        "findings": [],
    }


def test_a_prompt_wants_what_its_graph_would(world: RunningWorld) -> None:
    """A workflow in API format, which the editor does not show while nodes of it are missing."""
    world.pack()
    prompt = {
        "1": {"class_type": LOADER, "inputs": {}, "_meta": {"title": "the tiny one"}},
        "2": {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": "style.safetensors"}},
    }
    pack, model = world.look(prompt).rows
    assert (pack.id, pack.state, pack.users[0].title) == (
        *("pack:ComfyUI-Tiny", "missing", "the tiny one"),
    )
    assert (model.id, model.state) == ("model:loras/style.safetensors", "unresolved")
    assert (model.users[0].node, model.users[0].class_type) == ("2", "LoraLoaderModelOnly")


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        (
            "run it without --offline, and with RUNFLOW_OFFLINE unset",
            "restart ComfyUI with RUNFLOW_OFFLINE unset, and look again",
        ),
        (
            "set HF_TOKEN to a token that may read it",
            "set HF_TOKEN to a token that may read it, and restart ComfyUI with it",
        ),
        (
            "lock it again if the file was replaced on purpose: runflow lock --upgrade",
            "download it by hand into that folder of models/, or choose another file in the node",
        ),
        (
            "run it again: it goes on where it stopped",
            "look again: it goes on where it stopped",
        ),
        ("restore online", "restart ComfyUI with RUNFLOW_OFFLINE unset, and look again"),
        ("restore again", "look again"),
        (
            "make room on the disk, and run the command again",
            "make room on the disk, and look again",
        ),
        (
            "make room on the disk, and run it again",
            "make room on the disk, and look again",
        ),
    ],
)
def test_a_fix_is_one_for_somebody_who_has_an_editor_and_no_project(fix: str, words: str) -> None:
    finding = Finding("download-failed", "it could not be downloaded", fix=fix)
    assert plain(finding, "model").fix == words


def test_where_a_model_has_no_room_is_the_disk_of_the_models() -> None:
    told = Finding("restore-no-room", "no room", fix="set RUNFLOW_CACHE_DIR to a folder elsewhere")
    room = "make room on the disk of ComfyUI's models folder, and look again"
    assert plain(told, "model").fix == room


def test_a_name_alone_is_never_trusted(world: RunningWorld) -> None:
    world.outside.model("style.safetensors", MODEL)  # the hub has such a file
    [row] = world.look(graph(lora())).rows
    assert (row.state, row.source) == ("unresolved", None)
    assert row.findings[0].message == (
        "loras/style.safetensors is not there, and nothing says where it can be had"
    )
    assert row.findings[0].fix == (
        "download it by hand into that folder of models/, or choose another file in the node"
    )


def test_a_host_that_only_the_workflow_names_is_asked_for_nothing_before_a_yes(
    world: RunningWorld,
) -> None:
    with host_of_a_file(MODEL) as host:
        [row] = world.look(graph(lora(url=host.url, hash=sha256(MODEL), hash_type="SHA256"))).rows
        assert host.asked == []
    name = host.url.removeprefix("http://").partition("/")[0]
    assert [ask.key for ask in row.asks] == [f"host:{name}"]
    assert (row.verified, row.size) == (True, None)


def test_a_model_without_a_known_hash_wants_a_yes_of_its_own(world: RunningWorld) -> None:
    world.outside.files.place.files["https://github.com/a/b/raw/style.safetensors"] = File(MODEL)
    url = "https://github.com/a/b/raw/style.safetensors"
    [row] = world.look(graph(lora(url=url))).rows
    assert (row.verified, [ask.key for ask in row.asks]) == (
        False,
        ["unverified:loras/style.safetensors"],
    )


def test_a_pickle_wants_a_yes_of_its_own(world: RunningWorld) -> None:
    pin = world.outside.model("style.pt", MODEL)
    [row] = world.look(graph(lora("style.pt", url=pin.url))).rows
    assert [ask.key for ask in row.asks] == ["pickle:loras/style.pt"]


def test_a_model_over_an_open_line_is_refused(world: RunningWorld) -> None:
    [row] = world.look(graph(lora(url="http://example.org/style.safetensors"))).rows
    assert (row.state, row.findings[0].code) == ("refused", "download-insecure")


def test_a_model_that_is_there_is_compared_with_the_hash_that_the_workflow_says(
    world: RunningWorld,
) -> None:
    place = world.base / "models/loras/style.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(MODEL)
    right = graph(lora(hash=sha256(MODEL), hash_type="SHA256"))
    wrong = graph(lora(hash="0" * 64, hash_type="SHA256"))
    [good], [bad] = world.look(right).rows, world.look(wrong).rows
    assert (good.state, good.verified) == ("present", True)
    assert (bad.state, bad.verified, bad.findings[0].code) == ("present", False, "content-differs")


# -- installing


def test_a_pack_and_a_model_are_installed(world: RunningWorld) -> None:
    commit = world.pack()
    pin = world.outside.model("style.safetensors", MODEL)
    setup = world.look(graph(node(LOADER), lora(url=pin.url)))
    done = world.install(setup, *(row.id for row in setup.rows), yes=[TRUST])
    assert done == {
        "rows": {"pack:ComfyUI-Tiny": "done", "model:loras/style.safetensors": "done"},
        "restart": True,
        "findings": [],
    }
    assert head(world.base / "custom_nodes/ComfyUI-Tiny") == commit
    assert (world.base / "models/loras/style.safetensors").read_bytes() == MODEL
    states = [(one["row"], one["status"]) for one in world.told if one.get("step") == "row"]
    assert sorted(states) == [
        ("model:loras/style.safetensors", "done"),
        ("model:loras/style.safetensors", "running"),
        ("pack:ComfyUI-Tiny", "done"),
        ("pack:ComfyUI-Tiny", "running"),
    ]
    received = [one["received"] for one in world.told if one.get("step") == "progress"]
    assert received[-1] == {"model:loras/style.safetensors": len(MODEL)}


def test_an_installed_model_is_the_users_alone(world: RunningWorld) -> None:
    pin = world.outside.model("style.safetensors", MODEL)
    setup = world.look(graph(lora(url=pin.url)))
    world.install(setup, *(row.id for row in setup.rows))
    place = world.base / "models/loras/style.safetensors"
    assert (place.stat().st_nlink, place.is_symlink()) == (1, False)
    assert place.stat().st_mode & 0o200
    left = files_below(world.base / "models/.runflow")
    assert not [name for name in left if not name.endswith(".lock")]


def test_afterwards_the_pack_is_there_and_a_restart_is_what_it_lacks(world: RunningWorld) -> None:
    world.pack()
    setup = world.look(graph(node(LOADER)))
    world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    [row] = world.look(graph(node(LOADER))).rows
    assert row.state == "present"
    assert row.note == "it is there; restart ComfyUI, or read in its log why it was not loaded"


def test_code_of_a_repository_that_nobody_said_to_trust_is_not_installed(
    world: RunningWorld,
) -> None:
    world.pack()
    setup = world.look(graph(node(LOADER)))
    with pytest.raises(RestoreError, match="trust kijai/ComfyUI-Tiny: its code runs here"):
        world.install(setup, "pack:ComfyUI-Tiny", yes=["trust:kijai/another"])
    assert not list((world.base / "custom_nodes").iterdir())


def test_a_yes_to_a_repository_is_remembered(world: RunningWorld) -> None:
    world.pack()
    world.install(world.look(graph(node(LOADER))), "pack:ComfyUI-Tiny", yes=[TRUST])
    other = graph(node(LOADER))
    world.published().commit({"new.py": ""})
    world.outside.files.place.packs["comfyui-tiny"] = Pack(PACK, ("1.1.0",), (LOADER,))
    world.published().git("tag", "1.1.0")
    world.published().push()
    [row] = world.look(other).rows
    assert (row.state, row.asks) == ("update", ())
    assert row.note is not None
    assert row.note.startswith("there already, at ")


def test_rows_that_are_not_in_the_plan_cannot_be_started(world: RunningWorld) -> None:
    setup = world.look(graph(node("NobodyKnows")))
    for id in ("model:../custom_nodes/x/__init__.py", "pack:NobodyKnows"):
        with pytest.raises(UsageError, match="not in the plan"):
            world.install(setup, id)


def test_a_pack_with_local_changes_is_never_touched(world: RunningWorld) -> None:
    world.pack()
    world.install(world.look(graph(node(LOADER))), "pack:ComfyUI-Tiny", yes=[TRUST])
    mine = world.base / "custom_nodes/ComfyUI-Tiny/__init__.py"
    mine.write_text("# mine\n")
    world.outside.files.place.packs["comfyui-tiny"] = Pack(PACK, ("2.0.0",), (LOADER,))
    world.published().commit({"__init__.py": "# theirs\n"})
    world.published().git("tag", "2.0.0")
    world.published().push()
    [row] = world.look(graph(node(LOADER))).rows
    assert (row.state, row.findings[-1].code) == ("refused", "restore-in-the-way")
    assert "changed files (__init__.py)" in row.findings[-1].message
    assert row.findings[-1].fix == "move it away, or undo what was changed in it, and look again"
    assert mine.read_text() == "# mine\n"


def test_a_pack_that_changes_between_plan_and_start_is_left_alone(world: RunningWorld) -> None:
    world.pack()
    setup = world.look(graph(node(LOADER)))
    mine = world.base / "custom_nodes/ComfyUI-Tiny/mine.py"
    mine.parent.mkdir()
    mine.write_text("mine")
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert done["rows"] == {"pack:ComfyUI-Tiny": "failed"}
    assert [one["code"] for one in world.findings("pack:ComfyUI-Tiny")] == ["restore-in-the-way"]
    assert mine.read_text() == "mine"


def test_a_clone_under_another_name_is_the_one_that_is_updated(world: RunningWorld) -> None:
    old = world.pack()
    place = world.base / "custom_nodes/my tiny"
    subprocess.run(["git", "clone", "--quiet", PACK, str(place)], check=True, env=world.environ)
    new = world.published().commit({"new.py": ""})
    world.published().git("tag", "--force", "1.0.0")
    world.published().push()
    setup = world.look(graph(node(LOADER)))
    [row] = setup.rows
    assert (row.id, row.state, row.note) == (
        "pack:my tiny",
        "update",
        f"there already, at {old[:12]}",
    )
    world.install(setup, row.id, yes=[TRUST])
    assert head(place) == new
    assert [one.name for one in (world.base / "custom_nodes").iterdir()] == ["my tiny"]


def test_a_clone_in_another_folder_of_packs_is_there_and_never_cloned_again(
    world: RunningWorld,
) -> None:
    world.pack()
    far = world.base.parent / "shared"
    world.extra = (ExtraFolder("custom_nodes", far, goes_first=False),)
    clone = ["git", "clone", "--quiet", PACK, str(far / "my tiny")]
    subprocess.run(clone, check=True, env=world.environ)
    [row] = world.look(graph(node(LOADER))).rows
    how = "restart ComfyUI, or read in its log why it was not loaded"
    assert (row.id, row.state) == ("pack:my tiny", "present")
    assert row.note == f"it is there, in {far}; {how}"
    before = head(far / "my tiny")
    world.published().commit({"new.py": ""})
    world.published().git("tag", "--force", "1.0.0")
    world.published().push()
    [row] = world.look(graph(node(LOADER))).rows
    assert (row.state, row.can_be_done) == ("present", False)
    where = f"it is there at {before[:12]}, in {far}"
    assert row.note == f"{where}: bring it up to date there, or {how}"


def test_an_item_that_fails_stops_no_other(world: RunningWorld) -> None:
    good, bad = world.outside.model("good.safetensors", MODEL), "bad.safetensors"
    pin = world.outside.model(bad, MODEL[1:])
    setup = world.look(graph(lora("good.safetensors", 1, url=good.url), lora(bad, 2, url=pin.url)))
    for files in world.outside.files.place.repos[HUB].commits.values():
        if bad in files:
            files[bad] = File(MODEL[1:-1] + b"?")
    done = world.install(setup, *(row.id for row in setup.rows))
    assert done["rows"] == {
        "model:loras/bad.safetensors": "failed",
        "model:loras/good.safetensors": "done",
    }
    [finding] = world.findings("model:loras/bad.safetensors")
    assert finding["code"] == "download-not-the-file"
    assert not (world.base / "models/loras/bad.safetensors").exists()


def test_an_unverified_model_is_taken_after_a_yes(world: RunningWorld) -> None:
    with host_of_a_file(MODEL) as host:
        setup = world.look(graph(lora(url=host.url)))
        yes = [ask.key for ask in setup.rows[0].asks]
        done = world.install(setup, setup.rows[0].id, yes=yes)
    assert done["rows"] == {"model:loras/style.safetensors": "done"}
    assert (world.base / "models/loras/style.safetensors").read_bytes() == MODEL


def test_a_web_page_is_no_model_although_nobody_says_a_hash(world: RunningWorld) -> None:
    with host_of_a_file(PAGE, content_type="text/html") as host:
        setup = world.look(graph(lora(url=host.url)))
        yes = [ask.key for ask in setup.rows[0].asks]
        world.install(setup, setup.rows[0].id, yes=yes)
    [finding] = world.findings("model:loras/style.safetensors")
    assert finding["code"] == "download-not-the-file"
    assert not files_below(world.base / "models/loras")


def test_what_is_stopped_leaves_nothing_at_its_place_and_goes_on_later(world: RunningWorld) -> None:
    big = hashlib.shake_128(b"big").digest(40 << 20)
    row = {"hash": sha256(big), "hash_type": "SHA256"}
    with host_of_a_file(big, chunk=1 << 20) as host:
        setup = world.look(graph(lora(url=host.url, **row)))
        [one], yes = setup.rows, [ask.key for ask in setup.rows[0].asks]
        host.before_chunk = lambda at: world.stop.set() if at >= 20 << 20 else None
        assert world.install(setup, one.id, yes=yes)["rows"] == {one.id: "stopped"}
        assert not files_below(world.base / "models/loras")
        host.before_chunk = lambda at: None
        host.asked.clear()
        world.stop = threading.Event()
        assert world.install(setup, one.id, yes=yes)["rows"] == {one.id: "done"}
        assert host.asked[0] not in (None, "bytes=0-")
    assert (world.base / "models/loras/style.safetensors").read_bytes() == big


def test_a_disk_that_is_full_before_it_begins_is_said_in_words_of_the_editor(
    world: RunningWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pack()
    setup = world.look(graph(node(LOADER)))
    full = Finding("file-not-written", "no room", fix="make room, and run the command again")
    refuse = Mock(side_effect=RestoreError(full))
    monkeypatch.setattr("runflow_build.restore.apply.write_state", refuse)
    with pytest.raises(RestoreError) as error:
        world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert error.value.findings[0].fix == "make room, and look again"
    assert not (world.base / "custom_nodes/ComfyUI-Tiny").exists()


def test_a_pack_that_is_stopped_leaves_no_folder(world: RunningWorld) -> None:
    world.pack()
    setup = world.look(graph(node(LOADER)))
    world.stop.set()
    assert world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])["rows"] == {
        "pack:ComfyUI-Tiny": "stopped"
    }
    assert not list((world.base / "custom_nodes").iterdir())


# -- Python packages


def test_a_pack_gets_the_packages_that_it_asks_for(world: RunningWorld) -> None:
    world.outside.index.add(wheel("extra", "1.2", ["numpy"]), wheel("numpy", "2.2.0"))
    world.pack(files={"requirements.txt": "extra\ntorch\n"})
    setup = world.look(graph(node(LOADER)))
    assert setup.rows[0].to_json()["changes"] == ["extra 1.2"]
    before = world.versions()
    world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert world.versions() == {**before, "extra": "1.2"}


@pytest.mark.parametrize(
    "wish", ["torch==2.14.0", "numpy<2", "typing-tiny>=2", "wants-old-numpy"], ids=str
)
def test_a_pack_that_would_replace_what_comfyui_runs_on_is_refused_with_the_resolvers_words(
    world: RunningWorld, wish: str
) -> None:
    world.outside.index.add(
        wheel("torch", "2.14.0"),
        wheel("numpy", "1.26.4"),
        wheel("typing-tiny", "2.0"),
        wheel("wants-old-numpy", "1.0", ["numpy<2"]),
    )
    world.pack(files={"requirements.txt": f"{wish}\n"})
    before = world.versions()
    [row] = world.look(graph(node(LOADER))).rows
    assert (row.state, row.findings[-1].code) == ("refused", "packages-conflict")
    words = dict(row.findings[-1].also)["resolver"]
    assert any(name in words for name in ("torch", "numpy", "typing-tiny"))
    assert world.versions() == before


def test_a_conflict_that_comes_after_the_plan_places_no_pack(world: RunningWorld) -> None:
    world.outside.index.add(wheel("extra", "1.0"))
    world.pack(files={"requirements.txt": "extra\n"})
    setup = world.look(graph(node(LOADER)))
    world.outside.index.pypi.clear()
    world.outside.index.add(wheel("extra", "1.0", ["numpy<2"]), wheel("numpy", "1.26.4"))
    before = world.versions()
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert done == {"rows": {"pack:ComfyUI-Tiny": "failed"}, "restart": False, "findings": []}
    assert not list((world.base / "custom_nodes").iterdir())
    assert world.versions() == before


def test_looking_runs_no_code_of_a_package(world: RunningWorld) -> None:
    from index import source

    world.outside.index.add(source("built", "1.0"))
    world.pack(files={"requirements.txt": "built\nb @ git+https://github.com/evil/b@main\n"})
    [row] = world.look(graph(node(LOADER))).rows
    assert (row.state, row.changes) == ("missing", None)
    assert {ask.key for ask in row.asks} == {TRUST, "trust:evil/b"}


# -- install.py

SCRIPT = """\
import os, pathlib
pathlib.Path("ran.txt").write_text(pathlib.Path(os.environ["PIP_CONSTRAINT"]).read_text())
"""


def test_an_install_script_runs_only_after_a_yes(world: RunningWorld) -> None:
    world.pack(files={"install.py": SCRIPT})
    setup = world.look(graph(node(LOADER)))
    ask = setup.rows[0].asks[-1]
    assert (ask.key, ask.is_required) == ("script:ComfyUI-Tiny", False)
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert [one["code"] for one in done["findings"]] == ["install-script-not-run"]
    assert not (world.base / "custom_nodes/ComfyUI-Tiny/ran.txt").exists()


def test_an_install_script_gets_the_constraints(world: RunningWorld) -> None:
    world.pack(files={"install.py": SCRIPT})
    setup = world.look(graph(node(LOADER)))
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST, "script:ComfyUI-Tiny"])
    assert (done["rows"], done["findings"]) == ({"pack:ComfyUI-Tiny": "done"}, [])
    limits = (world.base / "custom_nodes/ComfyUI-Tiny/ran.txt").read_text().splitlines()
    assert limits == ["numpy==2.1.0", "pillow==11.0", "torch==2.13.0+cpu", "typing-tiny==1.5"]


def test_a_script_that_fails_fails_its_row(world: RunningWorld) -> None:
    world.pack(files={"install.py": "raise SystemExit('no compiler')\n"})
    setup = world.look(graph(node(LOADER)))
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST, "script:ComfyUI-Tiny"])
    assert done["rows"] == {"pack:ComfyUI-Tiny": "failed"}
    [finding] = world.findings("pack:ComfyUI-Tiny")
    assert finding["also"][0]["text"] == "no compiler"


# -- without git


def archive_of(world: RunningWorld, commit: str) -> bytes:
    """What GitHub's codeload gives for a commit: the real `git archive` names it."""
    argv = ["git", "archive", "--format=tar.gz", f"--prefix=ComfyUI-Tiny-{commit}/", commit]
    return subprocess.run(argv, cwd=world.published().work, capture_output=True, check=True).stdout


@pytest.fixture
def no_git(world: RunningWorld, monkeypatch: pytest.MonkeyPatch) -> str:
    """GitHub's web server has the pack, and nobody here has git; the commit."""
    commit = world.pack(files={"sub/data.txt": "data", "run.sh": "echo"})
    serve_without_git(world, commit, archive_of(world, commit))
    monkeypatch.setenv("PATH", str(world.base))
    for name, value in world.outside.environ.items():  # the hosts are more by now
        monkeypatch.setenv(name, value)
    return commit


def serve_without_git(world: RunningWorld, commit: str, archive: bytes) -> None:
    files, name = world.outside.files.place.files, "kijai/ComfyUI-Tiny"
    lines = [f"{commit} HEAD\0multi_ack\n", f"{commit} refs/heads/main\n"]
    lines += [f"{'c' * 40} refs/tags/1.0.0\n", f"{commit} refs/tags/1.0.0^{{}}\n"]
    packets = ["# service=git-upload-pack\n", "", *lines, ""]
    said = "".join(f"{len(one) + 4:04x}{one}" if one else "0000" for one in packets)
    files[f"https://github.com/{name}/info/refs"] = File(said.encode())
    files[f"https://codeload.github.com/{name}/tar.gz/{commit}"] = File(archive)
    for path in ("__init__.py", "pyproject.toml"):
        data = PACK_FILES.get(path)
        if data:
            url = f"https://raw.githubusercontent.com/{name}/{commit}/{path}"
            files[url] = File(data.encode())


def test_without_git_a_pack_of_github_comes_as_its_archive(
    world: RunningWorld, no_git: str
) -> None:
    setup = world.look(graph(node(LOADER)))
    assert [(row.id, row.state) for row in setup.rows] == [("pack:ComfyUI-Tiny", "missing")]
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert done["rows"] == {"pack:ComfyUI-Tiny": "done"}
    place = world.base / "custom_nodes/ComfyUI-Tiny"
    assert files_below(place) == {
        *("__init__.py", "sub/data.txt", "run.sh"),
        ".runflow-commit.json",
    }
    assert no_git in (place / ".runflow-commit.json").read_text()
    assert world.look(graph(node(LOADER))).rows[0].state == "present"


@pytest.mark.parametrize("kind", ["another commit", "no commit", "cut off", "climbs", "link"])
def test_an_archive_that_is_not_the_commits_leaves_nothing(
    world: RunningWorld, no_git: str, kind: str
) -> None:
    setup = world.look(graph(node(LOADER)))
    url = f"https://codeload.github.com/kijai/ComfyUI-Tiny/tar.gz/{no_git}"
    world.outside.files.place.files[url] = File(bad_archive(world, no_git, kind))
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert done["rows"] == {"pack:ComfyUI-Tiny": "failed"}
    assert [one["code"] for one in world.findings("pack:ComfyUI-Tiny")] == ["checkout-failed"]
    assert not list((world.base / "custom_nodes").iterdir())
    assert not (world.base / "climbed.txt").exists()


def test_a_link_in_an_archive_is_a_file_where_links_want_a_privilege(
    world: RunningWorld, no_git: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where git writes what the link says, too."""
    setup = world.look(graph(node(LOADER)))
    url = f"https://codeload.github.com/kijai/ComfyUI-Tiny/tar.gz/{no_git}"
    world.outside.files.place.files[url] = File(bad_archive(world, no_git, "link inside"))

    def refused(self: Path, *_: object) -> None:
        raise OSError(22, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refused)
    done = world.install(setup, "pack:ComfyUI-Tiny", yes=[TRUST])
    assert done["rows"] == {"pack:ComfyUI-Tiny": "done"}
    link = world.base / "custom_nodes/ComfyUI-Tiny/a.txt"
    assert (link.is_symlink(), link.read_text()) == (False, "b.txt")


def bad_archive(world: RunningWorld, commit: str, kind: str) -> bytes:
    whole: bytes = (
        world.outside.files.place.files[
            f"https://codeload.github.com/kijai/ComfyUI-Tiny/tar.gz/{commit}"
        ].data
        or b""
    )
    if kind == "another commit":
        return gzip.compress(gzip.decompress(whole).replace(commit.encode(), b"d" * 40))
    if kind == "cut off":
        return whole[: len(whole) // 2]
    out = io.BytesIO()
    headers = {} if kind == "no commit" else {"comment": commit}
    with tarfile.open(
        fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as tar:
        row = tarfile.TarInfo("x/../../../climbed.txt" if kind == "climbs" else "x/a.txt")
        if kind.startswith("link"):
            row.type = tarfile.SYMTYPE
            row.linkname = "b.txt" if kind == "link inside" else "../../../etc"
        tar.addfile(row, io.BytesIO(b""))
    return out.getvalue()


def test_without_git_what_only_git_can_do_names_git(world: RunningWorld, no_git: str) -> None:
    world.outside.files.place.packs["comfyui-tiny"] = Pack(
        "https://gitlab.com/kijai/ComfyUI-Tiny", classes=(LOADER,)
    )
    [row] = world.look(graph(node(LOADER))).rows
    assert row.state == "unresolved"
    assert "the git program was not found" in row.findings[0].message
    assert row.findings[0].fix == (
        "install git, or put the folder that it is in on the PATH, and restart ComfyUI"
    )


def test_without_git_a_repository_that_is_gone_has_no_version(
    world: RunningWorld, no_git: str
) -> None:
    with opened(os.environ) as (outside, _):
        assert outside.git.commit_of_version(PACK, "1.0.0") == no_git
        assert outside.git.commit_of_version("https://github.com/kijai/gone", "1.0.0") is None
