"""Files from their hosts into the store: resumed, in parallel, hashed on the way, checked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .. import digest
from ..errors import RestoreError
from ..findings import Finding
from ..redact import redacted
from ..sources.http.backoff import pause_s
from ..sources.http.client import Http
from ..sources.http.outage import TOKEN_VARIABLES, Refused, host_of
from ..sources.world import Unanswered
from .first_bytes import is_text, kind_of
from .partial import Partial
from .store import ModelStore, not_written
from .transfer import HEAD, SPARE, Changed, NoRoom, Stopped, Transfer, WrongFile, piece_bytes

AT_ONCE = 4  # files
CONNECTIONS = 4  # for one file
MOST_CONNECTIONS = 8  # for all of them
ATTEMPTS = 5  # from the first byte on
_ANOTHER_URL = "give it another URL in runflow.yaml, and run `runflow lock`"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Item:
    """A file to be had."""

    name: str  # what a person calls it: models/loras/x.safetensors
    url: str  # public
    sha256: str | None  # lower-case hex; None: whatever comes is taken
    size: int | None  # bytes; None: not known

    @property
    def kept_as(self) -> str:
        """What the store calls what has come of it."""
        return self.sha256 or digest.of_bytes(self.url.encode())


def download(
    http: Http,
    url: str,
    store: ModelStore,
    sha256: str | None,
    size: int | None,
    *,
    progress: Callable[[int], None],
    connections: int = CONNECTIONS,
    name: str | None = None,
    slots: threading.Semaphore | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Have the file in the store; its path there, of which the last part is its hash.

    Without a hash nobody can tell whether it is the right file. What an earlier call left
    unfinished is gone on with. `progress` gets the number of bytes that came, what was here already
    first; it is negative where some were of no use. `slots` bounds the connections together with
    other downloads; `stop` ends it, keeping what came.

    Raises RestoreError: `download-failed`, `download-not-the-file`, `download-insecure`,
    `restore-no-room`, `restore-not-written`.
    """
    item = Item(name or _file_name(url), url, sha256, size)
    if sha256 and (known := store.path(sha256)):
        return _told(known, progress)
    if odd := insecure(item.name, item.url):
        raise RestoreError(odd)
    with store.lock(item.kept_as):
        if sha256 and (known := store.path(sha256)):
            return _told(known, progress)
        bound = slots or threading.BoundedSemaphore(connections)
        one = _Download(http, item, store, progress, connections, bound, stop or threading.Event())
        return one.fetched()


