"""ComfyUI-Manager's public lists: which packs bring a node class, and where model files are.

Everybody may add a row to them: what is not of the expected form is left out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..lock import repository
from .world import ListedModel, ListedPack, Unanswered

if TYPE_CHECKING:
    from .http.client import Http

LISTS = "https://raw.githubusercontent.com/ltdrdata/ComfyUI-Manager/main"

# Where a model of `save_path: default` goes by its type, in lower case.
# Source: ComfyUI-Manager, glob/manager_server.py, model_dir_name_map.
_FOLDERS = {
    "checkpoint": "checkpoints",
    "checkpoints": "checkpoints",
    "clip": "text_encoders",
    "clip_vision": "clip_vision",
    "controlnet": "controlnet",
    "diffusion_model": "diffusion_models",
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "gligen": "gligen",
    "lora": "loras",
    "t2i-adapter": "controlnet",
    "t2i-style": "controlnet",
    "text_encoders": "text_encoders",
    "unclip": "checkpoints",
    "unet": "diffusion_models",
    "upscale": "upscale_models",
    "vae": "vae",
}
# Rows of one file name a file of a repository instead of one.
_FILE_HOSTS = ("https://raw.githubusercontent.com/", "https://gist.githubusercontent.com/")

_LONGEST = 200  # characters of a pattern, and of a class that patterns are tried on
# A repeated group can take a regular expression years.
_SLOW = re.compile(r"\)[*+?{]|\\[1-9]")

T = TypeVar("T")


class ManagerLists:
    """The lists on Manager's main branch, each fetched and read when it is first asked for."""

    def __init__(self, http: Http) -> None:
        self._packs = _Once(lambda: _Packs(_fetched(http, "extension-node-map.json")))
        self._models = _Once(lambda: _models(_fetched(http, "model-list.json")))

    def packs_of_class(self, class_type: str) -> Sequence[ListedPack]:
        """The packs that list the class, by URL; where none does, those whose pattern it fits.

        Raises Unanswered.
        """
        return self._packs.value().of_class(class_type)

    def models_called(self, file_name: str) -> Sequence[ListedModel]:
        """The listed files of that base name, in the list's order. Raises Unanswered."""
        return self._models.value().get(file_name, [])


class _Once(Generic[T]):
    """A value made at the first question, for all threads; so is the reason why it cannot be."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []
        self._why: Unanswered | None = None

    def value(self) -> T:
        with self._lock:
            if self._why:
                raise Unanswered(self._why.reason, self._why.fix)
            if not self._made:
                try:
                    self._made.append(self._make())
                except Unanswered as why:
                    self._why = why
                    raise
            return self._made[0]


def _fetched(http: Http, name: str) -> Any:
    answer = http.json(f"{LISTS}/{name}", keep="a day")
    if answer is None:
        raise Unanswered(f"ComfyUI-Manager's {name} is not at {LISTS} any more")
    return answer


class _Packs:
    """The map of repositories to classes, turned round."""

    def __init__(self, answer: Any) -> None:
        self._by_class: dict[str, list[ListedPack]] = {}
        self._patterns: list[tuple[re.Pattern[str], ListedPack]] = []
        for pack, classes, pattern in sorted(_pack_rows(answer), key=lambda row: _order(row[0])):
            for name in classes:
                self._by_class.setdefault(name, []).append(pack)
            if pattern:
                self._patterns.append((pattern, pack))

    def of_class(self, class_type: str) -> list[ListedPack]:
        # A pattern is a habit of naming: it says something where nobody lists the class.
        listed = self._by_class.get(class_type)
        if listed or len(class_type) > _LONGEST:
            return listed or []
        return [pack for pattern, pack in self._patterns if pattern.search(class_type)]


def _order(pack: ListedPack) -> tuple[str, str]:
    return pack.repository.lower(), pack.repository


def _pack_rows(answer: Any) -> Iterator[tuple[ListedPack, list[str], re.Pattern[str] | None]]:
    """Each repository once, with its classes; rows of one repository count together."""
    together: dict[str, tuple[str, list[str], re.Pattern[str] | None, str]] = {}
    for place, row in answer.items() if isinstance(answer, Mapping) else ():
        url = None if place.startswith(_FILE_HOSTS) else repository.plain(place)
        if url is None or not isinstance(row, list) or not row or not isinstance(row[0], list):
            continue
        about = row[1] if len(row) > 1 and isinstance(row[1], Mapping) else {}
        title = next((about[key] for key in ("title_aux", "title") if _text(about.get(key))), "")
        before = together.get(url.lower())
        classes = [*(before[1] if before else []), *(one for one in row[0] if _text(one))]
        pattern = (before[2] if before else None) or _pattern(about.get("nodename_pattern"))
        together[url.lower()] = (before[0] if before else url, classes, pattern, title)
    for url, classes, pattern, title in together.values():
        unique = list(dict.fromkeys(classes))
        yield ListedPack(url, title or repository.name(url), len(unique)), unique, pattern


def _pattern(text: Any) -> re.Pattern[str] | None:
    if not _text(text) or len(text) > _LONGEST or _SLOW.search(text):
        return None
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return None


def _models(answer: Any) -> dict[str, list[ListedModel]]:
    rows = answer.get("models") if isinstance(answer, Mapping) else None
    found: dict[str, list[ListedModel]] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and (model := _model(row)):
            found.setdefault(model.path.rpartition("/")[2], []).append(model)
    return found


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    name, url, title = row.get("filename"), row.get("url"), row.get("name")
    folder = _folder(row.get("save_path"), row.get("type"))
    if not (folder and isinstance(name, str) and _is_plain(name) and isinstance(url, str)):
        return None
    if not re.fullmatch(r"https?://[^\s@]+", url):
        return None
    return ListedModel(f"{folder}/{name}", url, title if isinstance(title, str) else name)


def _folder(save_path: Any, kind: Any) -> str | None:
    """The folder below models/ that a row means; None: none that a model may lie in."""
    if save_path == "default":
        return _FOLDERS.get(kind.lower()) if isinstance(kind, str) else None
    if not _text(save_path) or save_path.startswith("custom_nodes"):
        return None
    parts = save_path.strip("/").split("/")
    return "/".join(parts) if all(_is_plain(part) for part in parts) else None


def _is_plain(name: str) -> bool:
    """Whether a name is that of one file or folder, on every system."""
    odd = re.search(r'[\x00-\x1f\x7f/\\:*?"<>|]', name)
    return bool(name.strip(". ")) and not odd


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
