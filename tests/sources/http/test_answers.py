"""Answers that are kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from two_processes import exit_codes, put_answers

from runflow_build.sources.http.answers import DAY_S, Answer, AnswerCache, key_of

URL = "https://pub.example/a"


def an_answer(body: bytes = b'{"a": 1}', **more: object) -> Answer:
    return Answer(200, URL, '"e"', "application/json", body, {"x-a": "b"}, **more)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers.db"


@pytest.fixture
def cache(path: Path) -> Iterator[AnswerCache]:
    one = AnswerCache(path)
    yield one
    one.close()


def test_what_was_put_in_comes_out(cache: AnswerCache) -> None:
    assert cache.get("k") is None
    cache.put("k", an_answer(asked=5.0))
    cache.put("k", an_answer(b"\0\xff" * 1000, asked=6.0))
    assert cache.get("k") == an_answer(b"\0\xff" * 1000, asked=6.0)


def test_the_next_process_finds_it(cache: AnswerCache, path: Path) -> None:
    cache.put("k", an_answer())
    cache.close()
    other = AnswerCache(path)
    assert other.get("k") == an_answer()
    other.close()


def test_an_answer_asked_for_again_is_new(cache: AnswerCache) -> None:
    cache.put("k", an_answer(asked=5.0))
    cache.asked_again("k", 100.0)
    assert cache.get("k") == an_answer(asked=100.0)


@pytest.mark.parametrize(
    ("status", "keep", "age_s", "fresh"),
    [
        (200, "ask", 0, False),
        (200, "a day", DAY_S - 1, True),
        (200, "a day", DAY_S + 1, False),
        (200, "a day", -1, False),  # a clock that was put back
        (200, "for ever", 1000 * DAY_S, True),
        (404, "ask", 0, False),
        (404, "for ever", DAY_S - 1, True),
        (404, "for ever", DAY_S + 1, False),
        (410, "a day", DAY_S + 1, False),
    ],
)
def test_how_long_an_answer_holds(status: int, keep: str, age_s: float, fresh: bool) -> None:
    assert Answer(status, URL, asked=1000.0).is_fresh(keep, 1000.0 + age_s) == fresh


def test_keys_hold_no_secret_and_tell_secrets_apart() -> None:
    secrets = [
        ("https://u:hunter2@pub.example/a", None),
        ("https://u:hunter3@pub.example/a", None),
        ("https://pub.example/a?token=hunter2", None),
        (URL, "Bearer hunter2"),
        (URL, "Bearer hunter3"),
        (URL, None),
    ]
    keys = [key_of("GET", *one) for one in secrets]
    assert len(set(keys)) == len(secrets)
    assert keys[-1] == URL
    assert not any("hunter" in key for key in keys)
    assert key_of("HEAD", URL, None) not in keys


def test_the_oldest_make_room(path: Path) -> None:
    cache = AnswerCache(path, most_bytes=1 << 20)
    for n in range(200):
        cache.put(f"k{n:03}", an_answer(os.urandom(20_000), asked=float(n)))
    cache.close()
    cache = AnswerCache(path)
    kept = [n for n in range(200) if cache.get(f"k{n:03}")]
    cache.close()
    assert 10 < len(kept) < 60
    assert kept == list(range(200 - len(kept), 200))


def test_what_would_be_a_large_part_of_the_cache_is_not_kept(path: Path) -> None:
    cache = AnswerCache(path, most_bytes=1 << 20)
    cache.put("k", an_answer(os.urandom(300_000)))
    assert cache.get("k") is None
    cache.close()


@pytest.mark.parametrize("what", ["garbage", "half", "newer", "other tables", "empty"])
def test_a_file_that_is_of_no_use_is_put_aside_and_made_anew(
    what: str, cache: AnswerCache, path: Path
) -> None:
    for n in range(50):
        cache.put(f"old{n}", an_answer(os.urandom(1000)))
    cache.close()
    damage(path, what)
    cache.put("k", an_answer())
    cache.close()
    other = AnswerCache(path)
    assert other.get("k") == an_answer()
    other.close()
    assert path.with_name("answers.db.aside").exists() == (what != "empty")


def damage(path: Path, what: str) -> None:
    if what == "garbage":
        path.write_bytes(b"this is no database, " * 500)
    elif what == "half":
        data = bytearray(path.read_bytes())
        data[100:] = b"\xa5" * (len(data) - 100)
        path.write_bytes(data)
    elif what == "empty":
        path.write_bytes(b"")
    else:
        with sqlite3.connect(path) as other:
            if what == "newer":
                other.execute("PRAGMA user_version = 99")
            else:
                other.execute("DROP TABLE answers")
        other.close()


def test_a_file_that_breaks_while_it_is_open_costs_only_what_was_in_it(
    cache: AnswerCache, path: Path
) -> None:
    for n in range(300):
        cache.put(f"k{n}", an_answer(os.urandom(3000)))
    cache.close()
    cache.get("k0")  # opens it; the pages of the others are still on the disk
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(data)
    for n in range(300):
        cache.get(f"k{n}")
    cache.put("new", an_answer())
    assert cache.get("new") == an_answer()


def test_a_full_disk_costs_only_the_caching(cache: AnswerCache, path: Path) -> None:
    cache.put("k", an_answer())
    cache._file.read("PRAGMA max_page_count = 1")  # as many as there are: no further page
    cache.put("big", an_answer(os.urandom(100_000)))
    assert cache.get("big") is None
    assert cache.get("k") == an_answer()


def test_a_database_that_another_one_locks_costs_only_the_caching(
    cache: AnswerCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runflow_build.sources.sqlite_cache.BUSY_S", 0.01)
    cache.put("k", an_answer())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cache.put("k2", an_answer())
    assert cache.get("k") == an_answer()  # readers go on
    other.execute("ROLLBACK")
    other.close()
    cache.put("k3", an_answer())
    assert cache.get("k2") is None
    assert cache.get("k3") == an_answer()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_may_only_be_read_is_read(cache: AnswerCache, path: Path) -> None:
    cache.put("k", an_answer())
    cache.close()
    path.parent.chmod(0o500)
    path.chmod(0o400)
    try:
        assert cache.get("k") == an_answer()
        cache.put("k2", an_answer())
        assert cache.get("k2") is None
    finally:
        path.parent.chmod(0o700)


def test_a_place_that_cannot_be_written_costs_only_the_caching(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = AnswerCache(tmp_path / "file" / "answers.db")
    cache.put("k", an_answer())
    assert cache.get("k") is None
    cache.close()


def test_a_cache_that_is_removed_while_it_is_used_costs_only_what_was_in_it(
    cache: AnswerCache, path: Path
) -> None:
    cache.put("k", an_answer())
    shutil.rmtree(path.parent)
    cache.put("k2", an_answer())
    cache.get("k2")
    cache.close()
    cache.put("k3", an_answer())
    assert cache.get("k3") == an_answer()


def test_many_threads_share_it(cache: AnswerCache) -> None:
    def work(name: int) -> None:
        for n in range(50):
            cache.put(f"{name}-{n}", an_answer(b"%d" % n))
            found = cache.get(f"{name}-{n}")
            if found is None or found.body != b"%d" % n:
                wrong.append((name, n))

    wrong: list[tuple[int, int]] = []
    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


@pytest.mark.parametrize("before", ["nothing", "garbage"])
def test_two_processes_share_it(before: str, path: Path) -> None:
    path.parent.mkdir()
    if before == "garbage":
        path.write_bytes(b"this is no database, " * 500)
    assert exit_codes(put_answers, (path, "a"), (path, "b")) == [0, 0]
    cache = AnswerCache(path)
    missing = [f"{name}{n}" for name in "ab" for n in range(100) if not cache.get(f"{name}{n}")]
    cache.close()
    assert missing == []
