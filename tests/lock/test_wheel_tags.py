"""Names of real wheels, and where they can be installed."""

from __future__ import annotations

import pytest

from runflow_build.lock.wheel_tags import fits


@pytest.mark.parametrize(
    ("file", "systems"),
    [
        ("idna-3.10-py3-none-any.whl", "linux macos windows"),
        ("six-1.17.0-py2.py3-none-any.whl", "linux macos windows"),
        ("torch-2.8.0+cu128-cp312-cp312-manylinux_2_28_x86_64.whl", "linux"),
        ("torch-2.8.0%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl", ""),
        ("numpy-2.3.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", "linux"),
        ("old-1.0-cp312-cp312-manylinux1_x86_64.whl", "linux"),
        ("new-1.0-cp312-cp312-manylinux_2_34_x86_64.whl", ""),
        ("arm-1.0-cp312-cp312-manylinux_2_28_aarch64.whl", ""),
        ("musl-1.0-cp312-cp312-musllinux_1_2_x86_64.whl", ""),
        ("stable-1.0-cp38-abi3-manylinux_2_28_x86_64.whl", "linux"),
        ("future-1.0-cp313-abi3-manylinux_2_28_x86_64.whl", ""),
        ("other-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", ""),
        ("free-1.0-cp312-cp312t-manylinux_2_28_x86_64.whl", ""),
        ("torch-2.8.0-cp312-none-macosx_11_0_arm64.whl", "macos"),
        ("fat-1.0-cp312-cp312-macosx_10_9_universal2.whl", "macos"),
        ("intel-1.0-cp312-cp312-macosx_10_9_x86_64.whl", ""),
        ("newest-1.0-cp312-cp312-macosx_15_0_arm64.whl", ""),
        ("torch-2.8.0-cp312-cp312-win_amd64.whl", "windows"),
        ("narrow-1.0-cp312-cp312-win32.whl", ""),
        ("triton-3.4.0-py3-none-linux_x86_64.whl", "linux"),
        ("noname.whl", ""),
        ("source-1.0.tar.gz", ""),
    ],
)
def test_a_wheel_fits_by_its_tags(file: str, systems: str) -> None:
    found = [system for system in ("linux", "macos", "windows") if fits(file, "3.12", system)]
    assert " ".join(found) == systems
