"""The model files that a graph lacks: where they can be had, and what speaks against taking them.

A name alone is never trusted. A host that only the workflow names is asked for nothing before
somebody has said yes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from ...findings import Finding
from ...lock.file_facts import PICKLE_SUFFIXES, host_of
from ...lock.model import ModelPin
from ...resolve.models import model_pins
from ...resolve.remote_files import ask as asked_host
from ...resolve.remote_files import listed_urls
from ...restore.download import insecure
from ...restore.wanted import WantedFile, unplaceable
from ...sources.world import RemoteFile, Unanswered
from ...spec.model import Policy
from ...spec.rules import ModelPath, TrustedHost
from ...workflow.model_files import ModelReference
from .asking import Asking, Heard, inquiry_of
from .rows import Ask, Row, plain, refused
from .wishes import User, Wishes

MODELS = "models"
_PATH: TypeAdapter[str] = TypeAdapter(ModelPath)
_HOST: TypeAdapter[str] = TypeAdapter(TrustedHost)


def model_rows(wishes: Wishes, asking: Asking) -> Iterator[Row]:
    by_path: dict[str, list[ModelReference]] = {}
    for one in wishes.models:
        by_path.setdefault(one.path, []).append(one)
    open_: dict[str, list[ModelReference]] = {}
    for path, references in sorted(by_path.items()):
        asking.check()
        if found := _present_model(path, references, asking):
            yield found
        elif odd := _odd_path(path):
            yield refused(Row("model", path, "missing", nodes_of(references)), odd)
        else:
            open_[path] = references
    resolvable = [
        _asked_of_us(one) for rows in open_.values() for one in rows if _may_be_asked(one)
    ]
    heard = inquiry_of(wishes, resolvable, asking)
    pins = model_pins(heard.inquiry) if resolvable else {}
    for path, references in open_.items():
        asking.check()
        yield _model_row(path, references, pins.get(path), heard, asking)


def _present_model(path: str, references: list[ModelReference], asking: Asking) -> Row | None:
    """The row of a file that is there, compared with the hash that the workflow says."""
    others = (other for one in references for other in one.also)
    places = (asking.running.install.model(one) for one in (path, *others))
    file = next(filter(None, places), None)
    if file is None:
        return None
    row = Row("model", path, "present", nodes_of(references))
    said = {one.sha256 for one in references if one.sha256}
    if not said:
        return row
    try:
        content = asking.digests.content_of(file)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        told = Finding(
            "file-unreadable", f"{path} cannot be read: {reason}", fix="make it readable"
        )
        return replace(row, findings=(told,))
    if content.sha256 in said:
        return replace(row, verified=True, note="the very file that the workflow means")
    message = f"{path} is there, and is another file than the one that the workflow means"
    fix = "rename or remove yours to get the other one, or leave it"
    also = (("is", f"sha256 {content.sha256}"), ("meant", f"sha256 {', '.join(sorted(said))}"))
    told = Finding("content-differs", message, also=also, fix=fix, level="warning")
    return replace(row, verified=False, findings=(told,))


def _odd_path(path: str) -> Finding | None:
    found = unplaceable([], [WantedFile(f"{MODELS}/{path}", f"{MODELS}/{path}", None, None, None)])
    if found:
        return found[0]
    try:
        _PATH.validate_python(path)
    except ValidationError as error:
        message = f"{path!r} {error.errors()[0]['msg']}"
        return Finding("restore-name", message, fix="choose another file in the node")
    return None


def _odd_host(name: str, host: str) -> Finding | None:
    try:
        _HOST.validate_python(host)
    except ValidationError:
        return Finding("host-not-trusted", f"{name} comes from {host!r}, which names no host")
    return None


def _is_foreign(url: str | None) -> bool:
    """Whether a URL is of a host that nobody has said to trust: it is asked for nothing before."""
    return url is not None and host_of(url) not in Policy().trusted_hosts


def _may_be_asked(one: ModelReference) -> bool:
    return not _is_foreign(one.url) or one.sha256 is not None


def _asked_of_us(one: ModelReference) -> ModelReference:
    """For the resolvers, which ask every host that they are told of."""
    return replace(one, url=None) if _is_foreign(one.url) else one


def _model_row(
    path: str,
    references: list[ModelReference],
    pin: ModelPin | None,
    heard: Heard,
    asking: Asking,
) -> Row:
    said = heard.of("models", path)
    notes = tuple(plain(one, "model") for one in said if one.severity != "error")
    row = Row("model", path, "missing", nodes_of(references), findings=notes)
    foreign = next((one for one in references if _is_foreign(one.url)), None)
    if pin and pin.url:
        return _to_fetch(row, pin.url, pin.sha256, pin.size)
    if foreign and foreign.url:
        return _to_fetch(row, foreign.url, foreign.sha256, None)
    if pin is None and not any(one.code == "model-ambiguous" for one in said):
        try:
            if found := _unhashed(path, references, heard, asking):
                return _to_fetch(row, found.url, None, found.size)
        except Unanswered as why:
            message = f"{path} could not be looked up: {why.reason}"
            told = Finding("not-resolved", message, fix=why.fix or "look again later")
            return replace(row, state="unresolved", findings=(*notes, told))
    errors = [one for one in said if one.severity == "error"]
    if not errors:
        shared = [one for one in heard.said if one.where.key == ("models",)]
        message = f"nothing says where {path} can be had"
        errors = [*shared, Finding("model-no-source", message, fix="under models")]
    told_ = tuple(plain(one, "model") for one in errors)
    return replace(row, state="unresolved", findings=(*notes, *told_))


def _unhashed(
    path: str, references: list[ModelReference], heard: Heard, asking: Asking
) -> RemoteFile | None:
    """A file whose host does not say what it holds: the workflow's own, or the only listed one.

    Raises Unanswered."""
    urls = list(dict.fromkeys(one.url for one in references if one.url))
    urls = urls or [one for one in listed_urls(asking.world, path) if not _is_foreign(one)]
    if len(urls) != 1:
        return None
    answer = asked_host(heard.inquiry, urls[0])
    if isinstance(answer, Unanswered):
        raise answer
    return answer if answer.sha256 is None else None


def _to_fetch(row: Row, url: str, sha256: str | None, size: int | None) -> Row:
    """With the file, and what the user has to say yes to before it may come."""
    place, host = f"{MODELS}/{row.name}", host_of(url)
    row = replace(
        row,
        source=url,
        size=size,
        verified=sha256 is not None,
        file=WantedFile(place, place, sha256, size, url),
    )
    if odd := insecure(row.name, url) or _odd_host(row.name, host):
        return refused(row, odd)
    asks = []
    if sha256 is None:
        text = f"take {row.name} unverified: nobody says what it holds"
        asks.append(Ask(f"unverified:{row.name}", text))
    if _is_foreign(url):
        hosts = ", ".join(Policy().trusted_hosts)
        reasons = (f"models come from {hosts}; the workflow names another host",)
        asks.append(Ask(f"host:{host}", f"download from {host}", reasons))
    if row.name.endswith(tuple(PICKLE_SUFFIXES)):
        suffix = row.name.rpartition(".")[2]
        text = f"take {row.name}: a .{suffix} file can run code when it is loaded"
        asks.append(Ask(f"pickle:{row.name}", text))
    return replace(row, asks=tuple(asks))


def nodes_of(references: Sequence[ModelReference]) -> list[User]:
    found = (
        User(one.node, one.title if one.title != one.class_type else None, one.class_type)
        for one in references
    )
    return list(dict.fromkeys(found))
