"""A ComfyUI installation on this machine: what is there to capture. Nothing in it is executed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path

from ..errors import ResolveError
from ..findings import Finding
from .extra_paths import FORMER_NAMES, ExtraFolder, extra_folders, with_extra
from .files import below
from .git.working_tree import Repository, repository_at

# Folders that ComfyUI searches under one name, in its order.
# Source: ComfyUI, folder_paths.py at 3cd7b32f.
_FOLDERS = {
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("unet", "diffusion_models"),
    "controlnet": ("controlnet", "t2i_adapter"),
}
_ENVIRONMENTS = (".venv", "venv", "env", "python_embeded", "python_embedded")


@dataclass(frozen=True)
class InstalledPack:
    """A folder of custom_nodes/."""

    folder: Path
    repository: Repository | None  # None: not a git clone
    remote: str | None  # URL of its origin, as configured
    registry_id: str | None  # as its pyproject.toml says
    version: str | None


@dataclass(frozen=True)
class Packages:
    """What an environment's metadata says is installed."""

    python: str | None  # 3.12.4
    versions: dict[str, str]  # normalised name -> version
    local: dict[str, str]  # installed from a folder or a repository: name -> where from


@dataclass(frozen=True)
class Install:
    """Where the parts of an installation lie."""

    code: Path | None  # main.py, nodes.py …; None: only the base folder is known
    base: Path  # models/, custom_nodes/
    environment: Path | None  # of Python
    searched: Callable[[str], Sequence[Path]] | None = None  # by the ComfyUI that runs; see folders
    extra: tuple[ExtraFolder, ...] = ()  # of one that does not run

    def folders(self, kind: str) -> Sequence[Path]:
        """Where ComfyUI looks for what it calls `loras`, `custom_nodes` …, in its order.

        One that runs says so itself, for its user and its packs may keep things anywhere.
        """
        if self.searched:
            return self.searched(kind)
        kind = FORMER_NAMES.get(kind, kind)
        packs = kind == "custom_nodes"
        own = [self.base / kind] if packs else _model_folders(self.base / "models", kind)
        return with_extra(own, kind, self.extra)

    def repository(self) -> Repository | None:
        """ComfyUI's own clone."""
        return repository_at(self.code) if self.code else None

    def version(self) -> str | None:
        """ComfyUI's version as its code says."""
        if self.code is None:
            return None
        text = _text(self.code / "comfyui_version.py")
        found = re.search(r"^__version__\s*=\s*[\"']([^\"'\n]+)[\"']", text, re.MULTILINE)
        return found[1] if found else None

    @cached_property
    def packs(self) -> dict[str, InstalledPack]:
        """The packs that ComfyUI would load, by folder name; of two the one that it loads first."""
        found: dict[str, Path] = {}
        for folder in self.folders("custom_nodes"):
            for path in _pack_folders(folder):
                found.setdefault(path.name, path)
        return {name: _pack(path) for name, path in sorted(found.items())}

    def model(self, path: str) -> Path | None:
        """The file that a path below models/ means; None where there is none."""
        return _file_in(self.folders(path.partition("/")[0]), path)

    def packages(self) -> Packages | None:
        """The environment's packages; None where no environment was found."""
        return _packages(self.environment) if self.environment else None


def model_file(models: Path, path: str) -> Path | None:
    """The file that a path below a models folder means; None where there is none."""
    return _file_in(_model_folders(models, path.partition("/")[0]), path)


def _model_folders(models: Path, kind: str) -> Sequence[Path]:
    return [models / one for one in _FOLDERS.get(kind, (kind,))]


def _file_in(folders: Iterable[Path], path: str) -> Path | None:
    """The file that a path means, whose first part stands for the folders."""
    kind, _, name = path.partition("/")
    places = [below(folder, name) for folder in folders] if kind != ".." else []
    # os.path, because a name that is too long for a file is no file, and no error.
    return next((one for one in places if one and os.path.isfile(one)), None)


def find_install(folder: Path) -> Install:
    """The installation at `folder`: its code, its base folder, or the folder around the code.

    Raises ResolveError: `install-missing`, and as `extra_folders`.
    """
    code = next((path for path in (folder, folder / "ComfyUI") if _is_code(path)), None)
    base = code or folder
    if code is None and not ((base / "models").is_dir() or (base / "custom_nodes").is_dir()):
        raise ResolveError(
            Finding(
                "install-missing",
                f"{folder} is not a ComfyUI installation: no main.py with nodes.py, no models "
                "folder"
                if folder.is_dir()
                else f"there is no folder {folder}",
                fix="name the folder that holds ComfyUI's main.py, or its base directory",
            )
        )
    places = dict.fromkeys((base, folder, *((code.parent,) if code else ())))
    roots = [place / name for place in places for name in _ENVIRONMENTS]
    environment = next((root for root in roots if any(_site_packages(root))), None)
    return Install(code, base, environment, extra=extra_folders(code) if code else ())


def _is_code(path: Path) -> bool:
    return all((path / name).is_file() for name in ("main.py", "nodes.py"))


def _pack_folders(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        skipped = path.name.startswith((".", "__")) or path.name.endswith(".disabled")
        if path.is_dir() and not skipped:
            yield path


def _pack(folder: Path) -> InstalledPack:
    project = _toml_table(_text(folder / "pyproject.toml"), "project")
    clone = repository_at(folder)
    remote = clone.remote() if clone else None
    return InstalledPack(folder, clone, remote, project.get("name"), project.get("version"))


def _toml_table(text: str, table: str) -> dict[str, str]:
    """The one-line strings of a TOML table. Python 3.10 has no TOML reader; two names need none."""
    parts = re.split(r"^\[([^\[\]\n]+)\][ \t]*(?:#.*)?$", text, flags=re.MULTILINE)
    tables = dict(zip(parts[1::2], parts[2::2], strict=False))
    rows = re.findall(
        r"^[ \t]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*[\"']([^\"'\n]*)[\"']",
        tables.get(table, ""),
        re.MULTILINE,
    )
    return dict(rows)


def _site_packages(environment: Path) -> Iterator[Path]:
    for pattern in ("lib/python3*/site-packages", "Lib/site-packages"):
        yield from sorted(path for path in environment.glob(pattern) if path.is_dir())


def _packages(environment: Path) -> Packages:
    versions: dict[str, str] = {}
    local: dict[str, str] = {}
    for folder in _site_packages(environment):
        for info in sorted(folder.glob("*.dist-info")):
            header = HeaderParser().parsestr(_text(info / "METADATA"))
            name = re.sub(r"[-_.]+", "-", header.get("Name", "")).lower()
            if not name or not header.get("Version"):
                continue
            if origin := _origin(info):
                local[name] = origin
            else:
                versions.setdefault(name, header["Version"])
    return Packages(_python_version(environment), versions, local)


def _origin(info: Path) -> str | None:
    """`a folder` or `a repository` for what no package index has; None for ordinary packages."""
    try:
        direct = json.loads(_text(info / "direct_url.json") or "{}")
    except ValueError:
        return None
    if "dir_info" in direct:
        return "a folder"
    return "a repository" if "vcs_info" in direct else None


def _python_version(environment: Path) -> str | None:
    text = _text(environment / "pyvenv.cfg")
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", text, re.MULTILINE)
    return found[1] if found else None


def _text(path: Path) -> str:
    """A small text file; empty where it is missing or not to be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
