"""What git hosts say, asked with the real git: once, safely, and never again for what is known."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runflow_build.sources.git.hosts import GitCache
from runflow_build.sources.world import GitHosts, Unanswered
from tests.worlds.git_host import GitHost, git_host

__all__ = ["git_host"]
ROOT = Path(__file__).parent.parent.parent.parent
NOWHERE = "1" * 40


@pytest.fixture
def cache(tmp_path: Path) -> GitCache:
    return GitCache(tmp_path / "git")


def pyproject(version: str) -> str:
    return f'[project]\nname = "pack"\nversion = "{version}"\n'


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_cache_is_the_worlds_git(cache: GitCache) -> None:
    hosts: GitHosts = cache
    assert hosts


# -- refs


def test_refs_are_commits_even_where_tags_are_annotated(git_host: GitHost, cache: GitCache) -> None:
    pack = git_host.repository("o/pack")
    first = pack.commit({"a.py": "1"})
    pack.git("tag", "light")
    pack.git("tag", "--annotate", "--message", "t", "heavy")
    second = pack.commit({"a.py": "2"})
    pack.git("branch", "old/ü", first)
    pack.push()
    refs = cache.refs(pack.url)
    assert refs is not None
    assert refs.head == second
    assert refs.tags == {"light": first, "heavy": first}
    assert refs.branches == {"main": second, "old/ü": first}


def test_an_empty_repository_has_no_head_and_a_missing_one_no_refs(
    git_host: GitHost, cache: GitCache
) -> None:
    refs = cache.refs(git_host.repository("o/empty").url)
    assert refs is not None
    assert (refs.head, refs.tags, refs.branches) == (None, {}, {})
    assert cache.refs("https://example.org/o/missing") is None


def test_refs_are_asked_once_and_known_offline(
    git_host: GitHost, cache: GitCache, tmp_path: Path
) -> None:
    pack = git_host.repository("o/pack")
    first = pack.commit({"a.py": "1"})
    before = cache.refs(pack.url)
    pack.commit({"a.py": "2"})
    git_host.goes_down()
    assert cache.refs(pack.url) == before
    offline = GitCache(tmp_path / "git", offline=True)
    assert offline.refs(pack.url) == before
    assert before is not None and before.head == first
    with pytest.raises(Unanswered, match=r"offline, the branches of https://example\.org/o/x"):
        offline.refs("https://example.org/o/x")


def test_a_moved_tag_is_seen_by_the_next_run(
    git_host: GitHost, cache: GitCache, tmp_path: Path
) -> None:
    pack = git_host.repository("o/pack")
    pack.commit({"a.py": "1"})
    pack.git("tag", "v1.0")
    pack.push()
    cache.refs(pack.url)
    moved = pack.commit({"a.py": "2"})
    pack.git("tag", "--force", "v1.0")
    pack.push()
    refs = GitCache(tmp_path / "git").refs(pack.url)
    assert refs is not None and refs.tags == {"v1.0": moved}


# -- has and read


def test_files_of_a_commit_that_no_branch_leads_to_any_more(
    git_host: GitHost, cache: GitCache
) -> None:
    pack = git_host.repository("o/pack")
    lost = pack.commit({"requirements.txt": "numpy\n", "sub/ünï.txt": "ü"})
    pack.git("commit", "--quiet", "--amend", "--message", "other")
    pack.push()
    assert cache.has(pack.url, lost)
    assert cache.read(pack.url, lost, "requirements.txt") == b"numpy\n"
    assert cache.read(pack.url, lost, "sub/ünï.txt") == "ü".encode()
    for path in ("nothing", "sub", "", "/requirements.txt", "../requirements.txt", "sub/*"):
        assert cache.read(pack.url, lost, path) is None, path


def test_links_are_followed_inside_the_repository_only(git_host: GitHost, cache: GitCache) -> None:
    pack = git_host.repository("o/pack")
    (pack.work / "deep").mkdir()
    (pack.work / "deep" / "link").symlink_to("../real.txt")
    (pack.work / "out").symlink_to("/etc/hostname")
    (pack.work / "round").symlink_to("round")
    commit = pack.commit({"real.txt": "content"})
    assert cache.read(pack.url, commit, "deep/link") == b"content"
    assert cache.read(pack.url, commit, "out") is None
    assert cache.read(pack.url, commit, "round") is None


def test_only_what_is_read_is_fetched(git_host: GitHost, cache: GitCache, tmp_path: Path) -> None:
    pack = git_host.repository("o/pack")
    commit = pack.commit({"weights.bin": os.urandom(3 << 20), "requirements.txt": "numpy\n"})
    assert cache.read(pack.url, commit, "requirements.txt") == b"numpy\n"
    assert size_of(tmp_path / "git") < 1 << 20
    assert cache.read(pack.url, commit, "weights.bin") == (pack.work / "weights.bin").read_bytes()


def test_what_was_read_needs_no_network(git_host: GitHost, cache: GitCache, tmp_path: Path) -> None:
    pack = git_host.repository("o/pack")
    commit = pack.commit({"a": "1", "b": "2"})
    cache.read(pack.url, commit, "a")
    cache.read(pack.url, commit, "none")
    git_host.goes_down()
    again = GitCache(tmp_path / "git")
    assert again.has(pack.url, commit)
    assert again.read(pack.url, commit, "a") == b"1"
    assert again.read(pack.url, commit, "none") is None
    with pytest.raises(Unanswered, match=r"^example\.org cannot be reached"):
        again.read(pack.url, commit, "b")
    with pytest.raises(Unanswered, match="offline"):
        GitCache(tmp_path / "git", offline=True).read(pack.url, commit, "b")


def test_a_commit_that_nobody_has_is_a_no_and_a_dead_line_is_none(
    git_host: GitHost, cache: GitCache
) -> None:
    pack = git_host.repository("o/pack")
    pack.commit({"a": "1"})
    assert not cache.has(pack.url, NOWHERE)
    with pytest.raises(Unanswered, match=f"{pack.url} does not have the commit {NOWHERE}"):
        cache.read(pack.url, NOWHERE, "a")
    git_host.goes_down()
    with pytest.raises(Unanswered, match="cannot be reached"):
        cache.has(pack.url, "2" * 40)


def test_a_repository_that_is_gone_has_no_commit(git_host: GitHost, cache: GitCache) -> None:
    assert git_host
    assert not cache.has("https://example.org/o/gone", NOWHERE)
    with pytest.raises(Unanswered, match=r"there is no repository https://example\.org/o/gone"):
        cache.read("https://example.org/o/gone", NOWHERE, "a")
    assert cache.commit_of_version("https://example.org/o/gone", "1.0") is None


def test_a_host_that_never_answers_is_left_at_the_time_limit(
    git_host: GitHost, cache: GitCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runflow_build.sources.git.bare.SHORT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git_host.leads_to(f"https://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(Unanswered, match=r"from example\.org in time"):
            cache.refs("https://example.org/o/pack")


def test_a_host_that_refuses_single_commits_gives_its_branches(
    git_host: GitHost, cache: GitCache
) -> None:
    pack = git_host.repository("o/pack")
    first = pack.commit({"a": "1"})
    second = pack.commit({"a": "2"})
    tip = pack.commit({"a": "3"})
    git_host.gives_no_single_commits()
    assert cache.read(pack.url, tip, "a") == b"3"  # a tip may be asked for; it comes without a past
    assert cache.read(pack.url, first, "a") == b"1"
    assert cache.read(pack.url, second, "a") == b"2"
    assert not cache.has(pack.url, NOWHERE)


def test_a_host_without_filters_gives_all(git_host: GitHost, cache: GitCache) -> None:
    pack = git_host.repository("o/pack")
    pack.allow("uploadpack.allowFilter", "false")
    first = pack.commit({"a": "1", "pyproject.toml": pyproject("0.9")})
    second = pack.commit({"a": "2"})
    assert cache.read(pack.url, first, "a") == b"1"
    assert cache.distance(pack.url, first, second) == 1
    assert cache.commit_of_version(pack.url, "0.9") == first


def test_a_branch_that_was_deleted_makes_room_for_one_below_its_name(
    git_host: GitHost, cache: GitCache
) -> None:
    pack = git_host.repository("o/pack")
    pack.commit({"a": "1"})
    pack.git("branch", "x")
    pack.push()
    git_host.gives_no_single_commits()
    assert not cache.has(pack.url, NOWHERE)
    pack.git("branch", "--delete", "x")
    pack.git("branch", "x/y")
    first = pack.commit({"a": "2"})
    pack.commit({"a": "3"})
    assert cache.has(pack.url, first)


# -- versions and distances


def test_a_version_is_the_commit_of_its_tag(git_host: GitHost, cache: GitCache) -> None:
    pack = git_host.repository("o/ComfyUI-Pack")
    commits = {}
    for version, tag in (("1.0", "v1.0"), ("1.1", "1.1"), ("1.2", "comfyui-pack-v1.2")):
        commits[version] = pack.commit({"pyproject.toml": pyproject(version)})
        pack.git("tag", tag)
    pack.push()
    assert {one: cache.commit_of_version(pack.url, one) for one in commits} == commits
    assert cache.commit_of_version(pack.url, "1.3") is None


def test_a_tag_that_names_another_version_inside_is_not_taken(
    git_host: GitHost, cache: GitCache
) -> None:
    pack = git_host.repository("o/pack")
    pack.commit({"pyproject.toml": pyproject("1.0")})
    pack.git("tag", "v2.0")
    real = pack.commit({"pyproject.toml": pyproject("2.0")})
    pack.commit({"a.py": "later"})
    assert cache.commit_of_version(pack.url, "2.0") == real


def test_without_a_tag_the_first_commit_with_the_version_is_taken(
    git_host: GitHost, cache: GitCache
) -> None:
    pack = git_host.repository("o/pack")
    pack.commit({"pyproject.toml": "not [ toml"})
    pack.commit({"pyproject.toml": pyproject("1.0")})
    pack.git("checkout", "--quiet", "-b", "topic")
    pack.commit({"pyproject.toml": pyproject("1.1")})
    pack.git("checkout", "--quiet", "main")
    pack.git("merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    merge = pack.git("rev-parse", "HEAD")
    pack.commit({"pyproject.toml": pyproject("1.1") + "# later\n"})
    pack.commit({"pyproject.toml": None})
    assert cache.commit_of_version(pack.url, "1.1") == merge
    assert cache.commit_of_version(pack.url, "3.0") is None
    git_host.goes_down()
    assert cache.commit_of_version(pack.url, "1.1") == merge


def test_how_far_two_commits_are_apart(git_host: GitHost, cache: GitCache, tmp_path: Path) -> None:
    pack = git_host.repository("o/pack")
    first = pack.commit({"a": "1"})
    pack.commit({"a": "2"})
    third = pack.commit({"a": "3", "big": os.urandom(2 << 20)})
    pack.git("checkout", "--quiet", "-b", "side", first)
    side = pack.commit({"b": "1"})
    assert cache.distance(pack.url, first, third) == 2
    assert cache.distance(pack.url, third, first) == -2
    assert cache.distance(pack.url, third, third) == 0
    assert cache.distance(pack.url, third, side) is None
    assert size_of(tmp_path / "git") < 1 << 20
    with pytest.raises(Unanswered, match=NOWHERE):
        cache.distance(pack.url, NOWHERE, third)
    git_host.goes_down()
    assert GitCache(tmp_path / "git").distance(pack.url, first, third) == 2


# -- what may not be asked, and what may not be shown


@pytest.mark.parametrize(
    "url",
    ["--upload-pack=touch x", "ext::sh -c touch% x", "file:///tmp/x", "/tmp/x", "-x", "git@-x:a/b"],
)
def test_what_is_no_public_address_is_not_asked(cache: GitCache, url: str) -> None:
    with pytest.raises(Unanswered):
        cache.refs(url)


@pytest.mark.parametrize(
    "base", ["ext::sh -c exit% 1 ", "git://127.0.0.1:1/", "http://127.0.0.1:1/"]
)
def test_settings_cannot_lead_to_another_protocol(
    git_host: GitHost, cache: GitCache, base: str
) -> None:
    git_host.leads_to(base)
    with pytest.raises(Unanswered, match="a protocol that is not secure"):
        cache.refs("https://example.org/o/pack")


def test_neither_a_mirror_nor_its_password_is_shown(
    git_host: GitHost, cache: GitCache, tmp_path: Path
) -> None:
    git_host.leads_to("https://user:hunter2@127.0.0.1:1/")
    with pytest.raises(Unanswered) as caught:
        cache.refs("https://example.org/o/pack")
    assert "example.org" in caught.value.reason
    assert "127.0.0.1" not in str((caught.value.reason, caught.value.fix))
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("git/**/*") if path.is_file())
    assert b"hunter2" not in written and b"127.0.0.1" not in written


def test_the_variables_of_a_git_hook_do_not_mislead(
    git_host: GitHost, cache: GitCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, other = git_host.repository("o/pack"), git_host.repository("o/other")
    commit = pack.commit({"a": "1"})
    other.commit({"a": "2"})
    before = sorted(path for path in other.work.rglob("*"))
    for name, value in {
        "GIT_DIR": other.work / ".git",
        "GIT_WORK_TREE": other.work,
        "GIT_INDEX_FILE": other.work / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": other.work / ".git" / "objects",
        "GIT_COMMON_DIR": other.work / ".git",
    }.items():
        monkeypatch.setenv(name, str(value))
    assert cache.read(pack.url, commit, "a") == b"1"
    assert cache.distance(pack.url, commit, commit) == 0
    assert sorted(path for path in other.work.rglob("*")) == before


def test_hooks_and_templates_of_the_user_do_not_run(
    git_host: GitHost, cache: GitCache, tmp_path: Path
) -> None:
    pack = git_host.repository("o/pack")
    commit = pack.commit({"a": "1"})
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    hook = hooks / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    hook.chmod(0o755)
    with git_host.settings.open("a", encoding="utf-8") as file:
        file.write(f"[init]\n\ttemplateDir = {tmp_path}/template\n")
        file.write(f"[core]\n\thooksPath = {hooks}\n")
    assert cache.read(pack.url, commit, "a") == b"1"
    assert not (tmp_path / "ran").exists()


# -- damage, other processes, and death


def test_a_damaged_cache_is_made_again(git_host: GitHost, cache: GitCache, tmp_path: Path) -> None:
    pack = git_host.repository("o/pack")
    commit = pack.commit({"a": "1", "b": "2", **{f"f{n}": str(n) for n in range(50)}})
    cache.read(pack.url, commit, "a")
    for path in (tmp_path / "git").rglob("*.pack"):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:40])
    assert cache.read(pack.url, commit, "b") == b"2"
    for path in (tmp_path / "git").rglob("config"):
        path.write_text("[broken", encoding="utf-8")
    for path in (tmp_path / "git").rglob("answers.json"):
        path.write_bytes(path.read_bytes()[:30])
    assert GitCache(tmp_path / "git").read(pack.url, commit, "f7") == b"7"


def test_locks_and_half_made_repositories_of_the_dead_are_taken_away(
    git_host: GitHost, cache: GitCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runflow_build.sources.git.bare._ORPHAN_ENDS_S", 0.2)
    pack = git_host.repository("o/pack")
    first, second = pack.commit({"a": "1"}), pack.commit({"a": "2"})
    cache.read(pack.url, first, "a")
    (bare,) = (tmp_path / "git").glob("*/files.git")
    for name in ("shallow.lock", "config.lock", f"refs/runflow/{second}.lock"):
        (bare / name).touch()
    half = bare.with_name(".graph.git.partial-1")
    half.mkdir()
    assert cache.read(pack.url, second, "a") == b"2"
    assert cache.distance(pack.url, first, second) == 1
    assert not half.exists()


ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runflow_build.sources.git.hosts import GitCache
cache = GitCache(Path(sys.argv[2]))
url, first, last = sys.argv[3:]
print(cache.read(url, last, "f1").decode(), cache.distance(url, first, last), flush=True)
"""


