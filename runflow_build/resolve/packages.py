"""The Python packages of an installation become exact versions."""

from __future__ import annotations

from ..lock.compile import python_pins
from ..lock.model import PythonPins, TargetPins
from ..sources.install import Packages
from .inquiry import CAPTURE, Inquiry

# What an environment has for itself, and us: nothing that a workflow runs on.
_TOOLS = {"pip", "runflow-build"}


def python_pin(inquiry: Inquiry) -> PythonPins:
    """The wish for a Python, with the packages that are known to answer it."""
    wish = python_pins(inquiry.spec.python)
    former = inquiry.previous.python if inquiry.previous else None
    if former and not _answers(former, wish):
        former = None
    if former and _known(former) and not inquiry.renews("python"):
        return former
    install = inquiry.sources.install
    found = install.packages() if install else None
    if found is None:
        if former and _known(former):
            return former
        _report_lack(inquiry, wish)
        return wish
    _report_differences(inquiry, found, wish)
    return _with_packages(wish, found)


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
    for name, version in found.versions.items():
        if name in _TOOLS:
            continue
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
