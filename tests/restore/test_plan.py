"""Wanted and present become steps; what is true gives none, what is the user's is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runflow_build.restore.package_drift import Kind, PackageDrift
from runflow_build.restore.plan import InTheWay, Plan, Present, Tree, plan
from runflow_build.restore.state import Restored
from runflow_build.restore.wanted import (
    Wanted,
    WantedFile,
    WantedPackages,
    WantedTree,
    unplaceable,
)
from runflow_build.sources.files import Content
from runflow_build.spec.model import Spec

CODE, PACK, OTHER = "c" * 40, "d" * 40, "e" * 40
MODEL, INPUT, STRANGE = "1" * 64, "2" * 64, "3" * 64
CODE_URL = "https://github.com/comfyanonymous/ComfyUI"
PACK_URL = "https://github.com/kijai/ComfyUI-KJNodes"
PACK_PLACE = "ComfyUI/custom_nodes/KJNodes"
MODEL_PLACE = "ComfyUI/models/loras/style.safetensors"
INPUT_PLACE = "ComfyUI/input/otter.png"
MODEL_URL = "https://huggingface.co/acme/styles/resolve/abc/style.safetensors"

WANTED = Wanted(
    trees=(
        WantedTree("ComfyUI", "ComfyUI", CODE_URL, CODE),
        WantedTree("KJNodes", PACK_PLACE, PACK_URL, PACK),
    ),
    packages=WantedPackages("linux-cpu", "3.12", "pylock.linux-cpu.toml", "", 3, 900),
    files=(
        WantedFile("models/loras/style.safetensors", MODEL_PLACE, MODEL, 70, MODEL_URL),
        WantedFile("input/otter.png", INPUT_PLACE, INPUT, 5, None),
    ),
)
THERE = Present(
    trees={"ComfyUI": Tree(CODE, f"{CODE_URL}.git"), PACK_PLACE: Tree(PACK, PACK_URL)},
    files={MODEL_PLACE: Content(MODEL, 70), INPUT_PLACE: Content(INPUT, 5)},
    environment=True,
    is_own=True,
    is_whole=True,
    state=Restored(target="linux-cpu"),
    inputs={"input/otter.png": INPUT},
)
NOTHING = Present(inputs={"input/otter.png": INPUT})


def drifted(name: str, kind: Kind) -> PackageDrift:
    return PackageDrift(name, kind, f"{name} differs")


def spec(**policy: Any) -> Spec:
    return Spec.model_validate(
        {"version": 1, "comfyui": {"ref": CODE}, "endpoints": {}, "policy": policy}
    )


def planned(present: Present, wanted: Wanted = WANTED, **policy: Any) -> Plan:
    return plan(wanted, present, spec(**policy), lambda url: url == CODE_URL)


def rows(found: Plan) -> list[tuple[str, str, str]]:
    return [(step.kind, step.name, step.reason) for step in found.steps]


def codes(found: Plan) -> list[str]:
    return [finding.code for finding in found.findings]


def wants(file: WantedFile) -> Wanted:
    return replace(WANTED, files=(file,))


def test_an_empty_folder_needs_everything_and_the_code_comes_first() -> None:
    found = planned(NOTHING)
    assert rows(found) == [
        ("checkout", "ComfyUI", "missing"),
        ("checkout", "KJNodes", "missing"),
        ("environment", "pylock.linux-cpu.toml", "missing"),
        ("model", "models/loras/style.safetensors", "missing"),
        ("resource", "input/otter.png", "missing"),
    ]
    assert [step.trusted for step in found.steps] == [True, False, None, None, None]
    assert found.findings == ()


def test_a_folder_that_is_as_the_lock_says_needs_nothing() -> None:
    assert planned(THERE) == Plan(())


def test_the_bytes_to_fetch_are_those_of_files_that_are_not_at_hand() -> None:
    assert (planned(NOTHING).fetch, planned(NOTHING).unsized) == (970, 2)
    assert planned(replace(NOTHING, stored=[MODEL])).fetch == 900
    assert planned(replace(NOTHING, partial={MODEL: 30})).fetch == 940


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (Tree(OTHER, PACK_URL), f"at {OTHER[:12]}"),
        (Tree(None, PACK_URL), "at no commit"),
        (Tree(PACK, PACK_URL, submodules=("lib",)), "submodules: lib"),
    ],
)
def test_a_tree_at_another_commit_is_moved(tree: Tree, reason: str) -> None:
    present = replace(THERE, trees={**THERE.trees, PACK_PLACE: tree})
    assert rows(planned(present)) == [("checkout", "KJNodes", reason)]


@pytest.mark.parametrize(
    "tree",
    [
        InTheWay("a folder that is no git clone"),
        Tree(PACK, "https://github.com/someone/else"),
        Tree(PACK, None),
        Tree(OTHER, PACK_URL, changes=("nodes.py",)),
    ],
)
def test_what_is_not_a_clean_clone_of_the_repository_is_left_alone(tree: Tree | InTheWay) -> None:
    found = planned(replace(THERE, trees={**THERE.trees, PACK_PLACE: tree}))
    assert (rows(found), codes(found)) == ([], ["restore-in-the-way"])


def test_changed_files_at_the_right_commit_stay_with_a_warning() -> None:
    tree = Tree(PACK, PACK_URL, changes=("nodes.py",))
    found = planned(replace(THERE, trees={**THERE.trees, PACK_PLACE: tree}))
    assert rows(found) == []
    assert [(one.code, one.severity) for one in found.findings] == [("drift-files", "warning")]


def test_a_checkout_that_was_killed_is_done_again_whatever_it_left() -> None:
    tree = Tree(OTHER, PACK_URL, changes=("nodes.py",), is_moving=True)
    present = replace(THERE, trees={**THERE.trees, PACK_PLACE: tree})
    assert rows(planned(present)) == [("checkout", "KJNodes", "an interrupted checkout")]


def test_a_file_of_the_user_is_never_replaced() -> None:
    present = replace(THERE, files={**THERE.files, MODEL_PLACE: Content(STRANGE, 9)})
    assert codes(planned(present)) == ["restore-in-the-way"]


def test_a_file_of_an_earlier_restore_is_replaced() -> None:
    present = replace(
        THERE,
        files={**THERE.files, MODEL_PLACE: Content(STRANGE, 9)},
        state=THERE.state.with_(files={MODEL_PLACE: (STRANGE, MODEL)}),
    )
    assert [step.kind for step in planned(present).steps] == ["model"]


def test_a_model_without_a_url_is_a_finding_unless_its_content_is_at_hand() -> None:
    wanted = wants(replace(WANTED.files[0], url=None))
    missing = replace(THERE, files={})
    assert codes(planned(missing, wanted)) == ["model-no-source"]
    assert rows(planned(replace(missing, stored=[MODEL]), wanted)) == [
        ("model", "models/loras/style.safetensors", "missing")
    ]
    assert planned(THERE, wanted) == Plan(())


@pytest.mark.parametrize(
    ("own", "code"), [(None, "resource-missing"), (STRANGE, "resource-changed")]
)
def test_an_input_file_has_to_be_in_the_project_as_it_was_locked(
    own: str | None, code: str
) -> None:
    present = replace(THERE, files={}, inputs={"input/otter.png": own})
    assert codes(planned(present, wants(WANTED.files[1]))) == [code]


def test_data_comes_from_trusted_hosts_only() -> None:
    wanted = wants(replace(WANTED.files[0], url="https://huggingface.co.evil.example/x"))
    assert codes(planned(replace(THERE, files={}), wanted)) == ["host-not-trusted"]


@pytest.mark.parametrize(("choice", "found"), [("deny", ["error"]), ("warn", ["warning"])])
def test_a_pickle_is_as_bad_as_the_policy_says(choice: str, found: list[str]) -> None:
    file = WantedFile("models/checkpoints/old.ckpt", "ComfyUI/models/x", MODEL, 1, MODEL_URL)
    told = planned(replace(THERE, files={}), wants(file), pickle_models=choice).findings
    assert [(one.code, one.severity) for one in told] == [("model-pickle", *found)]


def test_packages_that_differ_are_brought_in_line_in_an_environment_of_ours() -> None:
    present = replace(THERE, packages=[drifted("torch", "version")])
    assert rows(planned(present)) == [
        ("environment", "pylock.linux-cpu.toml", "packages that differ: torch")
    ]
    foreign = replace(present, is_own=False, is_whole=False)
    assert codes(planned(foreign)) == ["restore-in-the-way"]


def test_a_foreign_environment_that_has_everything_is_good_enough() -> None:
    assert planned(replace(THERE, is_own=False, is_whole=False)) == Plan(())


def test_an_environment_that_was_not_finished_is_gone_on_with() -> None:
    found = planned(replace(THERE, is_whole=False))
    assert rows(found) == [("environment", "pylock.linux-cpu.toml", "not whole for this pylock")]


def test_what_an_install_script_brought_beyond_the_lock_stays() -> None:
    present = replace(THERE, packages=[drifted("gguf", "extra")])
    assert [step.kind for step in planned(present).steps] == ["environment"]
    ran = replace(present, state=THERE.state.with_(scripts={"KJNodes": PACK}))
    assert planned(ran) == Plan(())


def test_an_install_script_runs_once_for_a_commit_and_only_if_the_policy_says_so() -> None:
    assert rows(planned(THERE, install_scripts=["KJNodes"])) == [
        ("script", "KJNodes", "allowed by policy")
    ]
    ran = replace(THERE, state=THERE.state.with_(scripts={"KJNodes": PACK}))
    assert rows(planned(ran, install_scripts=["KJNodes"])) == []


def test_an_install_script_runs_again_after_the_packages_changed() -> None:
    off = [drifted("torch", "missing")]
    state = THERE.state.with_(scripts={"KJNodes": PACK})
    found = planned(replace(THERE, state=state, packages=off), install_scripts=["KJNodes"])
    assert [step.kind for step in found.steps] == ["environment", "script"]


# -- names


def pack(name: str) -> list[WantedTree]:
    return [WantedTree(name, f"ComfyUI/custom_nodes/{name}", PACK_URL, PACK)]


def model(path: str) -> list[WantedFile]:
    return [WantedFile(f"models/{path}", f"ComfyUI/models/{path}", MODEL, 1, MODEL_URL)]


@pytest.mark.parametrize(
    "name",
    ["..", "a/b", "a\\b", "CON", "nul.txt", "com1", "x.", "x ", "a:b", ".git", "", "a\nb", "GIT~1"],
)
def test_a_pack_with_such_a_name_is_not_restored(name: str) -> None:
    assert [one.code for one in unplaceable(pack(name), [])] == ["restore-name"]


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/x", "a//b", "a/./b", "a/../../b", "a/.git/hooks/x", "aux/x", "C:/x", "a/x?", ""],
)
def test_a_model_with_such_a_path_is_not_restored(path: str) -> None:
    assert [one.code for one in unplaceable([], model(path))] == ["restore-name"]


def test_an_input_file_stays_below_input() -> None:
    files = [WantedFile("main.py", "ComfyUI/main.py", INPUT, 1, None)]
    assert [one.code for one in unplaceable([], files)] == ["restore-name"]


@pytest.mark.parametrize(
    "more",
    [lambda: model("LORAS/x.safetensors"), lambda: model("loras/x.safetensors/y.safetensors")],
)
def test_two_names_that_cannot_both_be_are_refused(more: Callable[[], list[WantedFile]]) -> None:
    files = [*model("loras/x.safetensors"), *more()]
    assert [one.code for one in unplaceable([], files)] == ["restore-name"]


def test_ordinary_names_are_fine() -> None:
    names = ("ComfyUI-KJNodes", "комфи", "was node suite", "rgthree-comfy", "comfy.v2")
    assert [unplaceable(pack(name), model(f"{name}/x y.safetensors")) for name in names] == [
        [] for _ in names
    ]
