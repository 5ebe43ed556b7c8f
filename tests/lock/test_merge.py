"""A merge conflict in the lock: both sides are read, and their pins become one lock."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build import digest
from runflow_build.errors import LockError
from runflow_build.findings import Finding, render
from runflow_build.lock.conflict import Sides, first_mark, split_conflict
from runflow_build.lock.merge import (
    merge_locks,
    merged_definitions,
    merged_file,
    read_merged_lock,
)
from runflow_build.lock.model import (
    ComfyUIPin,
    EndpointPin,
    FilePin,
    Lock,
    ModelPin,
    NodePackPin,
    PythonPins,
    ResourcePin,
    TargetPins,
)
from runflow_build.lock.text import lock_text, read_lock
from runflow_build.spec.model import Spec
from runflow_build.spec.read import read_spec
from runflow_build.tasks.unmerged import unmerged

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64
A, B, C = "a" * 40, "b" * 40, "c" * 40


def lock(**fields: Any) -> Lock:
    return Lock(**{"python": PythonPins(version="3.12"), **fields})


def pack(commit: str = A, **fields: Any) -> NodePackPin:
    return NodePackPin(**{"repository": "https://github.com/o/p", "commit": commit, **fields})


def model(sha256: str = ONE, **fields: Any) -> ModelPin:
    return ModelPin(sha256=sha256, **fields)


def comfyui(ref: str = "v1", commit: str = A) -> ComfyUIPin:
    return ComfyUIPin(
        repository="https://github.com/comfyanonymous/ComfyUI", ref=ref, commit=commit
    )


def python(versions: dict[str, str], sha256: str | None = ONE) -> PythonPins:
    pylock = FilePin(file="pylock.linux-cpu.toml", sha256=sha256) if sha256 else None
    targets = {"linux-cpu": TargetPins(pylock=pylock)}
    return PythonPins(version="3.12", packages=versions, targets=targets)


def spec(more: str = "", ref: str = "v1") -> Spec:
    return read_spec(f"version: 1\ncomfyui: {{ref: {ref}}}\nendpoints: {{}}\n{more}").spec


# -- the marks


PLAIN = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> feature\nd\n"
DIFF3 = "a\n<<<<<<< HEAD\nb\n||||||| 1234\nx\n=======\nc\n>>>>>>> feature\nd\n"


def test_a_text_with_marks_has_two_sides_and_maybe_a_base() -> None:
    assert split_conflict(PLAIN, "f") == ("a\nb\nd\n", "a\nc\nd\n", None, "HEAD", "feature")
    assert split_conflict(DIFF3, "f") == ("a\nb\nd\n", "a\nc\nd\n", "a\nx\nd\n", "HEAD", "feature")
    assert split_conflict("a\n", "f")[:3] == ("a\n", "a\n", "a\n")


def test_a_base_is_known_only_where_every_conflict_has_it() -> None:
    assert split_conflict(DIFF3 + PLAIN, "f").base is None
    assert split_conflict(DIFF3 + DIFF3, "f").base == "a\nx\nd\na\nx\nd\n"


def test_sides_may_be_empty_and_lines_end_as_they_did() -> None:
    assert split_conflict("<<<<<<< a\n=======\nc\n>>>>>>> b\n", "f")[:2] == ("", "c\n")
    assert split_conflict(PLAIN.replace("\n", "\r\n"), "f")[:2] == (
        "a\r\nb\r\nd\r\n", "a\r\nc\r\nd\r\n",
    )  # fmt: skip
    assert split_conflict(PLAIN + "e", "f").ours.endswith("d\ne")


def test_longer_marks_are_the_text_of_a_base_that_was_merged_itself() -> None:
    text = DIFF3.replace("x\n", "<<<<<<<<< t1\nx\n=========\ny\n>>>>>>>>> t2\n")
    found = split_conflict(text, "f")
    assert (found.ours, found.theirs) == ("a\nb\nd\n", "a\nc\nd\n")
    assert found.base == "a\n<<<<<<<<< t1\nx\n=========\ny\n>>>>>>>>> t2\nd\n"


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< a\n<<<<<<< b\n=======\n>>>>>>> b\n",
        "<<<<<<< a\n=======\n=======\n>>>>>>> b\n",
        "<<<<<<< a\n=======\n||||||| x\n>>>>>>> b\n",
        "<<<<<<< a\n||||||| x\n||||||| x\n=======\n>>>>>>> b\n",
        "<<<<<<< a\n>>>>>>> b\n",
        "=======\n",
        ">>>>>>> b\n",
        "||||||| b\n",
        "<<<<<<< a\n=======\n",
        "<<<<<<< a\n",
    ],
)
def test_marks_that_make_no_sense_are_an_error(text: str) -> None:
    with pytest.raises(LockError, match=r"f:\d+:1: error lock-conflict: .*\n  fix +take one side"):
        split_conflict(text, "f")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.lists(st.sampled_from(["a", "= b", "é\u2028", "<<<"]))] * 4)))
def test_splitting_gives_back_what_was_joined(blocks: list[tuple[list[str], ...]]) -> None:
    sides: dict[str, list[str]] = {"ours": [], "theirs": [], "base": []}
    text: list[str] = []
    for before, ours, base, theirs in blocks:
        text += [*before, "<<<<<<< o", *ours, "||||||| b", *base, "=======", *theirs, ">>>>>>> t"]
        for name, lines in (("ours", ours), ("theirs", theirs), ("base", base)):
            sides[name] += [*before, *lines]

    def joined(lines: list[str]) -> str:
        return "".join(f"{line}\n" for line in lines)

    found = split_conflict(joined(text), "f")
    assert (found.ours, found.theirs, found.base) == tuple(joined(one) for one in sides.values())


# -- the pins


def test_pins_of_both_sides_are_kept() -> None:
    base = lock(nodes={"p": pack()}, models={"a": model()})
    ours = lock(nodes={"p": pack(), "mine": pack(B)}, models={"a": model()})
    theirs = lock(nodes={"p": pack()}, models={"a": model(), "b": model(TWO)})
    for known in (base, None):
        merged = merge_locks(ours, theirs, known)
        assert set(merged.lock.nodes) == {"p", "mine"}
        assert set(merged.lock.models) == {"a", "b"}
        assert merged.taken == [("pack mine", "ours"), ("b", "theirs")]


def test_of_two_changed_pins_the_one_that_is_not_the_bases_is_taken() -> None:
    base, ours, theirs = (lock(nodes={"p": pack(one)}) for one in (A, A, B))
    assert merge_locks(ours, theirs, base).lock.nodes["p"].commit == B
    assert merge_locks(theirs, ours, base).lock.nodes["p"].commit == B
    assert merge_locks(ours, theirs, lock(nodes={"p": pack(C)})).lock.nodes["p"].commit == A
    assert merge_locks(ours, theirs).lock.nodes["p"].commit == A  # nothing is known: ours


def test_what_one_side_deleted_stays_deleted_unless_the_other_changed_it() -> None:
    base, changed, without = (lock(models=rows) for rows in ({"a": model()}, {"a": model(TWO)}, {}))
    assert merge_locks(base, without, base).lock.models == {}
    assert merge_locks(without, base, base).lock.models == {}
    assert merge_locks(changed, without, base).lock.models == {"a": model(TWO)}
    assert merge_locks(without, changed, base).lock.models == {"a": model(TWO)}
    assert merge_locks(without, base).lock.models == {"a": model()}  # new, for all we know


@pytest.mark.parametrize("swapped", [False, True])
def test_the_pin_that_answers_the_merged_wish_goes_first(swapped: bool) -> None:
    old = lock(
        comfyui=comfyui("v1"),
        nodes={"p": pack(ref="v1")},
        models={"x/a": model(url="https://a.b/1", wanted="https://a.b/main")},
        resources={"input/a": ResourcePin(sha256=ONE, url="https://a.b/1")},
        python=PythonPins(version="3.12"),
    )
    new = lock(
        comfyui=comfyui("v2", B),
        nodes={"p": pack(B, ref="v2")},
        models={"x/a": model(TWO, url="https://a.b/2", wanted="https://a.b/next")},
        resources={"input/a": ResourcePin(sha256=TWO, url="https://a.b/2")},
        python=PythonPins(version="3.13"),
    )
    wished = spec(
        "nodes: {p: {ref: v2}}\n"
        "python: {version: '3.13'}\n"
        "models: {x/a: {url: https://a.b/next}}\n"
        "resources: {input/a: {url: https://a.b/2}}\n",
        ref="v2",
    )
    ours, theirs = (new, old) if swapped else (old, new)
    assert merge_locks(ours, theirs, None, wished).lock == new
    assert merge_locks(ours, theirs, new, wished).lock == new  # before what changed since


def test_who_uses_a_pin_is_no_difference() -> None:
    base = lock(nodes={"p": pack(required_by=["a"])}, models={"m": model(used_by=["a"])})
    ours = lock(nodes={"p": pack(required_by=["a", "b"])}, models={"m": model(used_by=["a", "b"])})
    theirs = lock(nodes={"p": pack(B, required_by=["a"])}, models={"m": model(used_by=["c"])})
    merged = merge_locks(ours, theirs, base)
    assert merged.lock.nodes["p"].commit == B
    assert merged.taken == [("pack p", "theirs")]


def test_packages_are_taken_whole_where_the_code_is_that_sides_own() -> None:
    base = lock(python=python({"x": "1"}))
    theirs = lock(python=python({"x": "2", "y": "1"}, TWO), nodes={"p": pack()})
    ours = lock(python=python({"x": "1"}), models={"m": model()})
    merged = merge_locks(ours, theirs, base)
    assert merged.lock.python == theirs.python
    assert ("Python packages", "theirs") in merged.taken


def test_packages_of_mixed_code_are_only_versions_to_prefer() -> None:
    base = lock(python=python({"x": "1"}))
    ours = lock(python=python({"x": "1", "a": "1"}, TWO), nodes={"a": pack()})
    theirs = lock(python=python({"x": "2", "b": "1"}, THREE), nodes={"b": pack(B)})
    merged = merge_locks(ours, theirs, base)
    assert merged.lock.python == python({"x": "1", "a": "1", "b": "1"}, None)
    assert ("Python packages", "mixed") in merged.taken
    same = merge_locks(
        ours, lock(python=ours.python, nodes={"b": pack(B)}), base
    )  # the same versions answer both
    assert same.lock.python == ours.python


pins = st.dictionaries(st.sampled_from("abc"), st.sampled_from([A, B, C]).map(pack))
models = st.dictionaries(st.sampled_from("abc"), st.sampled_from([ONE, TWO]).map(model))
pythons = st.sampled_from([python({}), python({"x": "1"}), python({"x": "2"}, TWO)])
locks = st.builds(
    Lock,
    comfyui=st.none() | st.sampled_from(["v1", "v2"]).map(comfyui),
    nodes=pins,
    models=models,
    python=pythons,
    runflow=st.sampled_from([None, "0.1.0", "0.2.0"]),
)


@settings(max_examples=100, deadline=None)
@given(locks, locks, locks)
def test_merging_keeps_what_merging_must_keep(ours: Lock, theirs: Lock, base: Lock) -> None:
    assert merge_locks(ours, ours, base).lock == ours
    assert merge_locks(ours, base, base).lock == ours
    assert merge_locks(base, theirs, base).lock == theirs
    for known in (base, None):
        merged = merge_locks(ours, theirs, known).lock
        for kind in ("nodes", "models"):
            for key, pin in getattr(merged, kind).items():
                assert pin in (getattr(ours, kind).get(key), getattr(theirs, kind).get(key))
        assert read_lock(lock_text(merged)) == merged


# -- the text


def conflicting(tmp_path: Path, base: Lock, ours: Lock, theirs: Lock, *options: str) -> str:
    """What git itself makes of the three."""
    files = []
    for name, one in (("HEAD", ours), ("base", base), ("feature", theirs)):
        files.append(tmp_path / name)
        files[-1].write_text(lock_text(one), newline="\n")
    done = subprocess.run(
        ["git", "merge-file", "-p", "-q", *options, *(str(file) for file in files)],
        capture_output=True,
        text=True,
        check=False,
    )
    labels = {str(tmp_path / name): name for name in ("HEAD", "base", "feature")}
    text = done.stdout
    for path, name in labels.items():
        text = text.replace(path, name)
    return text


def three() -> tuple[Lock, Lock, Lock]:
    base = lock(
        comfyui=comfyui(),
        nodes={"p": pack(A), "q": pack(A)},
        endpoints={"e": EndpointPin(name="E", workflow="e.json", prompt=ONE)},
    )
    ours = base.model_copy(update={"nodes": {"p": pack(B), "q": pack(A)}, "models": {"a": model()}})
    theirs = base.model_copy(
        update={"nodes": {"p": pack(A), "q": pack(C)}, "models": {"b": model(TWO)}}
    )
    return base, ours, theirs


def test_what_git_left_is_read_and_told(tmp_path: Path) -> None:
    base, ours, theirs = three()
    text = conflicting(tmp_path, base, ours, theirs)
    assert first_mark(text)
    merged, findings = read_merged_lock(text)
    assert set(merged.models) == {"a", "b"}
    assert (merged.nodes["p"].commit, merged.nodes["q"].commit) == (B, C)
    shown = render(findings).splitlines()
    assert shown[0].endswith(
        "note lock-merged: a merge conflict is resolved: pins of both sides are kept"
    )
    assert shown[1:] == [
        "  ours (HEAD) a",
        "  theirs (feature) b",
        "  fix       read what it brought: runflow diff",
    ]


@pytest.mark.parametrize("style", ["--diff3", "--zdiff3"])
def test_with_a_base_in_the_text_the_changed_pin_is_taken(tmp_path: Path, style: str) -> None:
    base, ours, _ = three()
    theirs = base.model_copy(update={"models": {"b": model(TWO)}, "runflow": "0.1.0"})
    text = conflicting(tmp_path, base, ours, theirs, style)
    merged, _ = read_merged_lock(text)
    assert (merged.nodes["p"].commit, set(merged.models)) == (B, {"a", "b"})


def test_the_index_knows_better_than_the_marks(tmp_path: Path) -> None:
    base, ours, theirs = (lock(nodes={"p": pack(one)}) for one in (A, A, B))
    text = "lock: 1\n<<<<<<< HEAD\n=======\n>>>>>>> feature\n"
    sides = Sides(lock_text(ours), lock_text(theirs), lock_text(base))
    merged, findings = read_merged_lock(text, None, sides)
    assert merged.nodes["p"].commit == B
    assert findings[0].also == (("theirs (feature)", "pack p"),)


def test_a_text_without_marks_is_read_as_ever() -> None:
    one = lock(models={"a": model()})
    assert read_merged_lock(lock_text(one)) == (one, [])
    with pytest.raises(LockError, match="lock-malformed"):
        read_merged_lock("lock: 1\n")


def marked(ours: str, theirs: str) -> str:
    return f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> feature\n"


def test_a_side_that_is_no_lock_is_passed_over_and_said() -> None:
    good = lock(models={"a": model()})
    for text, kept in (
        (marked(lock_text(good), "lock: nonsense\n"), "ours (HEAD) is taken"),
        (marked("lock: nonsense\n", lock_text(good)), "theirs (feature) is taken"),
    ):
        merged, (finding,) = read_merged_lock(text)
        assert merged == good
        assert kept in finding.message and finding.severity == "note"


def test_where_no_side_is_a_lock_a_person_has_to_choose() -> None:
    with pytest.raises(LockError, match=r"lock-conflict: .* no side that is a lock\n.*--theirs"):
        read_merged_lock(marked("lock: nonsense\n", "nonsense\n"))


def test_a_side_of_a_newer_format_is_not_lost() -> None:
    newer = lock_text(lock()).replace("lock: 1", "lock: 2")
    with pytest.raises(LockError, match="lock-newer"):
        read_merged_lock(marked(newer, lock_text(lock())))


def test_a_branch_with_an_odd_name_cannot_move_the_cursor() -> None:
    text = marked(lock_text(lock()), lock_text(lock(models={"a": model()})))
    _, (finding,) = read_merged_lock(text.replace("feature", "x\x1b[2K" + "y" * 500))
    assert isinstance(finding, Finding)
    assert "\x1b" not in finding.also[0][0] and len(finding.also[0][0]) < 100


def test_many_pins_are_not_all_named() -> None:
    theirs = lock(models={f"m{number:02}": model() for number in range(20)})
    _, (finding,) = read_merged_lock(marked(lock_text(lock()), lock_text(theirs)))
    assert finding.also[0][1].endswith("m07 and 12 more")


# -- companions


def test_a_pylock_file_is_the_one_that_the_lock_names_or_none() -> None:
    mine, other = "a\nb\n", "a\nc\n"
    text = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> feature\n"

    def digest_of(one: str) -> str:
        return digest.of_bytes(one.encode())

    assert merged_file(text, digest_of(mine), "f") == mine
    assert merged_file(text, digest_of(other), "f") == other
    assert merged_file(text, digest_of("else"), "f") is None
    assert merged_file(text, digest_of("else"), "f", Sides("else", "x")) == "else"
    assert merged_file(mine, digest_of(mine), "f") == mine
    assert merged_file("<<<<<<< a\n", digest_of(mine), "f") is None


def definitions(comfyui: str, **classes: str) -> str:
    rows = ",\n".join(
        json.dumps(name) + ": " + json.dumps({"input": {"required": {}}, "output": [kind]})
        for name, kind in sorted(classes.items())
    )
    return f'{{"definitions": 1, "comfyui": "{comfyui}", "nodes": {{\n{rows}\n}}}}\n'


def test_definitions_of_both_sides_are_kept_by_class() -> None:
    ours = definitions("0.8.0", A="X", B="OURS")
    theirs = definitions("0.9.0", B="THEIRS", C="X")
    found = merged_definitions(marked(ours, theirs))
    assert found and set(found.nodes) == {"A", "B", "C"}
    assert (found.nodes["B"]["output"], found.comfyui) == (["OURS"], "0.8.0")
    later = merged_definitions(marked(ours, theirs), "0.9.0")
    assert later and (later.nodes["B"]["output"], later.comfyui) == (["THEIRS"], "0.9.0")
    half = merged_definitions(marked("{\n", theirs))
    assert half and set(half.nodes) == {"B", "C"}
    assert merged_definitions(marked("{\n", "[]\n")) is None
    assert merged_definitions("<<<<<<< a\n") is None


# -- git's index


def test_the_index_has_the_texts_that_a_merge_started_from(
    new_clone: Callable[..., Any], tmp_path: Path
) -> None:
    clone = new_clone(tmp_path / "work")
    base, ours, theirs = (lock_text(one) for one in three())
    name = "in a folder/[x].lock"
    folder = clone.path / "in a folder"
    clone.commit({name: base}, pushed=False)
    assert unmerged(folder, "[x].lock") is None
    clone.git("checkout", "--quiet", "-b", "feature")
    clone.commit({name: theirs}, pushed=False)
    clone.git("checkout", "--quiet", "main")
    clone.commit({name: ours}, pushed=False)
    with pytest.raises(subprocess.CalledProcessError):
        clone.git("merge", "--quiet", "feature")
    found = unmerged(folder, "[x].lock")
    assert found and found[:3] == (ours, theirs, base)
    merged, _ = read_merged_lock((folder / "[x].lock").read_text(), None, found)
    assert (merged.nodes["p"].commit, merged.nodes["q"].commit) == (B, C)
    clone.git("add", name)
    assert unmerged(folder, "[x].lock") is None


def test_where_one_side_deleted_the_file_or_there_is_no_git_the_index_says_nothing(
    new_clone: Callable[..., Any], tmp_path: Path
) -> None:
    assert unmerged(tmp_path, "runflow.lock") is None
    clone = new_clone(tmp_path / "work")
    base, ours, _ = (lock_text(one) for one in three())
    clone.commit({"runflow.lock": base, "x": "x"}, pushed=False)
    clone.git("checkout", "--quiet", "-b", "feature")
    clone.git("rm", "--quiet", "runflow.lock")
    clone.git("commit", "--quiet", "--message", "without")
    clone.git("checkout", "--quiet", "main")
    clone.commit({"runflow.lock": ours}, pushed=False)
    with pytest.raises(subprocess.CalledProcessError):
        clone.git("merge", "--quiet", "feature")
    assert unmerged(clone.path, "runflow.lock") is None
