from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.project import catalogue as module
from runflow_build.project.catalogue import (
    commit_of,
    nearest,
    newest,
    shipped,
    version_of,
    versions,
)
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.definitions_text import definitions_text

FOLDER = Path(module.__file__).parent.parent / "catalogue"
COMMIT = "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce"
each_version = pytest.mark.parametrize("version", versions())


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("0.8.0", "0.8.0"),
        ("v0.8.0", "0.8.0"),
        ("0.8.1", "0.8.0"),
        ("9.0.0", "0.8.0"),
        ("0.7.9", "0.3.64"),
        ("0.3.64", "0.3.64"),
        ("0.3.63", "0.3.64"),  # the oldest there is
        ("nightly", "0.8.0"),
        (COMMIT, "0.8.0"),
        (None, "0.8.0"),
    ],
)
def test_the_nearest_catalogue_is_found_for_any_version(wanted: str | None, found: str) -> None:
    assert nearest(wanted, versions()) == found
    assert shipped(wanted) is shipped(found)


def test_versions_are_compared_as_numbers() -> None:
    assert nearest("0.10.0", ["0.9.0", "0.10.0", "0.2.0"]) == "0.10.0"
    assert nearest(None, ["0.9.0", "0.10.0"]) == "0.10.0"


def test_each_catalogue_has_what_its_comfyui_had() -> None:
    old, new = shipped("0.3.64"), shipped("0.8.0")
    assert (len(old), len(new)) == (495, 568)
    assert (len(old.keys() - new.keys()), len(new.keys() - old.keys())) == (14, 87)
    assert "ResizeImageMaskNode" in new and "ResizeImageMaskNode" not in old


@each_version
def test_every_class_of_a_catalogue_reads_as_a_definition(version: str) -> None:
    catalogue = shipped(version)
    definitions = Definitions(None, catalogue)
    for name in catalogue:
        definition = definitions.get(name)
        assert definition, name
        for one in definition.inputs:
            # COMBO: of the old form, a list; without choices only where a server has them.
            assert one.type != "COMBO" or one.choices is not None or "remote" in one.options


@each_version
def test_a_class_alone_is_read_as_the_whole_file_would_be(version: str) -> None:
    whole = json.loads((FOLDER / f"nodes-{version}.json").read_bytes())
    catalogue = shipped(version)
    read: dict[str, Any] = {name: {**catalogue[name]} for name in catalogue}
    for one in read.values():
        one.pop("files", None)
    assert read == whole["nodes"]
    assert whole["comfyui"] == version
    with pytest.raises(KeyError):
        catalogue["NoSuchClass"]


@each_version
def test_a_catalogue_written_anew_stays_as_it_is(version: str) -> None:
    catalogue = shipped(version)
    text = definitions_text(Definitions(None, catalogue, version), catalogue)
    assert text == (FOLDER / f"nodes-{version}.json").read_text("utf-8")


@each_version
def test_a_class_says_where_its_files_lie(version: str) -> None:
    definitions = Definitions(None, shipped(version))
    assert definitions.file_folder("LoraLoader", "lora_name") == "models/loras"
    assert definitions.file_folder("LoraLoader", "strength_model") is None


def test_versions_and_commits_lead_to_each_other() -> None:
    assert newest() == "0.8.0"
    assert version_of(COMMIT) == version_of(COMMIT.upper()) == "0.8.0"
    assert commit_of("v0.8.0") == commit_of("0.8.0") == COMMIT
    assert version_of("0" * 40) is None
    assert commit_of("0.0.0") is None


@each_version
def test_the_commit_of_a_version_with_a_catalogue_is_known(version: str) -> None:
    assert version_of(commit_of(version) or "") == version
