"""What the files of strangers' repositories say, and what they cannot make us believe."""

from __future__ import annotations

import pytest

from runflow_build.resolve.packs.files import (
    NeededPack,
    State,
    comfyui_version,
    github,
    is_folder,
    needed_packs,
    project_of,
    version_order,
)

URL = "https://github.com/owner/name"


def test_every_form_of_a_needed_pack() -> None:
    packs, odd = needed_packs(
        f"""
        [node_reqs]
        Short = "owner/name"
        Url = "{URL}.git"
        Tag = {{ github = "owner/name", tag = "v1" }}
        Branch = {{ repo = "owner/name", branch = "dev" }}
        Commit = {{ github = "owner/name", commit = "{"A" * 40}" }}
        Shortened = {{ github = "owner/name", commit = "abcdef0" }}
        Registered = {{ registry = "an-id", version = "1.0.0" }}
        Latest = {{ registry = "an-id" }}
        """
    )
    assert odd == []
    assert packs == [
        NeededPack("Branch", URL, None, State("ref", "dev")),
        NeededPack("Commit", URL, None, State("commit", "a" * 40)),
        NeededPack("Latest", None, "an-id"),
        NeededPack("Registered", None, "an-id", State("version", "1.0.0")),
        NeededPack("Short", URL),
        NeededPack("Shortened", URL, None, State("ref", "abcdef0")),
        NeededPack("Tag", URL, None, State("ref", "v1")),
        NeededPack("Url", URL),
    ]


def test_rows_that_make_no_sense_are_named() -> None:
    packs, odd = needed_packs(
        """
        [node_reqs]
        "../evil" = "owner/name"
        Number = 5
        Path = "/home/someone/pack"
        Empty = {}
        Dots = "owner/.."
        List = ["owner/name"]
        """
    )
    assert (packs, odd) == ([], ["../evil", "Dots", "Empty", "List", "Number", "Path"])


@pytest.mark.parametrize("text", [None, "", "[", "node_reqs = 5", "[other]\nA = 'a/b'", "\0"])
def test_a_text_without_the_table_needs_nothing(text: str | None) -> None:
    assert needed_packs(text) == ([], [])
    assert project_of(text) == (None, None)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".git",
        "-rf",
        "a/b",
        "a\\b",
        "a:b",
        "a\nb",
        "a.",
        "a ",
        "\u202egpj",
        "x" * 101,
    ],
)
def test_what_is_no_name_of_one_folder(name: str) -> None:
    assert not is_folder(name)


def test_what_is_one() -> None:
    assert all(map(is_folder, ["ComfyUI-KJNodes", "comfyui_x.y", "包", "a b"]))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("owner/name", URL),
        ("owner/name.git", URL),
        ("git@github.com:owner/name", None),
        ("https://user:secret@github.com/owner/name", URL),
        ("a/..", None),
        ("../name", None),
        ("a/b/c", None),
        ("file:///etc/passwd", None),
        ("https://github.com/owner/..", None),
    ],
)
def test_where_owner_and_name_are(text: str, url: str | None) -> None:
    assert github(text) == url


def test_comfyui_says_its_version_in_code_or_in_its_project() -> None:
    project = '[project]\nname = "ComfyUI"\nversion = "0.3.9"\n'
    assert comfyui_version('# made\n__version__ = "0.9.2"\n', project) == "0.9.2"
    assert comfyui_version(None, project) == "0.3.9"
    assert comfyui_version("__version__ = 'a b; c'", None) is None
    assert comfyui_version(None, None) is None


def test_versions_in_order() -> None:
    ordered = ["odd", "1.0.0-rc1", "1.0.0", "v1.9.0", "1.10.0", "2.0"]
    mixed = ["2.0", "1.0.0", "odd", "1.10.0", "1.0.0-rc1", "v1.9.0"]
    assert sorted(mixed, key=version_order) == ordered
