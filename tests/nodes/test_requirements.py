"""requirements.txt, which ComfyUI-Manager installs, says what pyproject.toml says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()
REQUIREMENTS = [line for line in LINES if line and not line.startswith("#")]


def test_it_is_the_dependencies_and_the_extra_of_the_pack() -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["plugin"]]
    assert {Requirement(line) for line in REQUIREMENTS} == {Requirement(line) for line in wanted}
    assert sorted(REQUIREMENTS) == REQUIREMENTS


@pytest.mark.parametrize("name", ["torch", "torchvision", "torchaudio", "numpy", "aiohttp", "av"])
def test_it_asks_for_nothing_that_comfyui_brings_in_a_release_of_its_own(name: str) -> None:
    assert name not in {Requirement(line).name.lower() for line in REQUIREMENTS}
