"""What is in a folder and at hand, beside what is wanted there. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ..sources.files import Content, below
from ..sources.git.working_tree import repository_at
from .archive import noted
from .environment import drift, is_ours, is_whole
from .moving import unfinished
from .partial import received
from .plan import InTheWay, Present, Tree
from .state import read_state
from .wanted import COMFYUI, ENVIRONMENT, Wanted, WantedFile, WantedTree
from .work_tree import state_of

if TYPE_CHECKING:
    from ..sources.digests import DigestCache
    from .store import ModelStore

_AT_ONCE = 8  # git processes; each waits for the disk more than it computes


def look(
    folder: Path,
    wanted: Wanted,
    *,
    digests: DigestCache,
    store: ModelStore,
    inputs: Path,
    deep: bool = False,
) -> Present:
    """Look at the folder, at the store and at the project's folder of input files.

    A file that was read before and looks the same is not read again; `deep` reads every model,
    input file and installed package. Raises GitError.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        states = pool.map(lambda tree: _tree(folder, tree), wanted.trees)
        own = [file for file in wanted.files if file.url is None and not file.is_model]
        environment, packages = folder / ENVIRONMENT, wanted.packages
        has_environment = packages is not None and (environment / "pyvenv.cfg").is_file()
        files = _files(folder, wanted.files, digests, deep)
        lacking = {one.kept_as for one in wanted.files if one.place not in files}
        stored = {sha256 for sha256 in lacking if store.path(sha256)}
        return Present(
            trees={
                tree.place: state
                for tree, state in zip(wanted.trees, states, strict=True)
                if state is not None
            },
            files=files,
            environment=has_environment,
            is_own=packages is not None and is_ours(environment),
            is_whole=bool(packages and is_whole(environment, packages.pylock, packages.python)),
            packages=drift(environment, packages.pylock, deep)
            if packages and has_environment
            else [],
            state=read_state(folder),
            stored=stored,
            partial=_partial(store, lacking - stored),
            inputs=_inputs(inputs, own, digests),
        )


def strangers(folder: Path, packs: Sequence[WantedTree]) -> list[str]:
    """What ComfyUI would load from custom_nodes/ that is neither a wanted pack nor its own.

    Source: ComfyUI, nodes.py at 3cd7b32f, init_external_custom_nodes.
    """
    place = folder / COMFYUI / "custom_nodes"
    code = repository_at(folder / COMFYUI)
    known = {pack.name for pack in packs}
    return sorted(
        path.name
        for path in (place.iterdir() if place.is_dir() else ())
        if path.name not in known
        and not path.name.startswith(("__pycache__", "."))
        and not path.name.endswith(".disabled")
        and (path.is_dir() or path.suffix == ".py")
        and not (path.is_file() and code and code.file_at("HEAD", path) is not None)
    )


def _tree(folder: Path, wanted: WantedTree) -> Tree | InTheWay | None:
    place = folder / wanted.place
    if not place.exists() and not place.is_symlink():
        return None
    if not place.is_dir():
        return InTheWay("a file" if place.is_file() else "a link that leads nowhere")
    if not (place / ".git").exists():
        if (note := noted(place)) and note[1] == wanted.commit:
            return Tree(note[1], note[0])
        return None if not any(place.iterdir()) else InTheWay("a folder that is no git clone")
    state = state_of(place)
    return Tree(
        state.commit,
        state.remote,
        tuple(state.changes),
        tuple(state.submodules),
        unfinished(place) is not None,
    )


def _files(
    folder: Path, wanted: Sequence[WantedFile], digests: DigestCache, deep: bool
) -> dict[str, Content | InTheWay]:
    found: dict[str, Content | InTheWay] = {}
    paths: dict[Path, str] = {}
    for file in wanted:
        path = folder / file.place
        if path.is_file():
            paths[path] = file.place
        elif path.is_symlink():
            found[file.place] = InTheWay("a link that leads nowhere")
        elif path.exists():
            found[file.place] = InTheWay("a folder")
    contents = _read(list(paths)) if deep else digests.contents_of(list(paths))
    for path, content in contents.items():
        if deep and isinstance(content, Content):
            digests.note(path, content)
        if isinstance(content, OSError):
            found[paths[path]] = InTheWay("a file that cannot be read")
        else:
            found[paths[path]] = content
    return found


def _read(paths: list[Path]) -> dict[Path, Content | OSError]:
    from ..sources.files import contents_of

    return contents_of(paths)


def _partial(store: ModelStore, contents: Iterable[str]) -> dict[str, int]:
    folder = store.folder / "partial"
    if not folder.is_dir():
        return {}
    return {sha256: received(store.partial(sha256)) for sha256 in contents}


def _inputs(
    inputs: Path, files: Sequence[WantedFile], digests: DigestCache
) -> dict[str, str | None]:
    paths = {file.name: below(inputs, file.name.removeprefix("input/")) for file in files}
    there = [path for path in paths.values() if path and path.is_file()]
    contents = digests.contents_of(there)
    found: dict[str, str | None] = {}
    for name, path in paths.items():
        content = contents.get(path) if path else None
        found[name] = content.sha256 if isinstance(content, Content) else None
    return found