def download_all(
    http: Http,
    items: Iterable[Item],
    store: ModelStore,
    *,
    progress: Callable[[Item, int], None],
    at_once: int = AT_ONCE,
    connections: int = MOST_CONNECTIONS,
) -> Mapping[str, Path | RestoreError]:
    """Each file's path in the store, or why it could not be had, by its sha256.

    The largest go first, at most `at_once` together, over at most `connections` connections in
    all. A content with several URLs is had from the first one that has it.
    """
    groups: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: -(item.size or 0)):
        groups.setdefault(item.kept_as, []).append(item)
    slots, stop = threading.BoundedSemaphore(max(1, connections)), threading.Event()

    def fetch(group: list[Item]) -> Path | RestoreError:
        failures: list[RestoreError] = []
        for item in group:
            try:
                return download(
                    http,
                    item.url,
                    store,
                    item.sha256,
                    item.size,
                    progress=lambda count, item=item: progress(item, count),  # type: ignore[misc]
                    connections=min(CONNECTIONS, connections),
                    name=item.name,
                    slots=slots,
                    stop=stop,
                )
            except RestoreError as error:  # noqa: PERF203
                failures.append(error)
        return failures[0]

    with ThreadPoolExecutor(max(1, at_once)) as pool:
        try:
            return dict(zip(groups, pool.map(fetch, groups.values()), strict=True))
        except BaseException:
            stop.set()  # what came is kept
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Download:
    """One file, its lock held."""

    http: Http
    item: Item
    store: ModelStore
    progress: Callable[[int], None]
    connections: int
    slots: threading.Semaphore
    stop: threading.Event

    def fetched(self) -> Path:
        """The checked file in the store."""
        item, parts = self.item, True
        why = Unanswered(f"{host_of(item.url)} has another file each time that we ask")
        for left in reversed(range(ATTEMPTS)):
            partial = Partial(self.store.partial(item.kept_as))
            try:
                resumed = self._prepared(partial, parts)
                came, content_type = self._transferred(partial, parts)
                self._refuse_text(partial, content_type)
                if item.sha256 in (None, came) and item.size in (None, partial.size):
                    path = self.store.settle(came, partial.path)
                    partial.discard()
                    return path
            except Changed as change:
                parts, resumed, why = change.parts and left > 1, True, change.why or why
                self.stop.wait(pause_s(ATTEMPTS - left))
            except OSError as error:
                raise RestoreError(not_written(partial.path, error)) from None
            if not resumed:
                raise RestoreError(
                    self._not_the_file(partial, f"its sha256 is {came}", content_type)
                )
            # What was kept is of another file, or damaged.
            self.progress(-partial.received)
            partial.discard()
        raise RestoreError(self._failed(why))

    def _prepared(self, partial: Partial, parts: bool) -> bool:
        """Whether there is something to go on with."""
        size = self.item.size
        length = piece_bytes(size or 0, self.connections)
        is_there = parts and partial.resume(self.item.url, size, length)
        # Where no hash tells afterwards, only the host's word says that the parts are of one file.
        if is_there and (self.item.sha256 or partial.etag):
            self.progress(partial.received)
            return True
        partial.begin(size, length if parts else size or 1)
        return False

    def _refuse_text(self, partial: Partial, content_type: str | None) -> None:
        """Raise RestoreError for a page or the like that came where no hash would tell."""
        if self.item.sha256 is not None:
            return
        with partial.path.open("rb") as file:
            head = file.read(HEAD)
        if is_text(head):
            raise RestoreError(self._not_the_file(partial, "no model", content_type, head))

    def _transferred(self, partial: Partial, parts: bool) -> tuple[str, str | None]:
        """The sha256 of what came, and what the host called it. Raises Changed, OSError."""
        transfer = Transfer(
            self.http,
            self.item.url,
            partial,
            size=self.item.size,
            parts=parts,
            progress=self.progress,
            connections=self.connections,
            slots=self.slots,
            stop=self.stop,
        )
        try:
            return transfer.run(), transfer.content_type
        except WrongFile as wrong:
            finding = self._not_the_file(partial, wrong.what, wrong.content_type, wrong.head)
            raise RestoreError(finding) from None
        except Unanswered as why:
            self._leave(partial)
            raise RestoreError(self._failed(why)) from None
        except NoRoom as room:
            self._leave(partial)
            raise RestoreError(_no_room(self.item, room)) from None
        except Stopped:
            self._leave(partial)
            raise RestoreError(self._failed(Unanswered("it was stopped"))) from None

    def _leave(self, partial: Partial) -> None:
        """Keep what came for the next time; nothing, where nothing came."""
        if not partial.received:
            partial.discard()

    def _failed(self, why: Unanswered) -> Finding:
        is_final = isinstance(why, Refused)  # and not a host that is busy, which says when to ask
        again = _ANOTHER_URL if is_final else "run it again: it goes on where it stopped"
        return Finding(
            "download-failed",
            f"{self.item.name} could not be downloaded: {why.reason}",
            also=(("from", redacted(self.item.url)),),
            fix=why.fix or again,
        )

    def _not_the_file(
        self, partial: Partial, what: str, content_type: str | None, head: bytes | None = None
    ) -> Finding:
        """What came instead, which is thrown away."""
        if head is None:
            with partial.path.open("rb") as file:
                head = file.read(HEAD)
        partial.discard()
        item, host = self.item, host_of(self.item.url)
        kind = kind_of(head)
        facts = [f"sha256 {item.sha256}"] if item.sha256 else []
        wanted = ", ".join([*facts, *([] if item.size is None else [f"{item.size} bytes"])])
        got = f"{kind}, sent as {redacted(content_type or 'nothing in particular')[:80]}; {what}"
        token = TOKEN_VARIABLES.get(host)
        fix = "lock it again if the file was replaced on purpose: runflow lock --upgrade"
        if kind == "a web page":
            fix = "open the URL in a browser: a log-in page may stand before the file"
            fix = f"set {token} to a token that may read it" if token else fix
        return Finding(
            "download-not-the-file",
            f"{host} gives something else than {item.name}",
            also=(("wanted", wanted or "a model file"), ("got", got), ("from", redacted(item.url))),
            fix=fix,
        )


def _told(known: Path, progress: Callable[[int], None]) -> Path:
    progress(known.stat().st_size)
    return known


def insecure(name: str, url: str) -> Finding | None:
    """What is wrong with the address of a file: anybody on the way could change what comes."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return None
    return Finding(
        "download-insecure",
        f"{name} would come over {parts.scheme or 'no protocol'}, where anybody may change it",
        also=(("from", redacted(url)),),
        fix="give it an https:// URL in runflow.yaml, and run `runflow lock`",
    )


def _no_room(item: Item, room: NoRoom) -> Finding:
    return Finding(
        "restore-no-room",
        f"{item.name} needs {_mib(room.missing)} more on the disk, of which {_mib(SPARE)} stay "
        f"free; {_mib(room.free)} are",
        fix="make room, or set RUNFLOW_CACHE_DIR to a folder on a larger disk",
    )


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


def _file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2] or host_of(url)
