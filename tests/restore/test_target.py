"""Which target of a lock a machine gets."""

from __future__ import annotations

import sys

import pytest

from runflow_build.errors import RestoreError
from runflow_build.lock.model import FilePin, Lock, PythonPins, TargetPins
from runflow_build.restore.target import Machine, pick_target, this_machine

GLIBC = (2, 36)
LINUX = Machine("linux", glibc=GLIBC)
CUDA_12 = Machine("linux", cuda=(12, 4), glibc=GLIBC)
CUDA_13 = Machine("linux", cuda=(13, 0), glibc=GLIBC)
ROCM = Machine("linux", rocm=True, glibc=GLIBC)
MAC = Machine("macos", "arm64")
WINDOWS = Machine("windows", cuda=(12, 8))


def lock_of(*targets: str, bare: str = "") -> Lock:
    pins = {
        name: TargetPins(pylock=FilePin(file=f"pylock.{name}.toml", sha256="a" * 64))
        for name in targets
    }
    if bare:
        pins[bare] = TargetPins(packages={"torch": "2.8.0"})
    return Lock(python=PythonPins(version="3.12", targets=pins))


@pytest.mark.parametrize(
    ("machine", "targets", "picked"),
    [
        (LINUX, ["linux-cpu", "linux-cu128"], "linux-cpu"),
        (CUDA_12, ["linux-cpu", "linux-cu126", "linux-cu128", "linux-cu130"], "linux-cu128"),
        (CUDA_13, ["linux-cpu", "linux-cu128", "linux-cu130"], "linux-cu130"),
        (CUDA_12, ["linux-cpu", "linux-cu130"], "linux-cpu"),
        (ROCM, ["linux-cpu", "linux-cu128", "linux-rocm6.3", "linux-rocm6.4"], "linux-rocm6.4"),
        (ROCM, ["linux-rocm6.10", "linux-rocm6.9"], "linux-rocm6.10"),
        (MAC, ["linux-cpu", "macos-cpu", "macos-mps"], "macos-mps"),
        (WINDOWS, ["linux-cu128", "windows-cpu", "windows-cu128"], "windows-cu128"),
        # An image for a machine with a GPU is built where there is none.
        (LINUX, ["linux-cu128"], "linux-cu128"),
        (LINUX, ["linux-cu128", "linux-cu126"], "linux-cu128"),
        (LINUX, ["linux-xpu"], "linux-xpu"),
    ],
)
def test_the_best_that_runs_is_picked(machine: Machine, targets: list[str], picked: str) -> None:
    assert pick_target(lock_of(*targets), machine) == picked
    assert pick_target(lock_of(*reversed(targets)), machine) == picked


def test_one_may_be_asked_for() -> None:
    lock = lock_of("linux-cpu", "linux-cu128")
    assert pick_target(lock, CUDA_12, "linux-cpu") == "linux-cpu"
    assert pick_target(lock, LINUX, "linux-cu128") == "linux-cu128"


@pytest.mark.parametrize(
    ("machine", "lock", "wanted", "said"),
    [
        (MAC, lock_of("linux-cpu"), None, "none of the lock's targets (linux-cpu) runs"),
        (LINUX, lock_of("linux-cpu", "macos-mps"), "macos-mps", "macos-mps does not run"),
        (LINUX, lock_of("linux-cpu"), "linux-cpuu", "did you mean `linux-cpu`?"),
        (LINUX, lock_of(), None, "no list of package files"),
        (LINUX, lock_of(bare="linux-cpu"), None, "no list of package files"),
        (LINUX, lock_of("macos-mps", bare="linux-cpu"), "linux-cpu", "no list of package files"),
        (Machine("linux", "arm64", glibc=GLIBC), lock_of("linux-cpu"), None, "is arm64"),
        (Machine("linux", glibc=(2, 17)), lock_of("linux-cpu"), None, "has 2.17"),
        (Machine("linux"), lock_of("linux-cpu"), None, "another C library"),
        (Machine("macos"), lock_of("macos-cpu"), None, "this machine is x86_64"),
        (Machine("freebsd14"), lock_of("linux-cpu"), None, "no builds of PyTorch for freebsd14"),
    ],
)
def test_none_that_runs_is_a_finding(
    machine: Machine, lock: Lock, wanted: str | None, said: str
) -> None:
    with pytest.raises(RestoreError) as caught:
        pick_target(lock, machine, wanted)
    (finding,) = caught.value.findings
    assert finding.code == "restore-no-packages"
    assert said in finding.message
    assert finding.fix


@pytest.mark.skipif(sys.platform != "linux", reason="a script stands in for nvidia-smi")
def test_the_driver_says_which_cuda_it_knows(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    program = folder / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho '| NVIDIA-SMI 570.1  Driver Version: 570.1  CUDA Version: 12.8 |'\n"
    )
    program.chmod(0o755)

    machine = this_machine({"PATH": f"{folder}:/bin:/usr/bin"})

    assert machine.system == "linux"
    assert machine.cuda == (12, 8)
