"""What hosts say of files, and where a content can be had; shared by models and resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where
from ..redact import redacted
from ..sources.http.outage import Missing
from ..sources.world import RemoteFile, Unanswered, World
from .inquiry import Inquiry, Row

LATER = "run `runflow lock` again when it can be reached"
MOST_ALIKE = 3  # findings that differ in the file alone
_NOT_KNOWN = " is not known: "
READ = "run `runflow lock --fetch` to read it once, or write its sha256"

# Names that ComfyUI had for a folder before it moved (folder_paths.py at 3cd7b32f, map_legacy).
_MOVED = {"unet": "diffusion_models", "clip": "text_encoders"}


def ask(inquiry: Inquiry, url: str, read: bool = False) -> RemoteFile | Unanswered:
    """What the host says of a URL; `Missing`: for certain nothing is there."""
    world = inquiry.sources.world
    assert world is not None
    try:
        found = world.files.file(url, read)
    except Unanswered as why:
        return why
    host = host_of(url)
    return found or Missing(f"{host} has no such file", "correct the URL", host, 404, {})


def source_of(inquiry: Inquiry, path: str, sha256: str, size: int | None) -> RemoteFile | None:
    """A public place of a file with this content; None: nobody knows one.

    ComfyUI-Manager's list knows names, whose content the hosts then say; other sources know
    contents. Raises Unanswered where some could not be asked, and the others know none.
    """
    world = inquiry.sources.world
    assert world is not None
    why: Unanswered | None = None
    try:
        urls = [one.url for one in world.lists.models_called(path.rpartition("/")[2])]
    except Unanswered as error:
        urls, why = [], error
    for url in dict.fromkeys(urls):
        answer = ask(inquiry, url)
        if isinstance(answer, RemoteFile) and answer.sha256 == sha256:
            return answer
    for place in world.files.places_of(sha256, path.rpartition("/")[2], size or 0):
        if place.sha256 == sha256:
            return place
    if why is not None:
        raise why
    return None


def listed_urls(world: World, path: str) -> list[str]:
    """The URLs that ComfyUI-Manager's list has for just this path, else for a file of this name in
    a folder of this kind. Raises Unanswered."""
    rows = world.lists.models_called(path.rpartition("/")[2])
    exact = [one.url for one in rows if _place(one.path) == _place(path)]
    fitting = [one.url for one in rows if _place(one.path)[0] == _place(path)[0]]
    return list(dict.fromkeys(exact or fitting))


def differs(
    inquiry: Inquiry,
    key: Key,
    declared: tuple[str | None, int | None],
    by: str,
    url: str,
    remote: RemoteFile,
    also: tuple[Row, ...] = (),
) -> bool:
    """Report a file that is not the one that is declared, by hash or size; whether it is so.

    `by`: who declares it.
    """
    sha256, size = declared
    same_hash = sha256 is None or remote.sha256 in (None, sha256)
    same_size = size is None or remote.size in (None, size)
    if same_hash and same_size:
        return False
    inquiry.report(
        Finding(
            "content-differs",
            f"{redacted(url)} gives another file than the one that is declared",
            Where(SPEC_FILE, key=key),
            ((by, _facts(sha256, size)), (host_of(url), _facts(remote.sha256, remote.size)), *also),
            f"write the sha256 and size of the file that is meant under {key[0]}: {key[1]}:, or a "
            "URL that gives it",
        )
    )
    return True


def unchecked(inquiry: Inquiry, key: Key, what: str, why: str, fix: str | None) -> None:
    """Report that nobody could be asked, where the lock holds what is known all the same."""
    message, where = f"{what}{_NOT_KNOWN}{why}", Where(SPEC_FILE, key=key)
    inquiry.report(Finding("source-unchecked", message, where, fix=fix or LATER))


def gathered(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, those that many files get for one reason told once, where the first stood.

    Offline nobody is asked about anything, which is no news for each of 400 models.
    """
    groups: dict[tuple[str, str | None], list[Finding]] = {}
    for one in findings:
        if one.code == "source-unchecked":
            groups.setdefault(_reason(one), []).append(one)
    for one in findings:
        group = groups.get(_reason(one), []) if one.code == "source-unchecked" else []
        if len(group) <= MOST_ALIKE:
            yield one
        elif one is group[0]:
            section = str(one.where.key[0])
            message = f"what is known of {len(group)} {section} could not be checked: "
            names = ", ".join(str(other.where.key[1]) for other in group)
            where = Where(SPEC_FILE, key=(section,))
            also = ((section, names),)
            yield Finding("source-unchecked", message + _reason(one)[0], where, also, one.fix)


def _reason(finding: Finding) -> tuple[str, str | None]:
    return finding.message.partition(_NOT_KNOWN)[2], finding.fix


def other_url(wish: str | None, url: str | None) -> str | None:
    """The wish as a pin holds it beside its URL: only where it is another one."""
    return wish if wish != url else None


def host_of(url: str) -> str:
    """The host as a message names it."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower() or "it"
    except ValueError:
        return "it"


def _facts(sha256: str | None, size: int | None) -> str:
    facts = [f"sha256 {sha256}" if sha256 else "", "" if size is None else f"{size} bytes"]
    return ", ".join(filter(None, facts))


def _place(path: str) -> tuple[str, str]:
    kind, _, rest = path.partition("/")
    return _MOVED.get(kind, kind), rest
