"""Python packages become exact versions, and a file of hashes for each target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from .. import digest
from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.compile import python_pins
from ..lock.model import ComfyUIPin, FilePin, NodePackPin, PythonPins, TargetPins
from ..lock.pylock import pylock_name
from ..sources.install import Packages
from ..sources.world import Asked, PackageConflict, Resolution, Unanswered, World
from .asked_packages import asked_by, report_skipped
from .inquiry import CAPTURE, Inquiry

# What an environment has for itself, and us: nothing that a workflow runs on.
_TOOLS = {"pip", "runflow-build"}
_INSTALL = "the installation"
_LATER = "run `runflow lock` again when they can be reached"


def python_pin(
    inquiry: Inquiry,
    comfyui: ComfyUIPin | None = None,
    nodes: Mapping[str, NodePackPin] | None = None,
) -> tuple[PythonPins, dict[str, str]]:
    """The wish for a Python with the packages that answer it, and the text of each pylock file.

    `comfyui` and `nodes` are the pins of now: their commits ask for packages. Pins of before stay,
    and no text is given, while the wish and what those commits ask for are the same and each target
    has its pylock.

    Reports `not-resolved`, `packages-conflict`, `packages-unanswered`, `package-option`,
    `install-differs`.
    """
    wish = python_pins(inquiry.spec.python)
    question = _Question(inquiry, comfyui, nodes or {}, wish)
    if question.keeps_former():
        assert question.former
        return question.former, {}
    install = inquiry.sources.install
    found = install.packages() if install else None
    if found:
        _report_differences(inquiry, found, wish)
    if inquiry.sources.world and wish.targets and comfyui:
        return question.resolved(inquiry.sources.world, found)
    if found is None:
        if question.former and _known(question.former):
            return question.former, {}
        _report_lack(inquiry, wish)
        return wish, {}
    return _with_packages(wish, found), {}


@dataclass
class _Question:
    """What is asked of the indexes, and what was answered before."""

    inquiry: Inquiry
    comfyui: ComfyUIPin | None
    nodes: Mapping[str, NodePackPin]
    wish: PythonPins
    texts: dict[str, str] = field(default_factory=dict)  # by file name
    targets: dict[str, Mapping[str, str]] = field(default_factory=dict)  # target -> versions

    @property
    def former(self) -> PythonPins | None:
        """The pins of before, if they answer the same wish."""
        previous = self.inquiry.previous
        return previous.python if previous and _answers(previous.python, self.wish) else None

    def keeps_former(self) -> bool:
        """Whether the pins of before are to stay, without asking an index."""
        former, world = self.former, self.inquiry.sources.world
        if former is None or not _known(former) or self.inquiry.renews("python"):
            return False
        if world is None or not former.targets:
            return True
        if self._renewed(former):
            return False
        whole = all(target.pylock for target in former.targets.values())
        return whole and self._asks_the_same(world)

    def resolved(self, world: World, found: Packages | None) -> tuple[PythonPins, dict[str, str]]:
        """One answer for each target; where one has none, nothing is pinned, and it is said."""
        try:
            asked, skipped = asked_by(world, self.inquiry.spec, self.comfyui, self.nodes)
        except Unanswered as why:
            self._report_unanswered(why, "what ComfyUI and the node packs ask for is not known")
            return self.wish, {}
        report_skipped(self.inquiry, skipped)
        for target in sorted(self.wish.targets):
            try:
                answer = self._answer(world, asked, target, found)
            except PackageConflict as conflict:
                self._report_conflict(target, conflict)
                return self.wish, {}
            except Unanswered as why:
                self._report_unanswered(why, f"the Python packages for {target} are not resolved")
                return self.wish, {}
            self.targets[target] = answer.packages
            self.texts[pylock_name(target)] = answer.pylock
        return self._pins(), self.texts

    def _answer(
        self, world: World, asked: Sequence[Asked], target: str, found: Packages | None
    ) -> Resolution:
        python, known = self.wish.version, self._preferred(target, found)
        there = _versions(found) if found else {}
        if there and _is_of(target, there, self.wish):
            rows = "".join(f"{name}=={version}\n" for name, version in sorted(there.items()))
            # Where an index lacks something, or the installation contradicts itself: as near to it
            # as can be.
            with suppress(PackageConflict):
                return world.packages.resolve([*asked, Asked(_INSTALL, rows)], python, target, {})
        answer = world.packages.resolve(asked, python, target, known)
        if there and _is_of(target, there, self.wish):
            self._report_moved(there, answer.packages, target)
        return answer

    def _preferred(self, target: str, found: Packages | None) -> dict[str, str]:
        """Versions to keep where they still answer: of before, of other targets, installed."""
        merged: dict[str, str] = {}
        for versions in self.targets.values():
            merged.update(_for_target(versions, target))
        merged.update(_for_target(_versions(found) if found else {}, target))
        before = None if self.inquiry.renews("python") else self._before()
        if before is None:
            return merged
        for other in sorted(before.targets):
            merged.update(_for_target(_versions_of(before, other), target))
        merged.update(_versions_of(before, target))
        renewed = self._renewed(before)
        return {name: version for name, version in merged.items() if name not in renewed}

    def _before(self) -> PythonPins | None:
        """Pins of before, be it of another wish: the versions that people know, where they fit."""
        previous = self.inquiry.previous
        same = previous and previous.python.version == self.wish.version
        return previous.python if previous and same else None

    def _renewed(self, former: PythonPins) -> set[str]:
        """Single packages that `--upgrade` names."""
        return set(self.inquiry.upgrade or ()) & {
            *former.packages,
            *(name for target in former.targets.values() for name in target.packages),
        }

    def _asks_the_same(self, world: World) -> bool:
        """Whether the commits of now ask for what those of before asked for.

        Equal commits do, which needs no network; others are read, from the cache where they lie.
        """
        previous = self.inquiry.previous
        assert previous
        if _commits(previous.comfyui, previous.nodes) == _commits(self.comfyui, self.nodes):
            return True
        spec = self.inquiry.spec
        try:
            before = asked_by(world, spec, previous.comfyui, previous.nodes)
            return before == asked_by(world, spec, self.comfyui, self.nodes)
        except Unanswered:
            return False

    def _pins(self) -> PythonPins:
        shared, own = split(self.targets)
        targets = {
            target: TargetPins(
                packages=own[target],
                pylock=FilePin(
                    file=pylock_name(target),
                    sha256=digest.of_bytes(self.texts[pylock_name(target)].encode()),
                ),
            )
            for target in self.targets
        }
        return self.wish.model_copy(update={"packages": shared, "targets": targets})

    def _report_conflict(self, target: str, conflict: PackageConflict) -> None:
        finding = Finding(
            "packages-conflict",
            f"no versions answer all that is asked for on {target}",
            Where(SPEC_FILE, key=("python",)),
            (*conflict.lines, ("why", conflict.message)),
            "take another `ref` of a node pack that asks for less, or leave one out",
            self.inquiry.level_of_unresolved,
        )
        self.inquiry.report(finding)

    def _report_unanswered(self, why: Unanswered, what: str) -> None:
        """Say that nothing is known. An error where a lock without packages would lose those of
        before: nobody wants all versions renewed because an index was ill for a moment."""
        fix = why.fix or _LATER
        previous = self.inquiry.previous
        if previous is None or not _known(previous.python):
            self.inquiry.unresolved(("python",), f"{what}: {why.reason}", fix)
            return
        where = Where(SPEC_FILE, key=("python",))
        self.inquiry.report(Finding("packages-unanswered", f"{what}: {why.reason}", where, fix=fix))

    def _report_moved(
        self, there: Mapping[str, str], locked: Mapping[str, str], target: str
    ) -> None:
        for name, version in sorted(there.items()):
            if name in locked and locked[name] != version:
                self.inquiry.differs(
                    ("python",),
                    f"the installation has {name} {version}; {locked[name]} is locked for {target}",
                    f"ask for it: `{name}=={version}` under python: requirements:, which says why "
                    "it cannot be had",
                )
            elif name not in locked:
                self.inquiry.differs(
                    ("python",),
                    f"the installation has {name} {version}, and nothing in {target} asks for it",
                    f"ask for it under python: requirements: if a workflow needs {name}",
                )


def split(
    targets: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What all targets share, and what each has for itself: by name, the exact versions.

    A version with a build in it (`2.8.0+cu128`) is a target's own even where there is only one.
    """
    first = next(iter(targets.values()), {})
    shared = {
        name: version
        for name, version in first.items()
        if "+" not in version and all(one.get(name) == version for one in targets.values())
    }
    own = {
        target: {name: version for name, version in versions.items() if name not in shared}
        for target, versions in targets.items()
    }
    return shared, own


