"""The password, kept as an argon2id hash in `runflow_security.json`, for its owner's eyes only.

    {"version": 1, "enabled": true, "username": "ada", "password_hash": "$argon2id$…"}

The original plugin's file has `password` in clear instead: it is read, and written anew with the
hash. A file that says nothing clear is `Broken`, never `Off`: only where there is no file, or where
it says so, is nobody asked for a password.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import secrets
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "runflow_security.json"
SHORTEST = 8  # characters of a new password
LONGEST = 256  # of name and password; in one header there is room for 8 KiB
MOST_BYTES = 64 << 10
MOST_MEMORY_KIB = 1 << 20  # that a hash in the file may ask for

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Off:
    """Nobody is asked for a password."""


@dataclass(frozen=True)
class On:
    """Everybody is."""

    username: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class Broken:
    """It is not known whether, and which: nobody is let in. `reason` has no path in it."""

    reason: str


State = Off | On | Broken


class PasswordFile:
    """The file, in the first of these folders that has one, else to be made in the first."""

    def __init__(self, *folders: Path) -> None:
        places = [folder / FILE for folder in folders]
        found = next((one for one in places if os.path.lexists(one)), places[0])
        self._is_there = os.path.lexists(found)
        self._path = Path(os.path.realpath(found))  # a link stays a link to what it links to

    def read(self) -> State:
        """What it says; the original plugin's is written anew on the way."""
        if not self._is_there:
            return Off()
        try:
            state, in_clear = _state_of(_value_in(self._path))
        except _UnclearError as error:
            return Broken(str(error))
        if in_clear:
            self._replace_what_is_in_clear(state)
        elif isinstance(state, On):
            self._hide()
        return state

    def write(self, state: Off | On) -> None:
        """Keep this, whole or not at all. Raises OSError."""
        told: dict[str, Any] = {"version": 1, "enabled": isinstance(state, On)}
        if isinstance(state, On):
            told |= {"username": state.username, "password_hash": state.password_hash}
        beside = self._path.with_name(f".{FILE}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self._path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
        self._is_there = True

    def _replace_what_is_in_clear(self, state: Off | On) -> None:
        try:
            self.write(state)
        except OSError as error:
            reason = error.strerror or "it cannot be written"
            _log.warning("runflow: %s still holds a password in clear text: %s", FILE, reason)
        else:
            _log.info("runflow: the password in %s was in clear text; it is a hash now", FILE)

    def _hide(self) -> None:
        with contextlib.suppress(OSError):
            if stat.S_IMODE(self._path.stat().st_mode) & 0o077:
                self._path.chmod(0o600)


def can_hash() -> bool:
    """Whether argon2 is installed: without it no password can be set, and none be right."""
    try:
        import argon2  # noqa: F401
    except ImportError:
        return False
    return True


def hashed(username: str, password: str) -> On:
    """A password to be asked for; takes about 0.1 s and 64 MiB."""
    from argon2 import PasswordHasher

    return On(username, PasswordHasher().hash(_normal(password)))


def is_right(state: On, username: str, password: str) -> bool:
    """Whether these are the ones; takes as long when only the name is wrong."""
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    same_name = hmac.compare_digest(_normal(username).encode(), _normal(state.username).encode())
    try:
        PasswordHasher().verify(state.password_hash, _normal(password))
    except (VerificationError, UnicodeEncodeError):
        return False
    return same_name


def wrong_with_username(name: str) -> str | None:
    """Why a browser could never send this user name."""
    if not name:
        return "the user name is empty"
    if ":" in name:
        return "a user name cannot hold a colon: it ends where the first one stands"
    return _wrong_with_text(name, "the user name")


def wrong_with_new_password(password: str) -> str | None:
    if len(password) < SHORTEST:
        return f"the password is shorter than {SHORTEST} characters"
    return _wrong_with_text(password, "the password")


def _wrong_with_text(text: str, what: str) -> str | None:
    if len(text) > LONGEST:
        return f"{what} is longer than {LONGEST} characters"
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in text):
        return f"{what} holds a character that cannot be typed"
    return None


class _UnclearError(Exception):
    """The file does not say whether a password is to be asked for, or which."""


def _value_in(path: Path) -> Any:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _UnclearError("it is no file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _UnclearError(f"it cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise _UnclearError("it is far too large")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise _UnclearError("it is not JSON; it may have been written by half") from None


def _state_of(value: Any) -> tuple[Off | On, bool]:
    """What the file's value means, and whether a password stands in it in clear."""
    if not isinstance(value, dict):
        raise _UnclearError("it holds no JSON object")
    if value.get("version", 1) != 1:
        raise _UnclearError("a newer release has written it")
    password, hashed_as = value.get("password"), value.get("password_hash")
    enabled = value.get("enabled", True)
    if not isinstance(enabled, bool):
        raise _UnclearError("`enabled` is neither true nor false")
    if not enabled:
        return Off(), bool(password)
    if value.keys() == {"enabled", "username", "password"} and "" in value.values():
        # So the original plugin left it when nothing was typed yet, and asked nobody.
        _log.warning("runflow: %s has no name or no password: nobody is asked for one", FILE)
        return Off(), bool(password)
    if password and hashed_as:
        raise _UnclearError("it holds both a password and the hash of one")
    username, secret = value.get("username"), password or hashed_as
    if not isinstance(username, str) or not isinstance(secret, str):
        raise _UnclearError("it says that there is a password, but not which one")
    if wrong := wrong_with_username(username):
        raise _UnclearError(wrong)
    if not can_hash():
        raise _UnclearError("argon2-cffi, which checks passwords, is not installed for ComfyUI")
    if password:
        return _hashed_by_us(username, secret), True
    _require_argon2id(secret)
    return On(username, secret), False


def _hashed_by_us(username: str, password: str) -> On:
    try:
        return hashed(username, password)
    except UnicodeEncodeError:
        raise _UnclearError("its password cannot be typed") from None


def _require_argon2id(text: str) -> None:
    from argon2 import Type, extract_parameters
    from argon2.exceptions import InvalidHashError

    try:
        parameters = extract_parameters(text)
    except (InvalidHashError, ValueError):
        raise _UnclearError("`password_hash` is no argon2id hash") from None
    if parameters.type is not Type.ID or parameters.memory_cost > MOST_MEMORY_KIB:
        raise _UnclearError("`password_hash` is no argon2id hash of a sensible size")


def _normal(text: str) -> str:
    """One spelling of what looks the same: keyboards and systems differ in theirs."""
    return unicodedata.normalize("NFC", text)
