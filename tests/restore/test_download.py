"""Files from their hosts into the store, whatever the hosts do."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_host import FileHost, served

from runflow_build.errors import RestoreError
from runflow_build.findings import Finding
from runflow_build.restore import download as module
from runflow_build.restore import transfer
from runflow_build.restore.download import Item, download, download_all
from runflow_build.restore.partial import received
from runflow_build.restore.store import ModelStore
from runflow_build.sources.http.backoff import Clock
from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import Mirrors

CONTENT = hashlib.shake_128(b"weights").digest(3_000_001)
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small file has many."""
    monkeypatch.setattr(transfer, "LEAST_PIECE", 200_000)
    monkeypatch.setattr(transfer, "FIRST", 150_000)
    monkeypatch.setattr(transfer, "STEP", 50_000)
    monkeypatch.setattr(transfer, "ENOUGH", 1_000)
    monkeypatch.setattr(transfer, "SPARE", 0)
    monkeypatch.setattr(transfer, "pause_s", lambda attempt: 0.0)
    monkeypatch.setattr(module, "pause_s", lambda attempt: 0.0)


@pytest.fixture
def host() -> Iterator[FileHost]:
    with served(CONTENT) as host:
        yield host


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(mirrors=Mirrors(), clock=Clock(sleep=lambda seconds: None)) as http:
        yield http


