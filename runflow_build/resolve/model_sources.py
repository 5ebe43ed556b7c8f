"""A model's pin by what hosts say: the content of a URL, the source of a content."""

from __future__ import annotations

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ModelPin
from ..redact import redacted
from ..sources.files import Content
from ..sources.http.outage import Missing
from ..sources.world import RemoteFile, Unanswered
from .inquiry import CAPTURE, Inquiry, Row
from .model_wishes import WantedModel, report_ambiguous
from .remote_files import (
    READ,
    ask,
    differs,
    host_of,
    listed_urls,
    other_url,
    source_of,
    unchecked,
)


def pin_by_world(inquiry: Inquiry, wanted: WantedModel, found: Content | None) -> ModelPin | None:
    """The pin, with all sources to ask. `found`: the installation's file, if it is as declared."""
    if _urls_differ(inquiry, wanted):
        return None
    if wanted.is_settled:
        return wanted.former
    known = _known(inquiry, wanted, found)
    if wanted.url:
        return _by_url(inquiry, wanted, wanted.url, known, found)
    if known:
        return _with_source(inquiry, wanted, known)
    return _listed(inquiry, wanted)


def report_lack(inquiry: Inquiry, wanted: WantedModel, tried: tuple[Row, ...] = ()) -> None:
    """Nothing says what the model holds; `tried`: what else might have."""
    install = inquiry.sources.install
    found = [path for path in wanted.also if install and install.model(path)]
    others = ", ".join(dict.fromkeys(wanted.also))
    message = f"{wanted.path} has no known content"
    fix = f"write its sha256 under models: in runflow.yaml, or {CAPTURE}"
    if found:
        fix = f"say that this file is meant: write  {found[0]}: {{}}  under models: in runflow.yaml"
    elif install and install.searched:
        message = f"{wanted.path} is not in this ComfyUI, and nothing says what it holds"
        fix = (
            "put the file there, which Runflow → Auto setup may find, or write its sha256 under "
            "models: in runflow.yaml"
        )
    inquiry.unresolved(
        wanted.key,
        message,
        fix,
        (*wanted.users, *((("or", others),) if others else ()), *tried),
    )


def renewed(inquiry: Inquiry, wanted: WantedModel) -> ModelPin | None:
    """The pin of before where it was to be renewed and could not be.

    An upgrade that finds nothing must not lose what was known; another wish must.
    """
    former = inquiry.previous.models.get(wanted.path) if inquiry.previous else None
    return former if former and inquiry.renews(wanted.path) else None


def _known(inquiry: Inquiry, wanted: WantedModel, found: Content | None) -> ModelPin | None:
    """The content that is known already, without a source."""
    if found:
        return ModelPin(sha256=found.sha256, size=found.size)
    if wanted.former:
        size = wanted.former.size if wanted.size is None else wanted.size
        return ModelPin(sha256=wanted.former.sha256, size=size)
    if wanted.sha256:
        return ModelPin(sha256=wanted.sha256, size=wanted.size)
    former = renewed(inquiry, wanted)
    if former and not wanted.url:  # held by its content alone, it is as new as it can be
        return ModelPin(sha256=former.sha256, size=former.size)
    return None


# -- by URL


def _by_url(
    inquiry: Inquiry, wanted: WantedModel, url: str, known: ModelPin | None, found: Content | None
) -> ModelPin | None:
    answer = ask(inquiry, url, inquiry.sources.read_files and not wanted.sha256)
    if isinstance(answer, RemoteFile):
        return _answered(inquiry, wanted, url, known, found, answer)
    if known is None:
        fix = answer.fix or "correct the URL, or write its sha256"
        message = f"{wanted.path} could not be looked up: {answer.reason}"
        inquiry.unresolved(wanted.key, message, fix, (("url", redacted(url)), *wanted.users))
        return renewed(inquiry, wanted)
    if isinstance(answer, Missing):
        return _elsewhere(inquiry, wanted, url, known, answer)
    what = f"whether {redacted(url)} gives {wanted.path}"
    unchecked(inquiry, wanted.key, what, answer.reason, answer.fix)
    return wanted.former or known.model_copy(update={"url": url})


