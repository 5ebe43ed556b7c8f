"""What cannot be read or written, in words for the user."""

from __future__ import annotations


class MediaError(Exception):
    """A file or its content cannot be used; `fix` says what to do about it."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix
