"""The main job as a new user runs it: one command, from files to a picture over HTTP."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runflow_build.cli.demo import _copy
from runflow_build.errors import SaveError

EXAMPLE = Path(__file__).parents[2] / "examples" / "postcard"
WRITTEN = ("runflow.lock", "runflow.definitions.json")


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What two demos in a row say, on a copy of the example without lock and state."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(
        EXAMPLE, folder / "postcard", ignore=shutil.ignore_patterns(".runflow", *WRITTEN)
    )
    told = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "runflow_build", "demo", "postcard"],
            capture_output=True, text=True, cwd=folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        told.append(done.stdout.replace("picture   ", f"picture   {folder}/"))
    return told


def steps(told: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+) +(.+) \(\d+\.\d\d s\)$", told, re.MULTILINE))


def picture(told: str) -> Path:
    match = re.search(r"^picture +(.+)$", told, re.MULTILINE)
    assert match
    return Path(match[1])


def test_the_first_demo_goes_every_step(demos: list[str]) -> None:
    assert list(steps(demos[0])) == ["lock", "validate", "rewrite", "serve", "publish", "call"]
    assert steps(demos[0])["lock"].startswith("runflow.lock is new")
    assert steps(demos[0])["publish"].startswith("created http://127.0.0.1:")


def test_the_second_demo_does_nothing_but_the_call(demos: list[str]) -> None:
    again = steps(demos[1])
    assert [again[step] for step in ("lock", "validate", "rewrite", "publish")] == [
        "up to date"
    ] * 4
    assert again["call"].endswith("succeeded")


def test_both_make_the_same_card_of_the_photo(demos: list[str]) -> None:
    first, second = (np.asarray(Image.open(picture(told)).convert("RGB")) for told in demos)
    assert first.shape == (400, 600, 3)
    assert np.array_equal(first, second)
    assert first.std() > 20, "a picture, not a plain colour"
    assert picture(demos[0]) != picture(demos[1]), "nothing is overwritten"


def test_it_tells_how_to_call_again_and_never_the_key(demos: list[str]) -> None:
    for told in demos:
        assert "runflow serve --data " in told
        assert "$RUNFLOW_API_KEY" in told
        assert not re.search(r"rf_live_\w+", told)


def test_the_lock_equals_the_one_in_the_example(demos: list[str]) -> None:
    folder = picture(demos[0]).parents[2]
    for name in WRITTEN:
        assert (folder / name).read_bytes() == (EXAMPLE / name).read_bytes()


def test_a_copy_of_the_example_can_be_written_although_the_original_cannot(tmp_path: Path) -> None:
    original = tmp_path / "original"
    shutil.copytree(EXAMPLE, original, ignore=shutil.ignore_patterns(".runflow"))
    (original / ".runflow").mkdir()
    (original / ".runflow" / "doit.db").write_text("of somebody else")
    for path in [original, *original.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    _copy(original, tmp_path / "runflow-demo" / "postcard")
    for path in [original, *original.rglob("*")]:
        path.chmod(0o700)
    copied = list((tmp_path / "runflow-demo").rglob("*"))
    assert {path.name for path in copied} == {
        "postcard", *(path.name for path in EXAMPLE.rglob("*") if ".runflow" not in path.parts)
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o200 for path in copied)


def test_a_folder_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "runflow-demo").write_text("in the way")
    with pytest.raises(SaveError) as caught:
        _copy(EXAMPLE, tmp_path / "runflow-demo" / "postcard")
    (finding,) = caught.value.findings
    assert finding.message.startswith("the example cannot be copied here: ")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (None, "runflow.yaml: error file-missing: "),
        ("endpoints: {poster: {workflow: p.json}}", "error endpoint-unknown: runflow.yaml has no "),
        ("endpoint: {}", "runflow.yaml:3:1: error spec-unknown-key: unknown key `endpoint`"),
    ],
)
def test_a_folder_that_is_not_the_example(tmp_path: Path, spec: str | None, told: str) -> None:
    if spec:
        ref = "comfyui: {ref: v0.8.0}"
        (tmp_path / "runflow.yaml").write_text(f"version: 1\n{ref}\n{spec}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "runflow_build", "demo", "."],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
