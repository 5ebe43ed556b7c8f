"""Work trees made and moved by the real git, and what of the user's stands in their way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runflow_build.errors import RestoreError, RunflowError
from runflow_build.restore.checkout import Submodule, checkout, state_of, submodules_of
from runflow_build.restore.submodules import named, resolved
from runflow_build.sources.git.hosts import GitCache
from tests.worlds.git_host import GitHost, Published, git_host

__all__ = ["git_host"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def pack(git_host: GitHost) -> Published:
    return git_host.repository("o/pack")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "custom_nodes" / "pack"


def refused(code: str, *arguments: object, **options: object) -> str:
    """The whole message of the finding that a checkout ends with."""
    with pytest.raises(RunflowError) as caught:
        checkout(*arguments, **options)  # type: ignore[arg-type]
    (finding,) = caught.value.findings
    assert finding.code == code, finding
    return str(caught.value)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


# -- a new folder


def test_a_new_folder_holds_just_the_commit(pack: Published, place: Path) -> None:
    first = pack.commit({"a.py": "1", "ünï/ö.txt": "ü"})
    pack.commit({"a.py": "2"})
    said: list[str] = []
    checkout(pack.url, first, place, log=said.append)
    assert files_of(place) == {"a.py": b"1", "ünï/ö.txt": "ü".encode()}
    assert (state_of(place).commit, state_of(place).remote) == (first, pack.url)
    assert pack.git("rev-list", "--count", "HEAD", folder=place) == "1"
    assert said == [f"fetching {first[:12]} of {pack.url}"]
    assert [path.name for path in place.parent.iterdir()] == ["pack"]


def test_all_spellings_of_an_address_are_one_repository(pack: Published, place: Path) -> None:
    commit = pack.commit({"a.py": "1"})
    checkout("git@example.org:o/pack.git", commit.upper(), place)
    checkout(pack.url, commit, place)
    assert state_of(place).remote == pack.url


def test_a_second_time_asks_nobody(git_host: GitHost, pack: Published, place: Path) -> None:
    commit = pack.commit({"a.py": "1"})
    checkout(pack.url, commit, place)
    git_host.goes_down()
    said: list[str] = []
    checkout(pack.url, commit, place, offline=True, log=said.append)
    assert said == []


def test_an_empty_folder_is_as_good_as_none(pack: Published, place: Path) -> None:
    commit = pack.commit({"a.py": "1"})
    place.mkdir(parents=True)
    checkout(pack.url, commit, place)
    assert files_of(place) == {"a.py": b"1"}


def test_a_host_that_refuses_single_commits_gives_its_branches(
    git_host: GitHost, pack: Published, place: Path
) -> None:
    first, second = pack.commit({"a.py": "1"}), pack.commit({"a.py": "2"})
    third = pack.commit({"a.py": "3"})
    git_host.gives_no_single_commits()
    for commit, content in ((third, b"3"), (first, b"1"), (second, b"2")):
        checkout(pack.url, commit, place)
        assert files_of(place) == {"a.py": content}
    assert "commit-missing" in refused("commit-missing", pack.url, "1" * 40, place)


def test_a_commit_that_nobody_has_leaves_nothing_behind(pack: Published, place: Path) -> None:
    pack.commit({"a.py": "1"})
    assert refused("commit-missing", pack.url, "1" * 40, place) == (
        f"error commit-missing: https://example.org/o/pack does not give out the commit "
        f"{'1' * 40} of pack\n"
        "  fix       lock again with --upgrade, or ask the author where the commit went"
    )
    assert list(place.parent.iterdir()) == []


def test_a_dead_line_is_said_with_its_fix(git_host: GitHost, pack: Published, place: Path) -> None:
    commit = pack.commit({"a.py": "1"})
    git_host.goes_down()
    assert refused("checkout-failed", pack.url, commit, place) == (
        "error checkout-failed: pack could not be checked out: example.org cannot be reached, or "
        "broke off\n"
        "  fix       check the connection, try again"
    )
    assert "offline" in refused("checkout-failed", pack.url, commit, place, offline=True)


@pytest.mark.parametrize("url", ["file:///tmp/x", "ext::sh -c true", "--upload-pack=x", ""])
def test_what_is_no_public_address_is_not_fetched(url: str, place: Path) -> None:
    refused("checkout-failed", url, "1" * 40, place)


def test_large_files_stay_pointers_and_hooks_do_not_run(
    git_host: GitHost, pack: Published, place: Path, tmp_path: Path
) -> None:
    commit = pack.commit({".gitattributes": "*.bin filter=lfs\n", "a.bin": "pointer"})
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    (hooks / "post-checkout").chmod(0o755)
    with git_host.settings.open("a", encoding="utf-8") as file:
        file.write(f'[filter "lfs"]\n\tsmudge = touch {tmp_path}/ran\n\trequired = true\n')
        file.write(f"[core]\n\thooksPath = {hooks}\n")
    checkout(pack.url, commit, place)
    assert files_of(place)["a.bin"] == b"pointer"
    assert not (tmp_path / "ran").exists()


# -- a folder that is there


def test_a_clone_moves_in_place_and_keeps_what_git_does_not_know(
    pack: Published, place: Path
) -> None:
    first = pack.commit({"a.py": "1", "old.py": "1", ".gitignore": "*.pyc\n"})
    second = pack.commit({"a.py": "2", "old.py": None, "new.py": "2"})
    checkout(pack.url, first, place)
    (place / "config.json").write_text("mine", encoding="utf-8")
    (place / "a.pyc").write_text("cached", encoding="utf-8")
    inode = place.stat().st_ino
    checkout(pack.url, second, place)
    assert sorted(files_of(place)) == [".gitignore", "a.py", "a.pyc", "config.json", "new.py"]
    assert (place / "a.py").read_bytes() == b"2"
    assert place.stat().st_ino == inode
    checkout(pack.url, first, place)
    assert (place / "old.py").read_bytes() == b"1"


def test_a_full_clone_of_the_user_stays_one(pack: Published, place: Path) -> None:
    first, second = pack.commit({"a.py": "1"}), pack.commit({"a.py": "2"})
    place.parent.mkdir()
    pack.git("clone", "--quiet", str(pack.bare), str(place))
    pack.git("config", "remote.origin.url", pack.url, folder=place)
    third = pack.commit({"a.py": "3"})
    (place / "mine.txt").write_text("mine", encoding="utf-8")
    checkout(pack.url, third, place)
    assert pack.git("rev-list", "--count", "HEAD", folder=place) == "3"
    checkout(pack.url, first, place)
    assert pack.git("rev-parse", "main", folder=place) == second
    assert (place / "mine.txt").exists()


def test_a_commit_of_the_users_own_is_kept(pack: Published, place: Path) -> None:
    first = pack.commit({"a.py": "1"})
    second = pack.commit({"a.py": "2"})
    checkout(pack.url, first, place)
    (place / "a.py").write_text("mine", encoding="utf-8")
    pack.git("commit", "--quiet", "--all", "--message", "mine", folder=place)
    mine = pack.git("rev-parse", "HEAD", folder=place)
    checkout(pack.url, second, place)
    assert mine in pack.git("for-each-ref", folder=place)


@pytest.mark.parametrize(
    ("change", "named_file"),
    [
        (lambda place: (place / "a.py").write_text("mine", encoding="utf-8"), "a.py"),
        (lambda place: (place / "ü.py").write_text("mine", encoding="utf-8"), "ü.py"),
        (lambda place: (place / "a.py").unlink(), "a.py"),
    ],
)
def test_local_changes_are_left_alone(
    pack: Published, place: Path, change: object, named_file: str
) -> None:
    first, second = pack.commit({"a.py": "1"}), pack.commit({"a.py": "2"})
    checkout(pack.url, first, place)
    change(place)  # type: ignore[operator]
    before = files_of(place)
    for commit in (first, second):
        assert refused("checkout-changed", pack.url, commit, place) == (
            "error checkout-changed: pack has local changes, and is left as it is\n"
            f"  files     {named_file}\n"
            "  fix       commit or undo the changes, or move the files away, and restore again"
        )
    assert files_of(place) == before
    assert state_of(place).commit == first


@pytest.mark.parametrize("ignored", ["", "*.txt\n"])
def test_a_file_in_the_way_of_a_new_one_is_left_alone(
    pack: Published, place: Path, ignored: str
) -> None:
    first = pack.commit({"a.py": "1", ".gitignore": ignored})
    pack.git("checkout", "--quiet", "-b", "x")
    (pack.work / "notes.txt").write_text("theirs", encoding="utf-8")
    pack.git("add", "--force", "notes.txt")
    second = pack.commit({"a.py": "2"})
    checkout(pack.url, first, place)
    (place / "notes.txt").write_text("mine", encoding="utf-8")
    assert "notes.txt" in refused("checkout-changed", pack.url, second, place)
    assert (place / "notes.txt").read_text(encoding="utf-8") == "mine"
    (place / "notes.txt").unlink()
    checkout(pack.url, second, place)
    assert (place / "notes.txt").read_text(encoding="utf-8") == "theirs"


def test_something_else_in_the_folder_is_left_alone(
    git_host: GitHost, pack: Published, place: Path
) -> None:
    commit = pack.commit({"a.py": "1"})
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine", encoding="utf-8")
    assert refused("restore-in-the-way", pack.url, commit, place) == (
        "error restore-in-the-way: pack is a folder that is no git clone\n"
        "  fix       move pack away, or restore into another folder"
    )
    other = git_host.repository("o/other")
    commit_of_other = other.commit({"b.py": "1"})
    checkout(other.url, commit_of_other, place.with_name("other"))
    told = refused("restore-in-the-way", pack.url, commit, place.with_name("other"))
    assert "other is a clone of another repository" in told
    (place.parent / "file").write_text("mine", encoding="utf-8")
    refused("restore-in-the-way", pack.url, commit, place.parent / "file")
    (place.parent / "link").symlink_to("nowhere")
    refused("restore-in-the-way", pack.url, commit, place.parent / "link")


def test_what_a_user_keeps_in_comfyuis_tree_is_no_change_of_it(
    git_host: GitHost, tmp_path: Path
) -> None:
    comfyui = git_host.repository("comfy/ComfyUI")
    base = {"main.py": "1", "comfy/a.py": "1", "custom_nodes/example.py": "1", "models/put": ""}
    first, second = comfyui.commit(base), comfyui.commit({"main.py": "2"})
    place = tmp_path / "ComfyUI"
    checkout(comfyui.url, first, place)
    for name in ("custom_nodes/pack/n.py", ".venv/lib/m.py", "user/x.py", "models/m.py"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("mine", encoding="utf-8")
    (place / "models/put").unlink()
    assert state_of(place).changes == []
    checkout(comfyui.url, second, place)
    assert (place / "custom_nodes/pack/n.py").exists()
    (place / "own.py").write_text("mine", encoding="utf-8")
    assert state_of(place).changes == ["own.py"]


def test_a_clone_around_the_folder_is_not_the_folders(pack: Published, tmp_path: Path) -> None:
    commit = pack.commit({"a.py": "1"})
    checkout(pack.url, commit, tmp_path / "outer")
    inner = tmp_path / "outer" / "inner"
    inner.mkdir()
    assert state_of(inner).commit is None
    (inner / "x").write_text("mine", encoding="utf-8")
    refused("restore-in-the-way", pack.url, commit, inner)
    (inner / ".git").mkdir()
    assert state_of(inner).commit is None
    refused("restore-in-the-way", pack.url, commit, inner)


# -- submodules


@pytest.fixture
def nested(git_host: GitHost) -> list[Published]:
    """A repository with a submodule that has a submodule; the outermost first."""
    return [git_host.repository(name) for name in ("o/outer", "o/middle", "other/inner")]


def publish_nested(nested: list[Published], content: str) -> list[str]:
    outer, middle, inner = nested
    deep = inner.commit({"i.py": content})
    half = middle.commit({"m.py": content})
    half = middle.commit_modules(
        '[submodule "in"]\n\tpath = deep/in\n\turl = https://example.org/other/inner.git\n',
        {"deep/in": deep},
    )
    outer.commit({"o.py": content})
    whole = outer.commit_modules(
        '[submodule "mid"]\n\tpath = mid dle\n\turl = ../middle\n', {"mid dle": half}
    )
    return [whole, half, deep]


def test_submodules_are_known_before_their_code_is_here(
    nested: list[Published], tmp_path: Path
) -> None:
    whole, half, deep = publish_nested(nested, "1")
    assert submodules_of(GitCache(tmp_path / "git"), nested[0].url, whole) == [
        Submodule("mid dle", "https://example.org/o/middle", half),
        Submodule("mid dle/deep/in", "https://example.org/other/inner", deep),
    ]


def test_submodules_come_at_their_commits_and_move_along(
    nested: list[Published], place: Path
) -> None:
    first, second = publish_nested(nested, "1"), publish_nested(nested, "2")
    for (whole, _, deep), content in ((first, b"1"), (second, b"2"), (first, b"1")):
        checkout(nested[0].url, whole, place)
        assert files_of(place)["mid dle/deep/in/i.py"] == content
        assert state_of(place / "mid dle" / "deep" / "in").commit == deep
        assert (state_of(place).changes, state_of(place).submodules) == ([], {})
        assert nested[0].git("status", "--porcelain", folder=place) == ""


def test_a_submodule_that_is_elsewhere_or_missing_is_said_and_mended(
    nested: list[Published], place: Path
) -> None:
    (whole, _, deep) = publish_nested(nested, "1")
    checkout(nested[0].url, whole, place, submodules=False)
    assert state_of(place).submodules == {"mid dle": ""}
    checkout(nested[0].url, whole, place)
    later = nested[2].commit({"i.py": "2"})
    checkout(nested[2].url, later, place / "mid dle" / "deep" / "in")
    assert state_of(place).submodules == {"mid dle/deep/in": later}
    checkout(nested[0].url, whole, place)
    assert state_of(place / "mid dle" / "deep" / "in").commit == deep


def test_a_change_in_a_submodule_stops_the_whole_move(nested: list[Published], place: Path) -> None:
    first, second = publish_nested(nested, "1"), publish_nested(nested, "2")
    checkout(nested[0].url, first[0], place)
    (place / "mid dle" / "deep" / "in" / "i.py").write_text("mine", encoding="utf-8")
    told = refused("checkout-changed", nested[0].url, second[0], place)
    assert "mid dle/deep/in/i.py" in told
    assert state_of(place).commit == first[0]


@pytest.mark.parametrize(
    "path",
    [
        "../out",
        "/abs",
        ".git/hooks",
        "a/.GIT",
        "a/git~1",
        "a/.git. ",
        "-x",
        "a\\..\\b",
        "C:x",
        "a//b",
    ],
)
def test_a_submodule_that_would_leave_its_folder_is_refused(path: str) -> None:
    settings = f'[submodule "a"]\n\tpath = "{path}"\n\turl = ../b\n'.replace("\\", "\\\\")
    with pytest.raises(RestoreError) as caught:
        named(settings.encode(), {path.rstrip("/"): "1" * 40}, "https://example.org/o/a")
    assert caught.value.findings[0].code == "submodule-unsafe"


@pytest.mark.parametrize("url", ["ext::sh -c x", "file:///etc", "-x", "../../../../x", "/srv/x"])
def test_a_submodule_that_others_cannot_reach_is_refused(url: str) -> None:
    settings = f'[submodule "../a"]\n\tpath = a\n\turl = {url}\n'
    with pytest.raises(RestoreError):
        named(settings.encode(), {"a": "1" * 40}, "https://example.org/o/a")


def test_a_submodule_whose_name_climbs_is_refused() -> None:
    settings = b'[submodule "../../hooks"]\n\tpath = a\n\turl = ../b\n'
    with pytest.raises(RestoreError, match="could lead out"):
        named(settings, {"a": "1" * 40}, "https://example.org/o/a")


def test_an_include_in_a_repositorys_settings_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "more").write_text('[submodule "b"]\n\tpath = b\n\turl = ../b\n', encoding="utf-8")
    settings = f'[include]\n\tpath = {tmp_path}/more\n[submodule "a"]\n\tpath = a\n\turl = ../a\n'
    links = {"a": "1" * 40, "b": "2" * 40}
    found = named(settings.encode(), links, "https://example.org/o/x")
    assert [one.path for one in found] == ["a"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("../b", "https://example.org/o/b"),
        ("./b", "https://example.org/o/a/b"),
        ("../../p/b.git", "https://example.org/p/b"),
        ("git@github.com:o/b.git", "https://github.com/o/b"),
        ("../../../b", None),
    ],
)
def test_relative_addresses_start_at_the_repository(url: str, expected: str | None) -> None:
    assert resolved(url, "https://example.org/o/a") == expected


def test_a_link_on_the_way_to_a_submodule_is_refused(
    nested: list[Published], place: Path, tmp_path: Path
) -> None:
    outer, middle, _ = nested
    inside = middle.commit({"hook": "x"})
    outside = tmp_path / "outside"
    outside.mkdir()
    modules = '[submodule "m"]\n\tpath = a/b\n\turl = ../middle\n'
    whole = outer.commit_modules(modules, {"a/b": inside})
    checkout(outer.url, whole, place)
    (place / "a" / "b").rename(tmp_path / "aside")
    (place / "a").rmdir()
    (place / "a").symlink_to(outside)
    refused("restore-in-the-way", outer.url, whole, place)
    assert list(outside.iterdir()) == []


# -- hooks, death


def test_the_variables_of_a_git_hook_do_not_mislead(
    git_host: GitHost, pack: Published, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = git_host.repository("o/other")
    other.commit({"b.py": "1"})
    first, second = pack.commit({"a.py": "1"}), pack.commit({"a.py": "2"})
    before = files_of(other.work), (other.work / ".git" / "HEAD").read_bytes()
    monkeypatch.setenv("GIT_DIR", str(other.work / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.work))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.work / ".git" / "index"))
    for commit in (first, second):
        checkout(pack.url, commit, place)
        assert state_of(place).commit == commit
    assert files_of(place) == {"a.py": b"2"}
    assert (files_of(other.work), (other.work / ".git" / "HEAD").read_bytes()) == before


def half_moved(place: Path, before: str, to: str, files: dict[str, bytes | None]) -> None:
    """What a move leaves that was killed while it wrote files."""
    note = {"before": before, "to": to}
    (place / ".git" / "runflow-move.json").write_text(json.dumps(note), encoding="utf-8")
    (place / ".git" / "index.lock").touch()
    for name, content in files.items():
        if content is None:
            (place / name).unlink()
        else:
            (place / name).write_bytes(content)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runflow_build.restore.moving._ORPHAN_ENDS_S", 0.1)


def test_a_half_moved_tree_is_moved_to_the_end(
    quick: None, pack: Published, place: Path, git_host: GitHost
) -> None:
    first = pack.commit({"a.py": "one", "b.py": "one", "c.py": "one", "d.py": "one"})
    second = pack.commit({"a.py": "two", "b.py": "second", "c.py": None, "e.py": "new"})
    checkout(pack.url, first, place)
    pack.git("fetch", "--quiet", str(pack.bare), second, folder=place)
    half_moved(place, first, second, {"a.py": b"two", "b.py": b"sec", "c.py": None, "e.py": b"n"})
    git_host.goes_down()
    checkout(pack.url, second, place)
    expected = {"a.py": b"two", "b.py": b"second", "d.py": b"one", "e.py": b"new"}
    assert files_of(place) == expected
    assert state_of(place).changes == []


def test_a_half_moved_tree_in_which_the_user_wrote_is_left_alone(
    quick: None, pack: Published, place: Path
) -> None:
    first = pack.commit({"a.py": "one", "b.py": "one"})
    second = pack.commit({"a.py": "two"})
    checkout(pack.url, first, place)
    pack.git("fetch", "--quiet", str(pack.bare), second, folder=place)
    for name in ("a.py", "b.py"):
        half_moved(place, first, second, {name: b"mine"})
        assert name in refused("checkout-changed", pack.url, second, place)
        assert (place / name).read_bytes() == b"mine"
        (place / name).write_bytes(b"one")


def test_a_move_that_ended_while_it_fetched_begins_anew(
    quick: None, pack: Published, place: Path
) -> None:
    first, second = pack.commit({"a.py": "one"}), pack.commit({"a.py": "two"})
    checkout(pack.url, first, place)
    half_moved(place, first, second, {})
    (place / ".git" / "shallow.lock").touch()
    checkout(pack.url, second, place)
    assert files_of(place) == {"a.py": b"two"}


CHECKOUT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runflow_build.restore.checkout import checkout
checkout(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
"""


