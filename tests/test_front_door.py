"""`from runflow_build import …`: every stage as a library, whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import runflow_build


@pytest.mark.parametrize("name", runflow_build.__all__)
def test_every_stage_is_a_documented_function(name: str) -> None:
    stage = getattr(runflow_build, name)
    assert callable(stage)
    assert stage.__doc__
    assert stage.__module__.startswith("runflow_build.")


def test_a_stage_stays_when_its_package_of_the_same_name_is_imported() -> None:
    code = """
import runflow_build.resolve, runflow_build.rewrite
from runflow_build import resolve, rewrite
print(resolve.__qualname__, rewrite.__qualname__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "resolve rewrite\n"
