"""One HTTP/2 client for all threads: its connections live on an event loop in a thread of its own.

httpx's client for threads is none for this: one thread takes an idle connection while another one
finds it readable and closes it (httpcore 1.0.9, `has_expired`). At 32 threads every hundredth
question broke, some stood until their timeout, and one may read what another was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, TypeVar

import httpx

AT_ONCE, AT_ONCE_S = 1 << 18, 0.5  # bytes of a body that are fetched together with its headers

T = TypeVar("T")


class Multiplexed:
    """Asked from any thread. Raises what httpx does."""

    def __init__(self, new_client: Callable[[], httpx.AsyncClient]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="runflow-http", daemon=True)
        self._thread.start()
        self._client = self.wait(_made(new_client))

    def send(self, method: str, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """The answer; its body may be on the way still."""
        begun = self.wait(self._sent(method, url, headers))
        answer = begun.answer
        response = httpx.Response(
            answer.status_code, headers=answer.headers, stream=_Pulled(self, begun)
        )
        response.request = answer.request
        return response

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what the loop does meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self.wait(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _sent(self, method: str, url: str, headers: Mapping[str, str]) -> _Begun:
        request = self._client.build_request(method, url, headers=headers)
        answer = await self._client.send(request, stream=True)
        begun, size, end = _Begun(answer, answer.aiter_raw()), 0, self._loop.time() + AT_ONCE_S
        while size < AT_ONCE and self._loop.time() < end:
            try:
                chunk = await anext(begun.rest)
            except StopAsyncIteration:
                begun.is_all = True
                await answer.aclose()
                break
            except httpx.TransportError as error:
                begun.error = error
                break
            begun.chunks.append(chunk)
            size += len(chunk)
        return begun


@dataclass
class _Begun:
    """An answer, and what came of its body by now."""

    answer: httpx.Response
    rest: AsyncIterator[bytes]
    chunks: list[bytes] = field(default_factory=list)
    is_all: bool = False
    error: httpx.TransportError | None = None  # what ended it


class _Pulled(httpx.SyncByteStream):
    """A body: what came, then a chunk at a time from the loop."""

    def __init__(self, owner: Multiplexed, begun: _Begun) -> None:
        self._owner, self._begun = owner, begun

    def __iter__(self) -> Iterator[bytes]:
        begun = self._begun
        yield from begun.chunks
        if begun.error is not None:
            raise begun.error
        while not begun.is_all:
            chunk = self._owner.wait(_next(begun.rest))
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        if not self._begun.is_all:
            self._owner.wait(self._begun.answer.aclose())


async def _made(new_client: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
    return new_client()


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)