def checkout_apart(url: str, commit: str, place: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", CHECKOUT, str(ROOT), url, commit, str(place)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_two_processes_make_one_folder(pack: Published, place: Path) -> None:
    commit = pack.commit({f"f{n}.py": str(n) for n in range(50)})
    for process in [checkout_apart(pack.url, commit, place) for _ in range(2)]:
        assert process.communicate() == (b"", b"")
    assert len(files_of(place)) == 50
    assert [path.name for path in place.parent.iterdir()] == ["pack"]


@pytest.mark.skipif(os.name != "posix", reason="kills by a signal")
def test_after_a_kill_at_any_moment_a_rerun_ends_in_the_same_state(
    quick: None, nested: list[Published], place: Path
) -> None:
    nested[0].commit({f"f{n}.py": str(n) * 100 for n in range(300)})
    first = publish_nested(nested, "1")
    nested[0].commit({f"f{n}.py": str(n) * 99 for n in range(300)})
    second = publish_nested(nested, "2")
    for pause in (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        commits = second if state_of(place).commit == first[0] else first
        process = checkout_apart(nested[0].url, commits[0], place)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        checkout(nested[0].url, commits[0], place)
        assert state_of(place).commit == commits[0]
        assert (state_of(place).changes, state_of(place).submodules) == ([], {})
        assert len(files_of(place)) == 305


NO_GIT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runflow_build.errors import RunflowError
from runflow_build.restore.checkout import checkout
try:
    checkout("https://github.com/o/r", "1" * 40, Path(sys.argv[2]))
except RunflowError as error:
    print(error)
"""


def test_without_a_git_program_there_is_another_way(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_GIT, str(ROOT), str(tmp_path / "r")],
        env={"PATH": str(tmp_path / "empty"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "error git-missing: the git program was not found\n"
        f"  or        unpack https://github.com/o/r/archive/{'1' * 40}.tar.gz there, without its "
        "submodules\n"
        "  fix       install git, or put the folder that it is in on the PATH\n"
    )
