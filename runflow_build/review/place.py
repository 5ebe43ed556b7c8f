"""A finding's file as the repository that is reviewed names it."""

from __future__ import annotations

from posixpath import isabs, join, normpath


def in_repository(file: str | None, folder: str) -> str | None:
    """POSIX, from the top of the repository; None: no file, or none of the repository.

    `folder` is the project's, below that top.
    """
    if not file or isabs(file):
        return None
    path = normpath(join(folder, file))
    return None if path == ".." or path.startswith("../") else path