def _versions_of(pins: PythonPins | None, target: str) -> dict[str, str]:
    if pins is None or target not in pins.targets:
        return dict(pins.packages) if pins else {}
    return {**pins.packages, **pins.targets[target].packages}


def _for_target(versions: Mapping[str, str], target: str) -> dict[str, str]:
    """Versions of another target, as this one would call them: 2.8.0+cu128 is 2.8.0+cpu there."""
    system, _, backend = target.partition("-")
    build = "" if system == "macos" else f"+{backend}"
    return {
        name: re.sub(r"\+(cpu|cu\d+|rocm[\d.]+|xpu)$", build, version)
        for name, version in versions.items()
    }


def _versions(found: Packages) -> dict[str, str]:
    return {name: version for name, version in found.versions.items() if name not in _TOOLS}


def _is_of(target: str, there: Mapping[str, str], wish: PythonPins) -> bool:
    """Whether an environment is what the target describes, as its build of PyTorch tells."""
    build = there.get("torch", "").partition("+")[2]
    return target.endswith(f"-{build}") if build else len(wish.targets) == 1


def _commits(
    comfyui: ComfyUIPin | None, nodes: Mapping[str, NodePackPin]
) -> dict[str, tuple[str, str]]:
    pins = {"": comfyui, **nodes}
    return {key: (pin.repository, pin.commit) for key, pin in pins.items() if pin}


