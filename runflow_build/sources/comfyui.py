"""A running ComfyUI: what it says of its node classes, and which version it is."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

import httpx

from ..errors import ResolveError, UsageError, WorkflowError
from ..findings import Finding
from ..redact import redacted
from ..workflow.definitions_text import DefinitionsFile, read_definitions

LARGEST_ANSWER = 64 * 1024 * 1024  # bytes; that of a large installation has 20 MB
CONNECT_S = 5.0
SILENT_S = 60.0  # ComfyUI looks through all of its model folders before it says the first word
LONGEST_S = 300.0  # of one answer in all


class Comfy:
    """A ComfyUI by its address; a user name, password or query in it is sent, and never shown.

    It is asked directly, whatever proxy the environment names, and followed nowhere else.
    """

    def __init__(self, url: str, *, silent_s: float = SILENT_S) -> None:
        """Raises UsageError: `comfyui-url`."""
        self._parts = _parts(url)
        self._silent_s = silent_s
        netloc = self._parts.netloc.rpartition("@")[2]
        self.address = f"{self._parts.scheme}://{netloc}{self._parts.path}"  # to be shown

    def definitions(self) -> DefinitionsFile:
        """The definitions of all its classes, and its version where it says that.

        Raises ResolveError: `comfyui-unreachable`, `comfyui-answer`.
        """
        text = self._get("object_info")
        if text.lstrip()[:1] == "<":
            raise self._no_use("is a web page")
        try:
            read = read_definitions(text)
        except WorkflowError as error:
            why = error.findings[0].message.replace("the file", "it")
            raise self._no_use(f"is not what ComfyUI does: {why}") from None
        if not read.as_answered or not read.nodes:
            raise self._no_use("is not what ComfyUI does: it defines no class")
        return replace(read, comfyui=self._version())

    def is_up(self) -> bool:
        """Whether it answers by now."""
        try:
            self._get("system_stats")
        except ResolveError:
            return False
        return True

    def _version(self) -> str | None:
        try:
            told = json.loads(self._get("system_stats"))["system"]["comfyui_version"]
        except (ResolveError, ValueError, KeyError, TypeError, RecursionError):
            return None  # ComfyUI says it since 0.3.9
        return told.removeprefix("v") if isinstance(told, str) and told else None

    def _get(self, path: str) -> str:
        url = self._parts._replace(path=f"{self._parts.path}/{path}").geturl()
        timeout = httpx.Timeout(self._silent_s, connect=min(CONNECT_S, self._silent_s))
        end, data = time.monotonic() + LONGEST_S, bytearray()
        try:
            with (
                httpx.Client(timeout=timeout, trust_env=False) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise self._no_use(f"has the status {answer.status_code}")
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > LARGEST_ANSWER:
                        raise self._no_use(f"has more than {LARGEST_ANSWER // 2**20} MiB")
                    if time.monotonic() > end:
                        raise self._unreachable(f"sent for more than {LONGEST_S:.0f} s")
        except httpx.TimeoutException:
            raise self._unreachable(f"said nothing for {self._silent_s:.0f} s") from None
        except httpx.HTTPError as error:
            raise self._unreachable(f"cannot be reached: {_reason(error)}") from None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise self._no_use("is not UTF-8 text") from None

    def _unreachable(self, what: str) -> ResolveError:
        return ResolveError(
            Finding(
                "comfyui-unreachable",
                f"ComfyUI at {self.address} {what}",
                fix="start it, or name the one that runs: --from http://HOST:PORT",
            )
        )

    def _no_use(self, what: str) -> ResolveError:
        return ResolveError(
            Finding(
                "comfyui-answer",
                f"what {self.address} answers {what}",
                fix="name the address that ComfyUI's editor has in the browser",
            )
        )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
        httpx.URL(url.strip())
    except (ValueError, httpx.InvalidURL):
        raise _url_invalid(url, "is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _url_invalid(url, "does not begin with http:// or https:// and a host")
    path = parts.path.rstrip("/").removesuffix("/object_info")
    return parts._replace(path=path, fragment="")


def _url_invalid(url: str, why: str) -> UsageError:
    address = redacted(url.partition("?")[0])
    return UsageError(
        Finding("comfyui-url", f"{address} {why}", fix="write it as http://127.0.0.1:8188")
    )


def _reason(error: httpx.HTTPError) -> str:
    """What went wrong, without the address: it may hold a password."""
    cause = error.__cause__ or error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return redacted(reason)
