"""Stands before everything that ComfyUI answers, the websocket and unknown paths included.

A credential is checked once: argon2 takes 0.1 s, in a thread. A keyed mark of its header, which
never leaves the process, answers later requests at once, right or wrong. On this machine itself the
password is asked for as anywhere else.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import math
import os
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp import web

from .attempts import Attempts
from .origin import is_foreign
from .password import FILE, Broken, Off, On, PasswordFile, State, hashed, is_right

OUT_OF_ORDER = "RUNFLOW_DISABLE_AUTH"  # 1: nobody is asked, whatever the file says
HASHING_THREADS = 2
MOST_WAITING = 16  # credentials, to be checked
MOST_MARKS = 256
CHALLENGE = 'Basic realm="ComfyUI", charset="UTF-8"'
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

_log = logging.getLogger(__name__)


class TooEarlyError(Exception):
    """A password is not checked now: too many were wrong, or too many wait. `wait_s`: how long."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = max(1, math.ceil(wait_s))


class ChangedMeanwhileError(Exception):
    """Another change came first."""


class Guard:
    """Asks for the password of a file; a file that is not clear lets nobody in.

    `other_sites`: pages of other sites may use this ComfyUI (its --enable-cors-header).
    """

    def __init__(
        self, file: PasswordFile, attempts: Attempts | None = None, other_sites: bool = False
    ) -> None:
        self._file, self._attempts, self._other_sites = file, attempts or Attempts(), other_sites
        self.state: State = _read(file)
        self.is_out_of_order = os.environ.get(OUT_OF_ORDER, "").lower() in ("1", "true", "yes")
        self._key = secrets.token_bytes(32)
        self._marks: OrderedDict[bytes, bool] = OrderedDict()  # of a header -> whether it is right
        self._checking: dict[bytes, asyncio.Future[bool]] = {}
        self._answering: dict[int, web.Request] = {}
        self._changing = asyncio.Lock()
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="runflow-password")
        self._log_state()

    # -- requests

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer of the handler, or the refusal."""
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        self._answering[id(request)] = request
        try:
            return await handler(request)
        finally:
            del self._answering[id(request)]

    async def _refusal(self, request: web.Request) -> web.Response | None:
        if self.is_out_of_order or isinstance(self.state, Off):
            return None
        if isinstance(self.state, Broken):
            return _refused(503, _mend(self.state.reason))
        try:
            if not await self._is_let_in(request):
                text = "This ComfyUI asks for a user name and a password."
                return _refused(401, text, {"WWW-Authenticate": CHALLENGE})
        except TooEarlyError as error:
            text = f"Too many wrong passwords. Try again in {error.wait_s} s."
            return _refused(429, text, {"Retry-After": str(error.wait_s)})
        # A browser adds the password to what pages of other sites ask for, too.
        if not (self._other_sites or _is_link(request)) and is_foreign(request.headers):
            return _refused(403, "The request comes from a page of another site.")
        return None

    async def _is_let_in(self, request: web.Request) -> bool:
        header = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        mark = hmac.digest(self._key, header, "sha256")
        known = self._marks.get(mark)
        if known is not None:
            self._marks.move_to_end(mark)
            return known  # the same wrong one again is no further guess
        credentials = _credentials(header)
        if not credentials:
            return False
        checking = self._checking.get(mark)
        if checking is None:
            address = request.remote or ""
            self._require_patience(address)
            self._attempts.begin(address)
            checking = asyncio.ensure_future(self._check(mark, credentials, address))
            self._checking[mark] = checking
            checking.add_done_callback(lambda _: self._checking.pop(mark, None))
        state = self.state
        return await asyncio.shield(checking) and self.state is state

    def _require_patience(self, address: str) -> None:
        wait = self._attempts.wait_s(address)
        if wait > 0 or len(self._checking) >= MOST_WAITING:
            raise TooEarlyError(wait)

    async def _check(self, mark: bytes, credentials: list[tuple[str, str]], address: str) -> bool:
        state = self.state
        if not isinstance(state, On):
            return False
        right = await self._in_thread(
            lambda: any(is_right(state, name, password) for name, password in credentials)
        )
        if right:
            self._attempts.was_right(address)
        else:
            _log.warning("runflow: a wrong user name or password from %s", address)
        if self.state is state:  # else what was right is no longer
            self._marks[mark] = right
            if len(self._marks) > MOST_MARKS:
                self._marks.popitem(last=False)
        return right

    # -- changes

    async def knows(self, request: web.Request, state: On, password: str) -> bool:
        """Whether this is the password. Raises TooEarlyError."""
        address = request.remote or ""
        self._require_patience(address)
        self._attempts.begin(address)
        right = await self._in_thread(lambda: is_right(state, state.username, password))
        if right:
            self._attempts.was_right(address)
        return right

    async def turn_on(
        self, request: web.Request, before: State, username: str, password: str
    ) -> None:
        """Ask for these from the next request on, and end whatever else is being answered.

        Raises ChangedMeanwhileError, OSError: nothing has changed.
        """
        state = await self._in_thread(lambda: hashed(username, password))
        await self._change(before, state)
        for other in list(self._answering.values()):
            if other is not request and other.transport is not None:
                other.transport.close()  # a websocket from before would go on listening

    async def turn_off(self, before: State) -> None:
        """Ask nobody any more. Raises ChangedMeanwhileError, OSError: nothing has changed."""
        await self._change(before, Off())

    async def _change(self, before: State, state: Off | On) -> None:
        async with self._changing:
            if self.state is not before:
                raise ChangedMeanwhileError
            await self._in_thread(lambda: self._file.write(state))
            self.state = state
            self._marks.clear()
            self._log_state()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _log_state(self) -> None:
        if self.is_out_of_order and not isinstance(self.state, Off):
            _log.error("runflow: %s is set: ANYBODY is let in without a password", OUT_OF_ORDER)
        elif isinstance(self.state, Broken):
            _log.error("runflow: nobody is let in. %s", _mend(self.state.reason))
        elif isinstance(self.state, On):
            _log.info("runflow: ComfyUI asks for a password (%s)", FILE)


GUARD: web.AppKey[Guard] = web.AppKey("runflow_guard", Guard)
_MARK = "runflow_guards"  # on the middleware, for another copy of the pack to know it


def guard_comfyui() -> bool:
    """Stand before the ComfyUI that is starting; False: another copy of the pack does already.

    To be called before anything of the pack that may fail, or nobody would be asked.
    """
    from ..routes.comfyui import base_folder, code_folder, options, server

    app = server().app
    if any(getattr(one, _MARK, False) for one in app.middlewares):
        return False
    file = PasswordFile(base_folder(), code_folder())
    guard = Guard(file, other_sites=bool(getattr(options(), "enable_cors_header", None)))
    stand_before(app, guard)
    return True


def stand_before(app: web.Application, guard: Guard) -> None:
    """Put the guard before all that the app answers, and before what others put there later."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await guard.answer(request, handler)

    async def outermost(app: web.Application) -> None:
        app.middlewares.remove(guarded)
        app.middlewares.insert(0, guarded)

    setattr(guarded, _MARK, True)
    app[GUARD] = guard
    app.middlewares.insert(0, guarded)
    app.on_startup.append(outermost)