def _answers(former: PythonPins, wish: PythonPins) -> bool:
    return (former.version, former.requirements, set(former.targets)) == (
        wish.version,
        wish.requirements,
        set(wish.targets),
    )


def _known(pins: PythonPins) -> bool:
    return bool(pins.packages or any(target.packages for target in pins.targets.values()))


def _with_packages(wish: PythonPins, found: Packages) -> PythonPins:
    """`torch 2.8.0+cu128` belongs to the targets that end in cu128, the rest to all."""
    shared: dict[str, str] = {}
    by_target: dict[str, dict[str, str]] = {target: {} for target in wish.targets}
    for name, version in _versions(found).items():
        build = version.partition("+")[2]
        homes = [target for target in by_target if build and target.endswith(f"-{build}")]
        for home in [by_target[target] for target in homes] or [shared]:
            home[name] = version
    targets = {target: TargetPins(packages=packages) for target, packages in by_target.items()}
    return wish.model_copy(update={"packages": shared, "targets": targets})


def _report_lack(inquiry: Inquiry, wish: PythonPins) -> None:
    if inquiry.sources.install:
        inquiry.unresolved(
            ("python",),
            "no Python environment was found in the installation (.venv, venv, env)",
            "name the folder that the environment lies in: runflow lock --from DIR",
        )
    elif wish.requirements and inquiry.sources.world and not wish.targets:
        inquiry.unresolved(
            ("python",),
            "the Python packages have no exact versions, since no target is named",
            "write what it runs on under python:  targets: [linux-cu128]",
        )
    elif wish.requirements or wish.targets:
        inquiry.unresolved(("python",), "the Python packages have no exact versions", CAPTURE)


def _report_differences(inquiry: Inquiry, found: Packages, wish: PythonPins) -> None:
    if found.python and not f"{found.python}.".startswith(f"{wish.version}."):
        inquiry.differs(
            ("python", "version"),
            f"the installation runs Python {found.python}, and runflow.yaml wants {wish.version}",
            f'write `version: "{".".join(found.python.split(".")[:2])}"` under python:',
        )
    for name, origin in sorted(found.local.items()):
        if name not in _TOOLS:
            inquiry.unresolved(
                ("python",),
                f"the package {name} was installed from {origin}, which others cannot repeat",
                f"install a released version of {name}, or leave it out of the environment",
            )