def ask_apart(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(ROOT), str(folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_threads_and_processes_share_a_cache(
    git_host: GitHost, cache: GitCache, tmp_path: Path
) -> None:
    pack = git_host.repository("o/pack")
    first = pack.commit({f"f{n}": str(n) for n in range(20)})
    last = pack.commit({"g": "1"})
    apart = [ask_apart(tmp_path / "git", pack.url, first, last) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(lambda n: cache.read(pack.url, last, f"f{n}"), range(20)))
    assert contents == [str(n).encode() for n in range(20)]
    for process in apart:
        out, err = process.communicate()
        assert (out, err) == (b"1 1\n", b"")


@pytest.mark.skipif(os.name != "posix", reason="kills by a signal")
def test_after_a_kill_at_any_moment_the_answers_are_the_same(
    git_host: GitHost, cache: GitCache, tmp_path: Path
) -> None:
    pack = git_host.repository("o/pack")
    first = pack.commit({f"f{n}": str(n) for n in range(200)})
    last = pack.commit({"g": "1"})
    for pause in (0.15, 0.25, 0.3, 0.35, 0.4, 0.5):
        process = ask_apart(tmp_path / "git", pack.url, first, last)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert cache.read(pack.url, last, "f1") == b"1"
    assert cache.distance(pack.url, first, last) == 1


def test_a_git_that_nobody_wants_any_more_ends_and_damages_nothing(
    git_host: GitHost, tmp_path: Path, cache: GitCache
) -> None:
    pack, stop = git_host.repository("o/pack"), threading.Event()
    commit = pack.commit({"a.py": "1"})
    assert cache.read(pack.url, commit, "a.py") == b"1"
    stop.set()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git_host.leads_to(f"https://127.0.0.1:{silent.getsockname()[1]}/")
        stopped = GitCache(tmp_path / "git", stop=stop)
        questions = (
            lambda: stopped.refs(pack.url),
            lambda: stopped.has(pack.url, NOWHERE),
            lambda: stopped.read(pack.url, commit, "b.py"),
        )
        for question in questions:
            with pytest.raises(Unanswered, match=f"the work on {pack.url} was stopped"):
                question()
    assert GitCache(tmp_path / "git", offline=True).read(pack.url, commit, "b.py") is None


LEFT_ALONE = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runflow_build.sources.git import program
from runflow_build.sources.git.hosts import GitCache
ask = GitCache(Path(sys.argv[2])).refs
threading.Thread(target=ask, args=["https://example.org/o/r"], daemon=True).start()
while not program._RUNNING:
    time.sleep(0.01)
print(next(iter(program._RUNNING)).pid)
"""


@pytest.mark.skipif(os.name != "posix", reason="looks for a process by its number")
def test_no_git_outlives_the_program(git_host: GitHost, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git_host.leads_to(f"https://127.0.0.1:{silent.getsockname()[1]}/")
        words = [sys.executable, "-c", LEFT_ALONE, str(ROOT), str(tmp_path / "git")]
        pid = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        end = time.monotonic() + 20
        with pytest.raises(ProcessLookupError):
            while time.monotonic() < end:
                os.kill(pid, 0)
                time.sleep(0.05)


NO_GIT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runflow_build.sources.git.hosts import GitCache
from runflow_build.sources.world import Unanswered
try:
    GitCache(Path(sys.argv[2])).refs("https://example.org/o/r")
except Unanswered as error:
    print(error.reason, "|", error.fix)
"""


def test_without_a_git_program_that_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_GIT, str(ROOT), str(tmp_path / "git")],
        env={"PATH": str(tmp_path / "empty"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "the git program was not found | install git, or put the folder that it is in on the PATH\n"
    )
