"""Which of a lock's targets fits a machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..errors import RestoreError
from ..file_names import LOCK_FILE
from ..findings import Finding, Where, did_you_mean
from ..lock.model import Lock

_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_PROBE_S = 10.0  # nvidia-smi wakes the driver


@dataclass(frozen=True)
class Machine:
    """What decides which builds run on a machine."""

    system: str  # linux, macos, windows, or what else Python calls it
    processor: str = "x86_64"
    cuda: tuple[int, int] | None = None  # the newest that the driver knows; None: no NVIDIA driver
    rocm: bool = False  # AMD's kernel driver is there
    glibc: tuple[int, int] | None = None  # None: another C library, or not Linux

    def __str__(self) -> str:
        drivers = [f"CUDA {self.cuda[0]}.{self.cuda[1]}"] if self.cuda else []
        drivers += ["ROCm"] if self.rocm else []
        return f"{self.system} on {self.processor}, {' and '.join(drivers) or 'no GPU driver'}"


def this_machine(environ: Mapping[str, str] = os.environ) -> Machine:
    """What this machine is."""
    system = _SYSTEMS.get(sys.platform, sys.platform)
    processor = {"amd64": "x86_64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    library, version = platform.libc_ver() if system == "linux" else ("", "")
    numbers = re.match(r"(\d+)\.(\d+)", version) if library == "glibc" else None
    return Machine(
        system,
        processor,
        None if system == "macos" else _cuda(environ),
        system == "linux" and os.path.exists("/dev/kfd"),
        (int(numbers[1]), int(numbers[2])) if numbers else None,
    )


def pick_target(lock: Lock, machine: Machine, wanted: str | None = None) -> str:
    """The target of the lock to restore on a machine: the best of those that run there.

    A build for a GPU runs without one, on the CPU; so where nothing else is locked it is taken (an
    image is built where no GPU is). `wanted` names one: it must run there as well.

    Raises RestoreError `restore-no-packages`.
    """
    locked = {name for name, pins in lock.python.targets.items() if pins.pylock}
    if wanted is not None and wanted not in lock.python.targets:
        raise _none(
            f"the lock has no target `{wanted}`{did_you_mean(wanted, lock.python.targets)}",
            f"name one of these: {_words(locked)}" if locked else _LOCK_ONE,
        )
    if not locked or (wanted is not None and wanted not in locked):
        raise _none("the lock has no list of package files (pylock)", _LOCK_ONE)
    if problem := _problem(machine):
        raise _none(problem, "restore on x86_64 Linux or Windows, or on a Mac with Apple silicon")
    ranked = {name: _rank(name, machine) for name in locked if wanted in (None, name)}
    fitting = [(rank, name) for name, rank in ranked.items() if rank is not None]
    if not fitting:
        raise _none(
            f"{_words(ranked)} does not run on this machine ({machine})"
            if wanted
            else f"none of the lock's targets ({_words(locked)}) runs on this machine ({machine})",
            "add a target for it under python: targets: in runflow.yaml, and run `runflow lock`",
        )
    return max(fitting)[1]


_LOCK_ONE = "name the target under python: targets: in runflow.yaml, and run `runflow lock`"


def _problem(machine: Machine) -> str | None:
    """Why no target of ours can run on a machine; None: one may."""
    wants = "arm64" if machine.system == "macos" else "x86_64"
    if machine.system not in _SYSTEMS.values():
        return f"there are no builds of PyTorch for {machine.system}"
    if machine.processor != wants:
        return (
            f"targets on {machine.system} are for {wants}, and this machine is {machine.processor}"
        )
    if machine.system == "linux" and (machine.glibc or (0, 0)) < (2, 28):
        has = "another C library" if machine.glibc is None else "{}.{}".format(*machine.glibc)
        return f"packages for linux need glibc 2.28 or newer, and this machine has {has}"
    return None


def _rank(target: str, machine: Machine) -> tuple[int, ...] | None:
    """How well a target suits, the greater the better; None: it does not run there."""
    system, _, backend = target.partition("-")
    if system != machine.system:
        return None
    if backend == "cpu":
        return (1,)
    if backend == "mps":
        return (2,)
    if cuda := re.fullmatch(r"cu(\d+)(\d)", backend):
        version = int(cuda[1]), int(cuda[2])
        # Within a major version, newer builds run on older drivers (CUDA minor compatibility).
        runs = machine.cuda is not None and version[0] <= machine.cuda[0]
        return (3 if runs else 0, *version)
    if backend.startswith("rocm"):
        numbers = [int(part) for part in re.findall(r"\d+", backend)]
        return (3 if machine.rocm else 0, *numbers)
    return (0,)


def _cuda(environ: Mapping[str, str]) -> tuple[int, int] | None:
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(
            ["nvidia-smi"],
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_S,
            check=True,
        )
        if found := re.search(r"CUDA(?: UMD)? Version\s*:\s*(\d+)\.(\d+)", told.stdout):
            return int(found[1]), int(found[2])
    return None


def _words(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _none(message: str, fix: str) -> RestoreError:
    where = Where(LOCK_FILE, key=("python", "targets"))
    return RestoreError(Finding("restore-no-packages", message, where, fix=fix))