def _read(file: PasswordFile) -> State:
    try:
        return file.read()
    except Exception:  # no memory for a hash, or a defect of ours: either way it is not known
        _log.exception("runflow: %s cannot be checked", FILE)
        return Broken("it cannot be checked, and ComfyUI's log says why")


def _is_link(request: web.Request) -> bool:
    """Whether it only shows something in a window, as a link does.

    What a page loads for itself (pictures, scripts) is none: there are packs whose GETs act.
    """
    looks = request.method in _SAFE_METHODS and "Upgrade" not in request.headers
    return looks and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _credentials(header: bytes) -> list[tuple[str, str]]:
    """Name and password of a Basic header, as UTF-8 and as Latin-1: browsers differ."""
    scheme, _, token = header.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return []
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return []
    if not colon:
        return []
    latin = (name.decode("latin-1"), password.decode("latin-1"))
    try:
        return list(dict.fromkeys([(name.decode(), password.decode()), latin]))
    except UnicodeDecodeError:
        return [latin]


def _mend(reason: str) -> str:
    return (
        f"The file {FILE} beside ComfyUI does not say who may come in: {reason}. "
        "Mend it, or delete it to be asked for no password, and start ComfyUI again."
    )


def _refused(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=f"{text}\n", headers={"Cache-Control": "no-store", **(headers or {})}
    )
