"""Any other host: what is there, and what reading it once tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from place import Fault, File, Repo, declared

from runflow_build.sources.file_hosts.online import FileHostsOnline, tokens_of
from runflow_build.sources.world import RemoteFile, Unanswered

URL = "https://files.example/models/a.safetensors"
DATA = bytes(range(256)) * 4096  # 1 MiB
SHA = hashlib.sha256(DATA).hexdigest()

Make = Callable[..., FileHostsOnline]


@pytest.fixture
def place(stand_in: Any) -> Any:
    stand_in.place.files[URL] = File(DATA)
    return stand_in.place


def test_a_host_that_says_no_hash_says_the_size(place: Any, file_hosts: Make) -> None:
    assert file_hosts().file(f"{URL}#part") == RemoteFile(URL, None, len(DATA))
    assert place.count(method="GET") == 0


def test_reading_once_tells_the_hash_for_as_long_as_the_etag_stays(
    place: Any, file_hosts: Make
) -> None:
    hosts = file_hosts()
    assert hosts.file(URL, read=True) == RemoteFile(URL, SHA, len(DATA))
    assert file_hosts().file(URL, read=True) == RemoteFile(URL, SHA, len(DATA))
    assert file_hosts(offline=True).file(URL) == RemoteFile(URL, SHA, len(DATA))
    assert place.count(method="GET") == 1
    place.files[URL] = File(b"new")
    assert hosts.file(URL) == RemoteFile(URL, None, 3)


def test_a_connection_that_breaks_is_taken_up_where_it_broke(place: Any, file_hosts: Make) -> None:
    place.faults[URL] = Fault(times=3, cut_after=300_000, chunk=50_000)
    file_hosts().file(URL)  # the HEAD takes the first of the three
    assert file_hosts().file(URL, read=True) == RemoteFile(URL, SHA, len(DATA))
    ranges = [one.headers.get("range") for one in place.asked if one.method == "GET"]
    assert ranges[0] is None and all((one or "").startswith("bytes=") for one in ranges[1:])


def test_a_file_that_changes_while_it_is_read_is_read_anew(place: Any, file_hosts: Make) -> None:
    other = DATA[::-1]
    fault = Fault(times=2, cut_after=300_000, chunk=50_000, becomes=File(other))
    place.faults[URL] = fault
    found = file_hosts().file(URL, read=True)
    assert found is not None and found.sha256 == hashlib.sha256(other).hexdigest()


def test_without_etag_a_broken_reading_begins_again(place: Any, file_hosts: Make) -> None:
    place.faults[URL] = Fault(times=2, cut_after=300_000, chunk=50_000, no_etag=True)
    found = file_hosts().file(URL, read=True)
    assert found is not None and found.sha256 == SHA


def test_a_host_that_always_breaks_is_given_up(place: Any, file_hosts: Make) -> None:
    place.faults[URL] = Fault(times=None, cut_after=300_000, chunk=50_000, no_ranges=True)
    with pytest.raises(Unanswered, match=r"files\.example"):
        file_hosts().file(URL, read=True)


def test_a_file_that_is_not_there_is_none(place: Any, file_hosts: Make) -> None:
    assert file_hosts().file("https://files.example/none.bin") is None


def test_a_web_page_is_no_model(place: Any, file_hosts: Make) -> None:
    place.files[URL] = File(b"<!DOCTYPE html>", kind="text/html")
    with pytest.raises(Unanswered, match=r"files\.example answers with a web page"):
        file_hosts().file(URL, read=True)


@pytest.mark.parametrize("url", ["ftp://files.example/a", "file:///etc/passwd", "https:///x", "x"])
def test_what_is_no_web_address_is_not_asked(url: str, place: Any, file_hosts: Make) -> None:
    with pytest.raises(Unanswered, match="it is no"):
        file_hosts().file(url)
    assert place.asked == []


def test_offline_nothing_is_asked(place: Any, file_hosts: Make) -> None:
    with pytest.raises(Unanswered, match="offline"):
        file_hosts(offline=True).file(URL)
    assert place.asked == []


def test_many_threads_ask_one_source(place: Any, file_hosts: Make) -> None:
    from concurrent.futures import ThreadPoolExecutor

    commit = "1" * 40
    files = {f"{n}.safetensors": declared(f"{n:064x}", n) for n in range(100)}
    place.repos["acme/many"] = Repo({commit: files})
    hosts = file_hosts()
    urls = [f"https://huggingface.co/acme/many/resolve/main/{name}" for name in files]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(hosts.file, urls))
    assert [one and one.sha256 for one in found] == [f"{n:064x}" for n in range(100)]


def test_both_names_of_a_civitai_token_count() -> None:
    nowhere = {"HF_HOME": "/nowhere"}
    assert tokens_of({**nowhere, "CIVITAI_TOKEN": "t"}) == {"civitai.com": "t"}
    both = {**nowhere, "CIVITAI_TOKEN": "t", "CIVITAI_API_TOKEN": "a"}
    assert tokens_of(both) == {"civitai.com": "a"}
    assert tokens_of({**nowhere, "GITHUB_TOKEN": "g"}) == {"api.github.com": "g"}
