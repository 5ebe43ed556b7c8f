"""File names in a prompt, and the files below the input folder that they mean."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from .node_class import NodeError


def input_file(folder: Path, name: str) -> Path:
    """The existing file that LoadImage's `name` means; raises NodeError when there is none.

    ComfyUI marks other folders than the input folder by a suffix (`photo.png [output]`); a run here
    has only its own input folder. Neither `..` nor a symbolic link leads out of it.
    """
    if name.endswith(("[output]", "[temp]")):
        raise NodeError(
            f"the file {name!r} is not in the input folder, the only one that is read",
            "put the file into the input folder and name it there",
        )
    path = below(folder, name.removesuffix("[input]").rstrip())
    if path is None:
        raise NodeError(
            f"the file name {name!r} is not a path inside the input folder",
            "put the file into the input folder and name it relative to that",
        )
    if not is_file(path):
        raise NodeError(
            f"there is no file {name!r} in the input folder", "put it there, or correct the name"
        )
    return path


def below(folder: Path, name: str) -> Path | None:
    """`folder/name` with symbolic links followed; None when that is not inside `folder`.

    Both kinds of slash separate, so that a prompt made on Windows means the same here.
    """
    posix = name.replace("\\", "/")
    if PurePosixPath(posix).is_absolute() or PureWindowsPath(name).drive:
        return None
    try:
        path = (folder / posix).resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle; a zero byte in the name
        return None
    return path if path.is_relative_to(folder.resolve()) else None


def is_file(path: Path) -> bool:
    """Whether it is a regular file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
