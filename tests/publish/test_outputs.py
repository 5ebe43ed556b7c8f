"""Downloads land in their folder, under a safe and free name, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.errors import ApiError, SaveError
from runflow_build.publish.client import Client
from runflow_build.publish.outputs import OutputFile, output_files, safe_name, save


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("picture_00001_.png", "picture_00001_.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/absolute.png", "absolute.png"),
        (".bashrc", "bashrc"),
        ("..", "_"),
        ("", "_"),
        ("CON", "_CON"),
        ("nul.png", "_nul.png"),
        ("a\x00b\nc.png", "a_b_c.png"),
        ("dépôt.png", "d_p_t.png"),
        ("x" * 300 + ".png", "x" * 116 + ".png"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text())
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe and safe not in (".", "..") and not set(safe) & set("/\\:\0")
    assert len(safe) <= 121


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (
            {
                "kind": "comfyui_outputs",
                "outputs": [
                    {"output_id": "a", "url": "https://s/x?sig=1", "content_type": "image/png"},
                    {"output_id": "b", "url": "https://s/y/clip.webm?sig=1"},
                    {"output_id": "c", "url": "https://s/z", "name": "../z.bin"},
                    {"output_id": "d"},
                ],
            },
            [("a", "a.png"), ("b", "b.webm"), ("c", "z.bin")],
        ),
        ({"image_urls": ["https://s/x.png"]}, [("image", "image.png")]),
        ({"image": ["https://s/1.png", "https://s/2.png"]}, [("image", "image.png")] * 2),
        ({"seed": 1, "outputs": None}, []),
        (None, []),
        ([], []),
    ],
)
def test_files_are_found_in_every_shape_that_was_seen(
    output: Any, found: list[tuple[str, str]]
) -> None:
    assert [(file.output_id, file.name) for file in output_files(output)] == found


def test_nothing_is_overwritten(api: Any, client: Client, reply: Any, tmp_path: Path) -> None:
    api.on("GET", "/get", reply(b"new"))
    file = OutputFile("a", f"{api.url}/get", "a.png")
    folder = tmp_path / "made" / "for it"
    assert save(client, file, folder) == folder / "a.png"
    assert save(client, file, folder) == folder / "a-2.png"
    os.symlink(tmp_path / "elsewhere", folder / "a-3.png")
    assert save(client, file, folder) == folder / "a-4.png"
    assert not (tmp_path / "elsewhere").exists()


def test_a_download_that_breaks_off_is_tried_again(
    api: Any, client: Client, reply: Any, tmp_path: Path
) -> None:
    api.on("GET", "/get", reply(b"ha", fault="cut"), reply({}, 503), reply(b"whole"))
    path = save(client, OutputFile("a", f"{api.url}/get", "a.bin"), tmp_path)
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize("fault", ["cut", "reset", "silence"])
def test_a_download_that_fails_leaves_nothing_behind(
    api: Any, client: Client, reply: Any, tmp_path: Path, fault: str
) -> None:
    api.on("GET", "/get", reply(b"half", fault=fault))
    with pytest.raises(ApiError):
        save(client, OutputFile("a", f"{api.url}/get", "a.bin"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_expired_link_is_not_tried_again(
    api: Any, client: Client, reply: Any, tmp_path: Path
) -> None:
    api.on("GET", "/get", reply(b"expired", 403))
    with pytest.raises(ApiError):
        save(client, OutputFile("a", f"{api.url}/get", "a.bin"), tmp_path)
    assert len(api.seen) == 1


def test_a_file_in_place_of_the_folder_is_a_finding(
    api: Any, client: Client, reply: Any, tmp_path: Path
) -> None:
    api.on("GET", "/get", reply(b"x"))
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(
        SaveError, match=r"output-not-saved: a\.bin could not be written: File exists"
    ):
        save(client, OutputFile("a", f"{api.url}/get", "a.bin"), tmp_path / "out")
