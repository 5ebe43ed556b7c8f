"""One file from its host into its place beside the store: workers, and a hash behind them.

The workers receive pieces over connections of their own. One thread hashes the file in order while
they go on, and reads what was just written, so the disk is not read. Whoever called waits, and
notes from time to time what is here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from urllib.parse import urlsplit

from ..sources.http.backoff import pause_s
from ..sources.http.client import Body, Http
from ..sources.http.outage import LATER
from ..sources.world import Unanswered
from .partial import Partial, Piece, pieces_of

CUTS = 6  # in a row that brought next to nothing
ENOUGH = 1 << 20  # bytes that make a connection worth another one
SAVE_EVERY_S = 2.0
STEP = 1 << 20  # bytes between two reports of a worker
BUFFER = 1 << 20  # of the hash
FIRST = 8 << 20  # bytes of the first question, when the size is not known
LEAST_PIECE, MOST_PIECE = 32 << 20, 256 << 20
SPARE = 64 << 20  # bytes that are left free on the disk
HEAD = 512  # bytes by which to tell what a file is


class Changed(Exception):
    """What came cannot be gone on with: the host has another file by now, or gives no parts."""

    def __init__(self, parts: bool, why: Unanswered | None = None) -> None:
        self.parts = parts  # whether it gives parts
        self.why = why  # why one has to go on; None: the file is another one


class WrongFile(Exception):
    """The host gives something else; `head`: its first bytes."""

    def __init__(self, what: str, head: bytes, content_type: str | None) -> None:
        self.what, self.head, self.content_type = what, head, content_type


class NoRoom(Exception):
    """The disk has not the room for what is still missing."""

    def __init__(self, missing: int, free: int) -> None:
        self.missing, self.free = missing, free  # bytes


class Stopped(Exception):
    """Somebody wants the transfer to end."""


class Transfer:
    """The way of one file, for one attempt. `run` gives the hash of what came."""

    def __init__(
        self,
        http: Http,
        url: str,
        partial: Partial,
        *,
        size: int | None,
        parts: bool,
        progress: Callable[[int], None],
        connections: int,
        slots: threading.Semaphore,
        stop: threading.Event,
    ) -> None:
        """`parts`: whether to ask for parts of the file. `progress` is called with the bytes that
        came, from any thread, one at a time. `slots` bounds the connections of all transfers."""
        self._http, self._url, self._partial = http, url, partial
        self._size, self._parts, self._progress = size, parts, progress
        self._connections, self._slots, self._stop = connections, slots, stop
        self._turn = threading.Condition()
        self._telling = threading.Lock()
        self._error: BaseException | None = None
        self._over = False
        self._admitted = False  # the host's first answer fits
        self._sha256: str | None = None
        self._waiting = [piece for piece in partial.pieces if not piece.is_whole]
        self.content_type: str | None = None

    def run(self) -> str:
        """Raises Unanswered, Changed, WrongFile, Stopped, OSError; what came is noted then."""
        threads = [threading.Thread(target=self._guarded, args=(self._hash,), daemon=True)]
        saved = time.monotonic()
        try:
            self._take_slot()
            threads[0].start()
            threads.append(self._worker())
            while not self._settled():
                with self._turn:
                    self._turn.wait(0.2)
                if self._more_workers(len(threads) - 1):
                    threads.append(self._worker())
                if time.monotonic() - saved > SAVE_EVERY_S and not self._partial.is_whole:
                    self._partial.save(self._url)
                    saved = time.monotonic()
        finally:
            self._end()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            if self._sha256 is None and self._admitted:
                with suppress(OSError):
                    self._partial.save(self._url)
        if self._error is not None:
            raise self._error
        if self._sha256 is None:
            raise Stopped
        return self._sha256

    # -- who does what

    def _take_slot(self) -> None:
        while not self._slots.acquire(timeout=0.2):
            if self._stop.is_set():
                raise Stopped

    def _worker(self) -> threading.Thread:
        """Start one; it gives its slot back."""

        def work() -> None:
            try:
                self._guarded(self._receive_pieces)
            finally:
                self._slots.release()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _more_workers(self, workers: int) -> bool:
        with self._turn:
            useful = self._admitted and self._parts and bool(self._waiting)
            going_on = not (self._over or self._stop.is_set())
        fits = workers < self._connections and useful and going_on
        return fits and self._slots.acquire(blocking=False)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            with self._turn:
                self._error = self._error or error
            self._end()

    def _end(self) -> None:
        with self._turn:
            self._over = True
            self._turn.notify_all()

    def _settled(self) -> bool:
        with self._turn:
            return self._over or self._stop.is_set() or self._sha256 is not None

    # -- receiving

    def _receive_pieces(self) -> None:
        with self._partial.path.open("r+b", buffering=0) as file:
            while True:
                with self._turn:
                    if not self._waiting or self._over:
                        return
                    piece = self._waiting.pop(0)
                self._receive(piece, file.seek, file.write)

    def _receive(
        self, piece: Piece, seek: Callable[[int], int], write: Callable[[bytes], int | None]
    ) -> None:
        """All of a piece, over as many connections as it takes."""
        cuts = 0
        while not piece.is_whole and not self._over:
            before = piece.at
            why = self._receive_some(piece, seek, write)
            cuts = 0 if piece.at - before >= ENOUGH else cuts + 1
            if why is not None and cuts >= CUTS:
                raise why
            if why is not None and piece.at and not self._parts:
                raise Changed(parts=False, why=why)
            if why is not None:
                self._stop.wait(pause_s(cuts) if cuts else 0)
                if self._stop.is_set():
                    raise Stopped

    def _receive_some(
        self, piece: Piece, seek: Callable[[int], int], write: Callable[[bytes], int | None]
    ) -> Unanswered | None:
        """Over one connection; why it ended too early."""
        all_of_it = piece.at == 0 and self._partial.size is not None
        ranged = self._parts and not (all_of_it and piece.stop == self._partial.size)
        with self._asked(piece, ranged) as body:
            chunks = iter(body.chunks)
            if body.size_total is not None and self._size not in (None, body.size_total):
                raise self._wrong_size(body, chunks)
            with self._turn:
                self._admit(piece, body, ranged)
            seek(piece.at)
            try:
                self._write(piece, chunks, write)
            except Unanswered as why:
                return why
        if piece.stop is None:  # the host did not say how much it is, and ended it well
            with self._turn:
                piece.stop = self._partial.size = piece.at
        self._tell(0)
        return None if piece.is_whole else self._too_early(body)

    def _asked(self, piece: Piece, ranged: bool) -> AbstractContextManager[Body]:
        if not ranged:
            return self._http.stream(self._url)
        stop = piece.at + FIRST if piece.stop is None else piece.stop
        return self._http.stream(self._url, start=piece.at, stop=stop, etag=self._partial.etag)

    def _write(
        self, piece: Piece, chunks: Iterator[bytes], write: Callable[[bytes], int | None]
    ) -> None:
        told = 0
        try:
            for chunk in chunks:
                if self._over or self._stop.is_set():
                    raise Stopped
                if piece.stop is not None and len(chunk) > piece.stop - piece.at:
                    chunk = chunk[: piece.stop - piece.at]
                _write_all(write, chunk)
                piece.at += len(chunk)
                told += len(chunk)
                if told >= STEP:
                    self._tell(told)
                    told = 0
                if piece.is_whole:
                    return
        finally:
            self._tell(told)

    def _tell(self, count: int) -> None:
        with self._turn:
            self._turn.notify_all()
        if count:
            with self._telling:
                self._progress(count)

    # -- what the answers say of the file

    def _admit(self, piece: Piece, body: Body, ranged: bool) -> None:
        """Compare the answer with what is known of the file, and learn from it."""
        partial, total = self._partial, body.size_total
        if body.status == 416:  # shorter than what was asked for; a part of nothing is no part
            if total != 0 or partial.size is not None:
                raise Changed(parts=True)
            partial.size = piece.stop = 0
        elif ranged and body.status == 200:
            if partial.received or self._admitted:
                raise Changed(parts=body.etag != partial.etag)
            self._take_whole(piece)
        if partial.etag and body.etag and partial.etag != body.etag:
            raise Changed(parts=True)
        if partial.size is None and total is not None:
            self._learn_size(piece, total, body.status == 206)
        elif total is not None and total != partial.size:
            raise Changed(parts=True)
        elif total is None and body.status == 206 and partial.size is None:
            raise Changed(parts=False)
        if not self._admitted:
            partial.etag, self.content_type = body.etag, body.content_type
            self._make_room()
            self._admitted = True

    def _take_whole(self, piece: Piece) -> None:
        """The host gives no parts: one piece is all."""
        self._parts = False
        piece.stop = self._partial.size
        self._partial.pieces = [piece]
        self._waiting.clear()

    def _learn_size(self, piece: Piece, total: int, in_parts: bool) -> None:
        self._partial.size = total
        piece.stop = min(total, piece.at + FIRST) if in_parts else total
        rest = pieces_of(piece.stop, total, piece_bytes(total, self._connections))
        self._partial.pieces = [piece, *rest]
        self._waiting.extend(rest)

    def _make_room(self) -> None:
        """Raises NoRoom rather than fill the disk."""
        missing = (self._partial.size or 0) - self._partial.reserved()
        free = shutil.disk_usage(self._partial.path.parent).free
        if missing > 0 and missing + SPARE > free:
            raise NoRoom(missing, free)
        self._partial.reserve()

    def _wrong_size(self, body: Body, chunks: Iterator[bytes]) -> WrongFile:
        head = b""
        with suppress(Unanswered):
            head = next(chunks, b"")
        return WrongFile(f"it has {body.size_total} bytes", head[:HEAD], body.content_type)

    def _too_early(self, body: Body) -> Unanswered:
        return Unanswered(f"{urlsplit(body.url).hostname} ended the file too early", LATER)

    # -- hashing

    def _hash(self) -> None:
        """In order, behind the workers."""
        state, buffer, at = hashlib.sha256(), memoryview(bytearray(BUFFER)), 0
        with self._partial.path.open("rb", buffering=0) as file:
            while (end := self._more_than(at)) > at:
                while at < end and not self._over:
                    count = file.readinto(buffer[: min(BUFFER, end - at)]) or 0
                    if not count:
                        raise OSError(errno.EIO, os.strerror(errno.EIO))
                    state.update(buffer[:count])
                    at += count
        with self._turn:
            if not self._over:
                self._sha256 = state.hexdigest()
            self._turn.notify_all()

    def _more_than(self, at: int) -> int:
        """Wait until there is more from `at` on, and say up to where; `at`: no more comes."""
        with self._turn:
            while not self._over:
                end, is_whole = self._partial.contiguous(at), self._partial.is_whole
                if end > at or is_whole:
                    return end
                self._turn.wait()
            return at


def piece_bytes(size: int, connections: int) -> int:
    """How long the pieces of a file are: a few for each connection, neither tiny nor endless."""
    return max(LEAST_PIECE, min(MOST_PIECE, -(-size // (4 * connections))))


def _write_all(write: Callable[[bytes], int | None], chunk: bytes) -> None:
    done = write(chunk) or 0
    while done < len(chunk):  # the disk took a part; the next call says why
        done += write(chunk[done:]) or 0
