"""The node packs that a graph lacks: from where, whose code, and what they ask of Python."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...errors import RunflowError
from ...findings import Finding
from ...lock import repository
from ...lock.model import ComfyUIPin, NodePackPin
from ...lock.needs import pack_names, pack_of
from ...project.catalogue import commit_of
from ...resolve.node_packs import node_pack_pins
from ...resolve.packs.files import is_folder
from ...resolve.requirement_files import Requirements, requirements_of
from ...restore.interpreter import Change, changes
from ...restore.state import read_state
from ...restore.submodules import submodules_of
from ...restore.trust import is_trusted, named
from ...restore.wanted import WantedTree, unplaceable
from ...sources.git.without import git_is_there
from ...sources.install import InstalledPack
from ...sources.world import Unanswered
from ...spec.model import UPSTREAM_COMFYUI, Policy
from ...spec.rules import PackName
from .asking import Asking, Heard, inquiry_of, row_plan, spec_of
from .rows import Ask, Row, plain, refused
from .wishes import Running, User, Wishes

PACKS = "custom_nodes"
_NOT_LOADED = "restart ComfyUI, or read in its log why it was not loaded"
_AT_ONCE = 4  # packs that are looked at
_GIT = re.compile(r"git\+(https://[^@\s#]+)")
_ARCHIVE = re.compile(r"@\s*(https?://\S+)|^(https?://\S+)")
_NAME: TypeAdapter[str] = TypeAdapter(PackName)


def pack_rows(wishes: Wishes, asking: Asking) -> list[Row]:
    rows = [Row("pack", folder, "present", users) for folder, users in sorted(wishes.packs.items())]
    foreign = set(wishes.missing) - wishes.core
    heard = inquiry_of(wishes, [], asking)
    version = asking.running.version
    comfyui = ComfyUIPin(
        repository=UPSTREAM_COMFYUI,
        ref=f"v{version}",
        commit=commit_of(f"v{version}") or "0" * 40,
        version=version,
    )
    pins = node_pack_pins(heard.inquiry, comfyui) if foreign else {}
    asking.check()
    homes = _homes(asking.running, pins)
    users = _users(wishes, pins)
    trusted = read_state(asking.running.install.base).trusted
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(
            lambda key: _pack_row(
                key,
                homes.get(key),
                pins[key],
                users[key],
                heard.of("nodes", key),
                trusted,
                asking,
            ),
            sorted(pins),
        )
        rows += found
    return [*rows, *_unresolved_packs(wishes, pins, users, heard)]


def _homes(running: Running, pins: Mapping[str, NodePackPin]) -> dict[str, InstalledPack]:
    """The clones of packs that are there already, whatever their folders are called."""
    there = running.install.packs.values() if pins and git_is_there() else ()
    clones = [(one, one.remote) for one in there if one.remote]
    found = {
        key: [one for one, url in clones if repository.same(url, pin.repository)]
        for key, pin in pins.items()
    }
    return {key: homes[0] for key, homes in found.items() if homes}


def _users(wishes: Wishes, pins: Mapping[str, NodePackPin]) -> dict[str, list[User]]:
    """The nodes that each pack is wanted for; a pack that only another one needs has none."""
    names = {
        key: pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
        for key, pin in pins.items()
    }
    found: dict[str, list[User]] = {key: [] for key in pins}
    said = {(one.class_type, one.node): pack_of(one, names) for one in wishes.references}
    for class_type, users in wishes.missing.items():
        home = next((key for key, pin in pins.items() if class_type in pin.classes), None)
        for user in users:
            if key := said.get((class_type, user.node)) or home:
                found[key].append(user)
    return found


def _pack_row(
    key: str,
    home: InstalledPack | None,
    pin: NodePackPin,
    users: Sequence[User],
    said: tuple[Finding, ...],
    trusted: Collection[str],
    asking: Asking,
) -> Row:
    short, folder = pin.commit[:12], home.folder.name if home else key
    version = f"{pin.registry.version} ({short})" if pin.registry else short
    findings = tuple(plain(one, "pack") for one in said if one.severity != "error")
    tree = WantedTree(folder, f"{PACKS}/{folder}", pin.repository, pin.commit)
    row = Row(
        "pack", folder, "missing", users, pin.repository, version, findings=findings, tree=tree
    )
    if odd := _odd_name(folder, tree):
        return refused(row, odd)
    if not users:
        row = replace(row, note="another pack needs it")
    asking.check()
    try:
        if home and not _is_below(home, asking.running.install.base):
            return replace(row, state="present", note=_elsewhere(home, pin))
        spec = spec_of(asking.running, Policy())
        there = row_plan(row, spec, asking.running, asking.digests, yes=False)
        errors = [one for one in there.findings if one.severity == "error"]
        if errors:
            return refused(row, *errors)
        if not there.steps:
            return replace(row, state="present", note=f"it is there; {_NOT_LOADED}")
        if there.steps[0].reason != "missing":
            row = replace(row, state="update", note=f"there already, {there.steps[0].reason}")
        return _with_code(row, pin, trusted, asking)
    except Unanswered as why:
        message = f"{folder} cannot be looked at: {why.reason}"
        fix = why.fix or "look again later"
        return refused(row, Finding("restore-not-fetched", message, fix=fix))
    except RunflowError as error:
        return refused(row, *error.findings)


def _is_below(home: InstalledPack, base: Path) -> bool:
    """Whether a pack is one of the folder that packs are installed into."""
    return os.path.realpath(home.folder.parent) == os.path.realpath(base / PACKS)


def _elsewhere(home: InstalledPack, pin: NodePackPin) -> str:
    """What is so with a pack in another folder of packs (extra_model_paths.yaml): a second clone
    would have the same nodes, and that folder may be of several ComfyUIs. Raises GitError."""
    head = home.repository.head() if home.repository else None
    if head == pin.commit:
        return f"it is there, in {home.folder.parent}; {_NOT_LOADED}"
    at = f" at {head[:12]}" if head else ""
    return f"it is there{at}, in {home.folder.parent}: bring it up to date there, or {_NOT_LOADED}"


def _odd_name(folder: str, tree: WantedTree) -> Finding | None:
    """What is wrong with the name of a folder that some workflow wants to have."""
    try:
        _NAME.validate_python(folder)
    except ValidationError:
        odd = True
    else:
        odd = not is_folder(folder)
    found = unplaceable([tree], [])
    if found:
        return found[0]
    return Finding("restore-name", f"{folder!r} is not the name of a folder") if odd else None


def _with_code(row: Row, pin: NodePackPin, trusted: Collection[str], asking: Asking) -> Row:
    """With whose code would run, and what Python packages come. Raises Unanswered, RunflowError."""
    url, commit, git = pin.repository, pin.commit, asking.world.git
    asked = requirements_of(lambda path: git.read(url, commit, path))
    uses = [(url, f"the node pack {row.name} at {commit[:12]}")]
    uses += [
        (one.url, f"the submodule {one.path} of {row.name}")
        for one in submodules_of(asking.git, url, commit)
    ]
    packages = list(_code_in(asked.lines))
    uses += [(place, f"a Python package that {row.name} asks for") for place in packages]
    asks = list(_trust_asks(uses, trusted))
    if git.read(url, commit, "install.py") is not None:
        text = f"run the install.py of {row.name}"
        reasons = ("it is code that may do anything; what ComfyUI runs on stays as it is",)
        asks.append(Ask(f"script:{row.name}", text, reasons, is_required=False))
    row = replace(row, asks=tuple(asks), requirements=asked.lines)
    row = replace(row, findings=(*row.findings, *_skipped(row, asked)))
    if not asked.lines:
        return row
    if packages:  # looking at them would run their code
        return replace(row, changes=None)
    return replace(row, changes=_changes(row, asking))


def _code_in(lines: Sequence[str]) -> Iterator[str]:
    """Where packages come from that no index has."""
    for line in lines:
        if found := _GIT.search(line):
            yield found[1].removesuffix(".git")
        elif found := _ARCHIVE.search(line):
            url = found[1] or found[2]
            place = re.match(r"https://(?:codeload\.)?github\.com/[^/]+/[^/]+", url)
            yield place[0].replace("codeload.", "") if place else url


def _trust_asks(uses: Sequence[tuple[str, str]], trusted: Collection[str]) -> Iterator[Ask]:
    reasons: dict[str, list[str]] = {}
    for url, reason in uses:
        if not is_trusted(url, (), trusted):
            reasons.setdefault(named(url), []).append(reason)
    for name, told in reasons.items():
        yield Ask(f"trust:{name}", f"trust {name}: its code runs here", tuple(dict.fromkeys(told)))


def _changes(row: Row, asking: Asking) -> tuple[Change, ...] | None:
    """What the requirements change; None where only building a package would tell."""
    found = changes(
        asking.running.interpreter,
        row.requirements,
        by=row.name,
        mirrors=asking.mirrors,
        offline=asking.offline,
        environ=asking.environ,
    )
    return None if found is None else tuple(found)


def _skipped(row: Row, asked: Requirements) -> Iterator[Finding]:
    for one in asked.skipped:
        message = f"{one.where} of {row.name} is left out: `{one.text}` {one.why}"
        fix = "install by hand what it needs" if one.is_package else None
        yield Finding("package-option", message, fix=fix)


def _unresolved_packs(
    wishes: Wishes,
    pins: Mapping[str, NodePackPin],
    users: Mapping[str, list[User]],
    heard: Heard,
) -> Iterator[Row]:
    """A row for each class that no row brings, or for all classes of one pack."""
    version = heard.inquiry.spec.comfyui.ref
    served = {(one.class_type, one.node) for rows in users.values() for one in rows}
    left = {
        class_type: [one for one in nodes if (class_type, one.node) not in served]
        for class_type, nodes in sorted(wishes.missing.items())
    }
    errors = [one for one in heard.said if one.severity == "error"]
    for class_type, nodes in left.items():
        if not nodes:
            continue
        if class_type in wishes.core:
            message = f"{class_type} is one of ComfyUI's own, and this one ({version}) lacks it"
            fix = "update ComfyUI; or start it without --disable-api-nodes, if it is one of those"
            told = [Finding("smoke-class-missing", message, fix=fix)]
        else:
            told = [one for one in errors if _is_about(one, class_type, nodes, wishes)]
            # What a look-up by class led to and could not be pinned is known by its pack alone.
            told = told or [one for one in errors if _of_no_row(one, pins)]
            message = f"nothing says which node pack brings the class {class_type}"
            told = told or [Finding("not-resolved", message, fix="under nodes")]
        findings = tuple(plain(one, "pack") for one in told)
        yield Row("pack", class_type, "unresolved", nodes, findings=findings)


def _of_no_row(finding: Finding, pins: Mapping[str, NodePackPin]) -> bool:
    return len(finding.where.key) > 1 and finding.where.key[1] not in pins


def _is_about(finding: Finding, class_type: str, nodes: list[User], wishes: Wishes) -> bool:
    """Whether a finding tells why a class has no home: it names it, or its nodes' pack."""
    if re.search(rf"(?<!\w){re.escape(class_type)}(?!\w)", finding.message):
        return True
    key = str(finding.where.key[1]).lower() if len(finding.where.key) > 1 else None
    mine = {(class_type, one.node) for one in nodes}
    for one in wishes.references:
        if (one.class_type, one.node) not in mine:
            continue
        names = {(one.aux_id or "").rpartition("/")[2].lower(), (one.cnr_id or "").lower()}
        said = f"`{one.cnr_id}`" in finding.message or f"`{one.aux_id}`" in finding.message
        if said or (key and key in names):
            return True
    return False
