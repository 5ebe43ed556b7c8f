"""Packages in a Python that ComfyUI runs on: what stays, what changes, when it may be stopped."""

from __future__ import annotations

import threading
from pathlib import Path

from runflow_build.restore.interpreter import (
    BeforeFiles,
    Change,
    Interpreter,
    changes_in,
    constraints,
    kept,
)


def interpreter(folder: Path, packages: dict[str, list[str]], requirements: str) -> Interpreter:
    """One with packages `name==version` -> what each needs."""
    site, code = folder / "site", folder / "code"
    code.mkdir()
    (code / "requirements.txt").write_text(requirements)
    for spec, needs in packages.items():
        name, _, version = spec.partition("==")
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        rows = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in needs)]
        (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *rows, "", ""]))
    return Interpreter(Path("python"), folder, (str(site),), code)


def test_what_comfyui_needs_stays_with_all_that_it_needs_in_turn(tmp_path: Path) -> None:
    one = interpreter(
        tmp_path,
        {
            "torch==2.13.0+cpu": ["Typing_Extensions>=4"],
            "typing-extensions==4.12.0": [],
            "numpy==2.1.0": [],
            "aiohttp==3.11.8": ["yarl", 'brotli; extra == "speedups"', 'x; os_name == "none"'],
            "yarl==1.18.0": ["aiohttp"],
            "brotli==1.0": [],
            "x==1.0": [],
            "opencv-python==4.0": ["numpy"],
        },
        "torch\naiohttp>=3.11.8\n# a comment\n--extra-index-url https://a\nabsent==1\n",
    )
    assert constraints(one) == (
        "aiohttp==3.11.8\nnumpy==2.1.0\ntorch==2.13.0+cpu\ntyping-extensions==4.12.0\nyarl==1.18.0\n"
    )


def test_torch_and_numpy_stay_whatever_comfyui_says_of_them(tmp_path: Path) -> None:
    packages: dict[str, list[str]] = {"torchaudio==2.11.0": [], "torchvision==0.28.0": []}
    assert set(kept(interpreter(tmp_path, packages, ""))) == {"torchaudio", "torchvision"}


def test_a_comfyui_without_requirements_and_damaged_metadata_are_gone_along_with(
    tmp_path: Path,
) -> None:
    one = interpreter(tmp_path, {"numpy==2.1.0": ["not a requirement !!"]}, "")
    (tmp_path / "code" / "requirements.txt").unlink()
    (tmp_path / "site" / "broken-1.0.dist-info").mkdir()
    assert kept(one) == {"numpy": "2.1.0"}


def test_what_uv_says_of_changes() -> None:
    said = """\
Resolved 3 packages in 5ms
Would download 2 packages
 - foo==1.0
 + foo==2.0
 + bar-baz==0.1+local
 + qux==1.0 (from git+https://github.com/a/b@abc)
 - gone==1
"""
    assert changes_in(said) == [
        Change("bar-baz", None, "0.1+local"),
        Change("foo", "1.0", "2.0"),
        Change("gone", "1", None),
        Change("qux", None, "1.0"),
    ]


def test_it_may_be_stopped_until_files_change() -> None:
    stop = threading.Event()
    ends = BeforeFiles(stop)
    assert not ends.is_set()
    stop.set()
    assert ends.is_set()
    for line, still in (
        ("Resolved 2 packages in 1ms", True),
        ("Prepared 2 packages in 9ms", False),
    ):
        ends.hear(line)
        assert ends.is_set() == still
    assert not BeforeFiles(None).is_set()