def _answered(
    inquiry: Inquiry,
    wanted: WantedModel,
    url: str,
    known: ModelPin | None,
    found: Content | None,
    remote: RemoteFile,
) -> ModelPin | None:
    """The pin of a URL whose host answers."""
    own = inquiry.spec.models.get(wanted.path)
    by = "runflow.yaml" if own and (own.sha256 or own.size is not None) else "workflow"
    if differs(inquiry, wanted.key, (wanted.sha256, wanted.size), by, url, remote, wanted.users):
        return None
    if known is None and remote.sha256 is None:
        _report_unread(inquiry, wanted, url, remote)
        return renewed(inquiry, wanted)
    if known and not _may_be(known, remote):
        if found:
            return _not_as_installed(inquiry, wanted, url, known, remote)
        locked = (known.sha256, known.size)
        differs(inquiry, wanted.key, locked, "runflow.lock", url, remote, wanted.users)
        return None
    if known and remote.sha256 is None and not wanted.sha256:
        host = host_of(remote.url)
        what = f"whether {redacted(url)} gives {wanted.path}"
        why = f"{host} does not say its hash"
        fix = f"run `runflow lock --fetch --upgrade {wanted.path}` to read it once"
        unchecked(inquiry, wanted.key, what, why, fix)
    sha256 = remote.sha256 or (known.sha256 if known else "")
    size = known.size if known and remote.size is None else remote.size
    return ModelPin(sha256=sha256, size=size, url=remote.url, wanted=other_url(url, remote.url))


def _may_be(known: ModelPin, remote: RemoteFile) -> bool:
    same_size = None in (known.size, remote.size) or known.size == remote.size
    return known.sha256 == remote.sha256 or (remote.sha256 is None and same_size)


def _not_as_installed(
    inquiry: Inquiry, wanted: WantedModel, url: str, known: ModelPin, remote: RemoteFile
) -> ModelPin | None:
    """The installation has another file than the URL gives. The URL of runflow.yaml is the author's
    word; that of a workflow may be older than the file, which the author ran it with."""
    here, there = f"{known.size} bytes here", f"{remote.size} there"
    if remote.sha256:
        here, there = f"sha256 {known.sha256[:12]}… here", f"{remote.sha256[:12]}… there"
    inquiry.differs(
        wanted.key,
        f"{wanted.path} of the installation is not the file at {redacted(url)}: {here}, {there}",
        "put the file of that URL into the installation"
        if wanted.is_own
        else f"write the url of the file that is meant under models: {wanted.path}:",
    )
    if not wanted.is_own:
        return _with_source(inquiry, wanted, known)
    if remote.sha256 is None:
        _report_unread(inquiry, wanted, url, remote)
        return None
    return ModelPin(
        sha256=remote.sha256,
        size=remote.size,
        url=remote.url,
        wanted=other_url(url, remote.url),
    )


def _report_unread(inquiry: Inquiry, wanted: WantedModel, url: str, remote: RemoteFile) -> None:
    size = "" if remote.size is None else f" ({remote.size} bytes)"
    inquiry.unresolved(
        wanted.key,
        f"{wanted.path} has no known content: {host_of(remote.url)} does not say its hash",
        READ,
        (("url", f"{redacted(url)}{size}"), *wanted.users),
    )


def _urls_differ(inquiry: Inquiry, wanted: WantedModel) -> bool:
    """Report workflows whose URLs for one path give different files, unless something decides."""
    urls = dict.fromkeys(one.url for one in wanted.claims if one.url)
    own = inquiry.spec.models.get(wanted.path)
    if (own and (own.url or own.sha256)) or len(urls) < 2:
        return False
    given = {}
    for url in urls:
        answer = ask(inquiry, url)
        if isinstance(answer, RemoteFile) and answer.sha256:
            given[url] = answer.sha256
    if len(set(given.values())) < 2:
        return False
    rows = [
        (one.row, f"{redacted(one.url)}, sha256 {given[one.url]}")
        for one in wanted.claims
        if one.url in given
    ]
    report_ambiguous(inquiry, wanted, rows)
    return True


