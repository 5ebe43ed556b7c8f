from __future__ import annotations

import pytest

from runflow_build.project.catalogue import commit_of, shipped, version_of
from runflow_build.workflow.definitions import Definitions

COMMIT = "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce"


@pytest.mark.parametrize("version", ["0.8.0", "v0.8.0", "0.8.1", "9.0.0", "0.1.0", "nightly", None])
def test_the_nearest_catalogue_is_found_for_any_version(version: str | None) -> None:
    assert "KSampler" in shipped(version)


def test_every_class_of_the_catalogue_reads_as_a_definition() -> None:
    catalogue = shipped("0.8.0")
    definitions = Definitions(None, catalogue)
    assert len(catalogue) == 568
    assert all(definitions.get(name) for name in catalogue)


def test_versions_and_commits_lead_to_each_other() -> None:
    assert version_of(COMMIT) == version_of(COMMIT.upper()) == "0.8.0"
    assert commit_of("v0.8.0") == commit_of("0.8.0") == COMMIT
    assert version_of("0" * 40) is None
    assert commit_of("0.0.0") is None
