"""File names in a workflow as POSIX paths below the folder that they belong to."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..findings import Finding, Where


def posix(name: str) -> str:
    """The name with slashes: ComfyUI on Windows lists, and saves, `styles\\ink.safetensors`."""
    return name.strip().replace("\\", "/")


def below(folder: str, name: str) -> str:
    """The path of a POSIX name below the folder, in its shortest form."""
    return str(PurePosixPath(folder, name))


def escapes(name: str) -> bool:
    """Whether a POSIX name leaves its folder; a drive letter and a NUL do, too."""
    outside = name.startswith("/") or ".." in name.split("/")
    return outside or name[1:2] == ":" or "\0" in name


def escape(name: str, where: Where, folder: str) -> Finding:
    """The finding for a name that `escapes`."""
    return Finding(
        "path-escapes",
        f"{name!r} leads out of the {folder} folder",
        where,
        fix=f"choose a file below {folder}/",
    )


def whole_folder(name: str, path: str, where: Where, section: str) -> Finding:
    """The finding for a node that reads all files of a folder; `section` of runflow.yaml."""
    return Finding(
        "folder-unlocked",
        f"{name!r} is a folder, of which runflow.yaml names no file",
        where,
        fix=f"write each of its files under {section}:  {path}/…",
    )