# -- by content, and by name


def _elsewhere(
    inquiry: Inquiry, wanted: WantedModel, url: str, known: ModelPin, gone: Missing
) -> ModelPin:
    """The pin of a known content whose URL gives nothing any more."""
    pin = _with_source(inquiry, wanted, known)
    inquiry.report(
        Finding(
            "source-gone",
            f"{redacted(url)} does not give {wanted.path} any more: {gone.reason}",
            Where(SPEC_FILE, key=wanted.key),
            ((("now", pin.url),) if pin.url else ()) + wanted.users,
            f"write  {wanted.path}: {{url: {pin.url}}}  under models:"
            if pin.url
            else f"write a url that gives it under models: {wanted.path}:",
        )
    )
    return pin


def _with_source(inquiry: Inquiry, wanted: WantedModel, known: ModelPin) -> ModelPin:
    """A known content with the place where it can be had, if anybody knows one."""
    try:
        place = source_of(inquiry, wanted.path, known.sha256, known.size)
    except Unanswered as why:
        what = f"where {wanted.path} can be had"
        unchecked(inquiry, wanted.key, what, why.reason, why.fix)
        place = None
    before = renewed(inquiry, wanted)
    if place is None and before and before.sha256 == known.sha256:
        return before
    url, size = (place.url, place.size) if place else (None, None)
    size = known.size if known.size is not None else size
    wish = other_url(wanted.url, url)
    return ModelPin(sha256=known.sha256, size=size, url=url, wanted=wish)


def _listed(inquiry: Inquiry, wanted: WantedModel) -> ModelPin | None:
    """The file that ComfyUI-Manager's list has under this path or name, if it is just one."""
    world = inquiry.sources.world
    assert world is not None
    try:
        urls = listed_urls(world, wanted.path)
    except Unanswered as why:
        report_lack(inquiry, wanted, (("list", why.reason),))
        return None
    answers = {url: ask(inquiry, url, inquiry.sources.read_files) for url in urls}
    there = {url: one for url, one in answers.items() if not isinstance(one, Missing)}
    files = [one for one in there.values() if isinstance(one, RemoteFile) and one.sha256]
    contents = {one.sha256 for one in files}
    if len(contents) == 1 and len(files) == len(there):
        return _as_listed(inquiry, wanted, files[0])
    if not there:
        report_lack(inquiry, wanted)
        return None
    several = "files of this name that may differ" if len(there) > 1 else "a file of this name"
    inquiry.unresolved(
        wanted.key,
        f"{wanted.path} has no known content; ComfyUI-Manager lists {several}",
        f"write the url of the one that is meant under models: {wanted.path}:",
        (*(("listed", _told(url, one)) for url, one in there.items()), *wanted.users),
    )
    return None


def _as_listed(inquiry: Inquiry, wanted: WantedModel, file: RemoteFile) -> ModelPin:
    inquiry.report(
        Finding(
            "model-listed",
            f"{wanted.path} is taken from where ComfyUI-Manager lists it",
            Where(SPEC_FILE, key=wanted.key),
            (("url", file.url), *wanted.users),
            f"if another file is meant, write its url under models: {wanted.path}:",
        )
    )
    assert file.sha256
    return ModelPin(sha256=file.sha256, size=file.size, url=file.url)


def _told(url: str, answer: RemoteFile | Unanswered) -> str:
    if isinstance(answer, Unanswered):
        return f"{redacted(url)}: {answer.reason}"
    if answer.sha256 is None:
        return f"{redacted(url)}: {host_of(url)} does not say its hash"
    return f"{redacted(url)}: sha256 {answer.sha256}"
