"""A file is the same on every machine, by its name."""

from __future__ import annotations

import mimetypes

import pytest

from runflow_build.content_type import UNKNOWN, content_type_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "image/png"),
        ("A.PNG", "image/png"),
        ("b.webp", "image/webp"),
        ("x.y/b.avif", "image/avif"),
        ("a.webm", "video/webm"),
        ("a.mp4", "video/mp4"),
        ("a.mkv", "video/x-matroska"),
        ("a.flac", "audio/flac"),
        ("a.opus", "audio/ogg"),
        ("a.ogg", "audio/ogg"),
        ("a.mp3", "audio/mpeg"),
        ("a.m4a", "audio/mp4"),
        ("a.glb", "model/gltf-binary"),
        ("a.gltf", "model/gltf+json"),
        ("a.txt", "text/plain"),
        ("a.tiff", "image/tiff"),
        ("x.png/c", UNKNOWN),
        ("c", UNKNOWN),
        ("", UNKNOWN),
        ("a.gz", UNKNOWN),
        ("data:text/plain,", UNKNOWN),
    ],
)
def test_a_content_type_goes_by_the_name(name: str, kind: str) -> None:
    assert content_type_of(name) == kind


def test_what_the_system_says_of_an_ending_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    mimetypes.init()
    monkeypatch.setitem(mimetypes.types_map, ".png", "application/x-of-this-machine")
    assert content_type_of("a.png") == "image/png"
