"""File names in a prompt, and the files below the run's folders that they mean."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from ..base import RunFolders
from .node_class import NodeError


def input_file(folders: RunFolders, name: str) -> Path:
    """The existing file that a loader's `name` means; raises NodeError when there is none.

    As in ComfyUI a suffix may name the folder: `photo.png [input]`, `photo.png [output]`. Its third
    folder, for previews, is none that a run keeps. Neither `..` nor a symbolic link leads out.
    """
    if name.endswith("[temp]"):
        raise NodeError(
            f"the file {name!r} is not in the input folder",
            "put the file into the input folder and name it there",
        )
    from_output = name.endswith("[output]")
    folder = folders.output if from_output else folders.input
    kind = "output" if from_output else "input"
    path = below(folder, name.removesuffix(f"[{kind}]").rstrip())
    if path is None:
        raise NodeError(
            f"the file name {name!r} is not a path inside the {kind} folder",
            f"put the file into the {kind} folder and name it relative to that",
        )
    if not is_file(path):
        raise NodeError(
            f"there is no file {name!r} in the {kind} folder", "put it there, or correct the name"
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