class Counted:
    """A progress that sums up."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, count: int) -> None:
        self.bytes += count


def have(http: Http, host: FileHost, store: ModelStore, **options: Any) -> Path:
    """Download it, and check that just the right bytes are there."""
    progress = Counted()
    path = download(
        http, host.url, store, SHA, options.pop("size", len(CONTENT)), progress=progress, **options
    )
    assert path == store.path(SHA)
    assert path.read_bytes() == CONTENT
    assert progress.bytes == len(CONTENT)
    assert leftovers(store) == []
    return path


def leftovers(store: ModelStore) -> list[str]:
    folder = store.folder / "partial"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def failure(http: Http, host: FileHost, store: ModelStore, **options: Any) -> Finding:
    with pytest.raises(RestoreError) as error:
        have(http, host, store, **options)
    assert store.path(options.get("sha256", SHA)) is None
    return error.value.findings[0]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("size", [len(CONTENT), None])
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("says_size", [True, False])
@pytest.mark.parametrize("etag", ['"one"', 'W/"one"', None])
def test_a_file_comes_whole_from_any_kind_of_host(
    connections: int,
    size: int | None,
    ranges: bool,
    says_size: bool,
    etag: str | None,
    http: Http,
    store: ModelStore,
) -> None:
    with served(CONTENT, ranges=ranges, says_size=says_size, etag=etag) as host:
        have(http, host, store, size=size, connections=connections)


def test_a_large_file_comes_in_parts_over_several_connections_at_once(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    meeting = threading.Barrier(3)
    met = threading.Event()

    def wait(at: int) -> None:
        if at and not met.is_set():
            meeting.wait(20)
            met.set()

    host.before_chunk = wait
    host.chunk = 10_000
    have(http, host, store, connections=3)
    assert met.is_set()
    assert len(set(host.asked)) == len(host.asked) == -(-len(CONTENT) // 250_001)


def test_a_small_file_is_asked_for_once_and_as_a_whole(
    http: Http, host: FileHost, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "LEAST_PIECE", 32 << 20)
    have(http, host, store)
    assert host.asked == [None]


def test_a_host_without_parts_is_asked_once(http: Http, host: FileHost, store: ModelStore) -> None:
    host.ranges = False
    have(http, host, store)
    assert len(host.asked) == 1


def test_what_the_store_has_is_not_asked_for(http: Http, host: FileHost, store: ModelStore) -> None:
    first = have(http, host, store)
    host.asked.clear()
    assert have(http, host, store) == first
    assert host.asked == []


@pytest.mark.parametrize("size", [0, None])
def test_an_empty_file_is_a_file(
    size: int | None, http: Http, host: FileHost, store: ModelStore
) -> None:
    host.content = b""
    sha256 = hashlib.sha256().hexdigest()
    path = download(http, host.url, store, sha256, size, progress=Counted())
    assert path.read_bytes() == b""


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_is_cut_is_taken_up_where_it_broke(
    ranges: bool, http: Http, host: FileHost, store: ModelStore
) -> None:
    host.ranges = ranges
    cuts = [70_001, 1, 123_456]
    host.cut_after = lambda start, number: cuts.pop() if cuts else None
    have(http, host, store)
    if ranges:
        assert len(host.asked) == len(set(host.asked))


def test_a_connection_that_is_always_cut_ends_with_a_finding_and_keeps_what_came(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    host.cut_after = lambda start, number: 0 if start >= 1_000_000 else None
    finding = failure(http, host, store, connections=1)
    assert finding.code == "download-failed"
    assert "127.0.0.1" in finding.message
    kept = received(store.partial(SHA))
    assert 1_000_000 <= kept < len(CONTENT)
    host.cut_after = lambda start, number: None
    host.asked.clear()
    have(http, host, store, connections=1)
    assert f"bytes={kept}-" in str(host.asked[0])


def test_a_host_that_cuts_every_answer_short_is_not_asked_for_ever(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    host.ranges = False
    host.cut_after = lambda start, number: 2_000_000
    assert failure(http, host, store).code == "download-failed"
    assert len(host.asked) < 10


def test_a_busy_host_is_asked_again(http: Http, host: FileHost, store: ModelStore) -> None:
    host.statuses = [429, 503, 500]
    have(http, host, store)


def test_a_host_that_stays_broken_is_a_finding(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    host.statuses = [500] * 1000
    finding = failure(http, host, store)
    assert finding.code == "download-failed"
    assert "500" in finding.message


def test_a_missing_file_is_a_finding(http: Http, host: FileHost, store: ModelStore) -> None:
    host.statuses = [404]
    finding = failure(http, host, store)
    assert finding.code == "download-failed"
    assert "has no such file" in finding.message
    assert leftovers(store) == []


@pytest.mark.parametrize("status", [404, 410, 403, 400])
def test_who_refuses_a_file_is_not_to_be_asked_again(
    http: Http, host: FileHost, store: ModelStore, status: int
) -> None:
    host.statuses = [status]
    fix = failure(http, host, store).fix
    assert fix == "give it another URL in runflow.yaml, and run `runflow lock`"


def test_who_is_busy_is_to_be_asked_later(http: Http, host: FileHost, store: ModelStore) -> None:
    host.statuses = [503] * 1000
    assert failure(http, host, store).fix == "try again later"


def test_nothing_is_asked_offline(host: FileHost, store: ModelStore) -> None:
    with Http(mirrors=Mirrors(), offline=True) as http:
        assert failure(http, host, store).code == "download-failed"
    assert host.asked == []


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_a_file_that_is_replaced_in_between_is_begun_anew(
    heeds_if_range: bool, http: Http, host: FileHost, store: ModelStore
) -> None:
    host.content, host.etag = bytes(len(CONTENT)), '"old"'
    host.heeds_if_range = heeds_if_range

    def replace(at: int) -> None:
        if at > 400_000 and host.etag == '"old"':
            host.content, host.etag = CONTENT, '"new"'

    host.before_chunk = replace
    have(http, host, store, connections=2)


def test_a_file_that_changes_at_each_question_is_a_finding_in_the_end(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    def change(at: int) -> None:
        host.etag = f'"{len(host.asked)}"'
        host.content = bytes([len(host.asked) % 256]) * len(CONTENT)

    host.before_chunk = change
    assert failure(http, host, store).code in ("download-failed", "download-not-the-file")


def test_parts_of_another_file_are_thrown_away_when_the_hash_says_so(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    host.etag = None
    host.content = bytes(len(CONTENT))
    host.cut_after = lambda start, number: 0 if start >= 1_000_000 else None
    failure(http, host, store, connections=1)
    assert received(store.partial(SHA)) > 0
    host.content, host.cut_after = CONTENT, lambda start, number: None
    have(http, host, store)


@pytest.mark.parametrize("connections", [1, 4])
def test_another_file_of_the_same_size_never_comes_into_the_store(
    connections: int, http: Http, host: FileHost, store: ModelStore
) -> None:
    host.content = b"PK\x03\x04" + CONTENT[4:]
    finding = failure(http, host, store, connections=connections)
    assert finding.code == "download-not-the-file"
    assert ("wanted", f"sha256 {SHA}, {len(CONTENT)} bytes") in finding.also
    assert dict(finding.also)["got"].startswith("a zip archive or a PyTorch file, sent as applicat")
    assert leftovers(store) == []


@pytest.mark.parametrize("size", [len(CONTENT), None])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_login_page_never_becomes_a_checkpoint(
    size: int | None, ranges: bool, http: Http, host: FileHost, store: ModelStore
) -> None:
    host.content, host.ranges = b"\n<!DOCTYPE html><title>Log in</title>", ranges
    host.content_type = "text/html; charset=utf-8"
    finding = failure(http, host, store, size=size)
    assert finding.code == "download-not-the-file"
    assert dict(finding.also)["got"].startswith("a web page, sent as text/html; charset=utf-8; ")
    assert leftovers(store) == []


@pytest.mark.parametrize(
    ("public", "variable"),
    [("https://huggingface.co", "HF_TOKEN"), ("https://civitai.com", "CIVITAI_API_TOKEN")],
)
def test_a_login_page_of_a_host_with_tokens_says_which_to_set(
    public: str, variable: str, host: FileHost, store: ModelStore
) -> None:
    host.content, host.content_type = b"<html>sign in", "text/html"
    local = host.url.removesuffix("/models/style.safetensors")
    with (
        Http(mirrors=Mirrors(((public, local),))) as http,
        pytest.raises(RestoreError) as error,
    ):
        download(http, f"{public}/x.safetensors", store, SHA, 10, progress=Counted())
    finding = error.value.findings[0]
    assert finding.fix == f"set {variable} to a token that may read it"
    assert local not in str(error.value)


def test_a_file_of_the_wrong_size_is_refused_before_it_comes(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    progress = Counted()
    with pytest.raises(RestoreError) as error:
        download(http, host.url, store, SHA, 10 * len(CONTENT), progress=progress)
    assert error.value.findings[0].code == "download-not-the-file"
    assert progress.bytes == 0


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com/x", "file:///etc/x"])
def test_only_a_safe_connection_will_do(url: str, http: Http, store: ModelStore) -> None:
    with pytest.raises(RestoreError) as error:
        download(http, url, store, SHA, 1, progress=Counted())
    assert error.value.findings[0].code == "download-insecure"


def test_no_message_and_no_journal_repeats_a_secret(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    host.cut_after = lambda start, number: 0 if start >= 1_000_000 else None
    url = f"{host.url}?token=s3cret".replace("://", "://me:pa55@")
    with pytest.raises(RestoreError) as error:
        download(http, url, store, SHA, len(CONTENT), progress=Counted())
    journal = store.partial(SHA).with_suffix(".json").read_text()
    for text in (str(error.value), journal):
        assert "s3cret" not in text
        assert "pa55" not in text


def test_a_disk_without_the_room_is_left_alone(
    http: Http, host: FileHost, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "SPARE", 1 << 60)
    finding = failure(http, host, store)
    assert finding.code == "restore-no-room"
    assert "needs 3 MiB" in finding.message
    assert "on the disk, of which 64 MiB stay free; " in finding.message
    assert leftovers(store) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on the size of files")
def test_a_disk_that_fills_up_is_survived(host: FileHost, store: ModelStore) -> None:
    limited = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
"""
    done = subprocess.run(
        [sys.executable, "-c", limited + FETCH, host.url, str(store.folder), SHA],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert "restore-not-written" in done.stdout
    with Http(mirrors=Mirrors()) as http:
        have(http, host, store)


FETCH = """
import sys
from pathlib import Path
from runflow_build.errors import RestoreError
from runflow_build.restore import transfer
from runflow_build.restore.download import download
from runflow_build.restore.store import ModelStore
from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import Mirrors

transfer.LEAST_PIECE, transfer.SAVE_EVERY_S = 200_000, 0.01
url, folder, sha256 = sys.argv[1:]
try:
    with Http(mirrors=Mirrors()) as http:
        download(http, url, ModelStore(Path(folder)), sha256, None, progress=lambda count: None)
except RestoreError as error:
    print(error)
    sys.exit(7)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_is_killed_at_any_moment_ends_well_at_the_next_try(
    ranges: bool, http: Http, host: FileHost, store: ModelStore
) -> None:
    host.ranges, host.chunk = ranges, 20_000
    for moment in (0, 300_000, 1_200_000, 2_400_000):
        reached, going_on = _hold(host, moment)
        process = subprocess.Popen([sys.executable, "-c", FETCH, host.url, store.folder, SHA])
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        going_on.set()
        assert store.path(SHA) is None
    host.before_chunk = lambda at: None
    have(http, host, store)


def _hold(host: FileHost, moment: int) -> tuple[threading.Event, threading.Event]:
    """Let the host stop once it has sent that many bytes, until it may go on."""
    reached, going_on, sent = threading.Event(), threading.Event(), [0]

    def count(at: int) -> None:
        sent[0] += host.chunk
        if sent[0] >= moment:
            reached.set()
            going_on.wait(20)

    host.before_chunk = count
    return reached, going_on


def test_a_journal_that_says_nonsense_is_not_believed(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    part = store.partial(SHA)
    part.write_bytes(b"x")
    good = {"version": 1, "url": host.url, "etag": '"one"', "size": len(CONTENT)}
    for told in (
        "", "[]", "{", "null", json.dumps({**good, "have": [[0, 10**12]]}),
        json.dumps({**good, "have": [[5, 1], [-3, 4], ["a", None], 7, [True, 2]]}),
        json.dumps({**good, "size": "many", "have": []}),
        json.dumps({**good, "etag": 3, "have": [[0, 1]]}), json.dumps({**good, "have": 1}),
    ):  # fmt: skip
        part.with_suffix(".json").write_text(told)
        have(http, host, store)
        place = store.place_of(SHA)
        place.chmod(0o644)
        place.unlink()
        part.write_bytes(b"x")


def test_two_downloads_of_one_file_are_one(http: Http, host: FileHost, store: ModelStore) -> None:
    paths: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: paths.append(
                download(http, host.url, store, SHA, len(CONTENT), progress=Counted())
            )
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(set(paths)) == 1
    assert len(host.asked) == len(set(host.asked))


def test_many_files_come_together_within_one_bound(http: Http, store: ModelStore) -> None:
    lock, now, most = threading.Lock(), 0, 0
    contents = {f"{n}.bin": hashlib.shake_128(bytes([n])).digest(400_000 + n) for n in range(12)}

    class Many(FileHost):
        def answer(self, request: Any) -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            one = FileHost(contents[request.path.rpartition("/")[2]], chunk=50_000)
            one.answer(request)
            with lock:
                now -= 1

    with served(b"", kind=Many) as host:
        base = host.url.rpartition("/")[0]
        items = [
            Item(name, f"{base}/{name}", hashlib.sha256(data).hexdigest(), len(data))
            for name, data in contents.items()
        ]
        told = dict.fromkeys(contents, 0)

        def progress(item: Item, count: int) -> None:
            told[item.name] += count

        found = download_all(http, items, store, progress=progress, at_once=4, connections=5)
    for item in items:
        path = found[item.sha256]
        assert isinstance(path, Path)
        assert path.read_bytes() == contents[item.name]
        assert told[item.name] == item.size
    assert 1 <= most <= 5


def test_one_file_that_fails_does_not_keep_the_others(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    items = [
        Item("good", host.url, SHA, len(CONTENT)),
        Item("bad", host.url, "0" * 64, len(CONTENT)),
    ]
    found = download_all(http, items, store, progress=lambda item, count: None)
    assert found[SHA] == store.path(SHA)
    error = found["0" * 64]
    assert isinstance(error, RestoreError)
    assert error.findings[0].code == "download-not-the-file"


def test_a_content_with_two_urls_comes_from_the_one_that_has_it(
    http: Http, host: FileHost, store: ModelStore
) -> None:
    with served(b"something else") as wrong:
        items = [Item("a", wrong.url, SHA, len(CONTENT)), Item("b", host.url, SHA, len(CONTENT))]
        found = download_all(http, items, store, progress=lambda item, count: None)
    assert found == {SHA: store.path(SHA)}


def test_no_files_are_no_work(http: Http, store: ModelStore) -> None:
    assert download_all(http, [], store, progress=lambda item, count: None) == {}


def test_a_stopped_download_keeps_what_came(http: Http, host: FileHost, store: ModelStore) -> None:
    stop = threading.Event()

    def progress(count: int) -> None:
        stop.set()

    with pytest.raises(RestoreError):
        download(http, host.url, store, SHA, len(CONTENT), progress=progress, stop=stop)
    assert received(store.partial(SHA)) > 0
    have(http, host, store)


def test_the_defaults_bound_what_is_open_at_once() -> None:
    assert module.AT_ONCE <= module.MOST_CONNECTIONS <= 32
