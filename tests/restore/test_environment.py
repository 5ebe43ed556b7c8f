"""Real venvs by real uv, from wheels that a loopback index serves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from index import Archive, PackageIndex, serving, source, wheel

from runflow_build.errors import RestoreError
from runflow_build.lock.pylock import LockedPackage, PackageFile, Pylock, pylock_text
from runflow_build.restore import environment
from runflow_build.restore.environment import drift, is_whole, python_of, sync
from runflow_build.restore.package_drift import installed, site_packages
from runflow_build.sources.mirrors import mirrors_of
from runflow_build.sources.world import Unanswered

PYTHON = ".".join(str(part) for part in sys.version_info[:2])


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with serving() as served:
        yield served


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv finds the Python that the tests run on, and keeps nothing outside of the test."""
    programs = str(Path(sys.executable).resolve().parent)
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


def pylock(*archives: Archive, marker: str | None = None) -> str:
    """What a lock of these files says, with their public URLs."""
    packages = []
    for one in archives:
        version = one.file.split("-")[1].removesuffix(".tar.gz")
        file = PackageFile(f"https://files.pythonhosted.org/{one.path}", one.sha256)
        sdist = one.file.endswith(".tar.gz")
        packages.append(
            LockedPackage(
                one.project,
                version,
                marker,
                wheels=() if sdist else (file,),
                sdist=file if sdist else None,
            )
        )
    return pylock_text(Pylock(tuple(packages)))


Install = Callable[..., Path]


@pytest.fixture
def install(index: PackageIndex, tmp_path: Path) -> Install:
    """`install(*archives)`: the venv with just these packages."""

    def make(*archives: Archive, text: str | None = None, offline: bool = False) -> Path:
        folder = tmp_path / "restored" / "venv"
        shelf = {one.file for files in index.pypi.values() for one in files}
        index.add(*(one for one in archives if one.file not in shelf))
        mirrors = mirrors_of(index.environ)
        sync(text or pylock(*archives), folder, PYTHON, mirrors=mirrors, offline=offline)
        return folder

    return make


def versions(folder: Path) -> dict[str, str]:
    return {name: one.version for name, one in installed(folder).items()}


def says(folder: Path, code: str) -> str:
    done = subprocess.run(
        [python_of(folder), "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


A, A2, B = wheel("a-pack", "1.0"), wheel("a-pack", "2.0"), wheel("b", "1.0", ["a-pack"])


def test_a_venv_has_the_packages_of_the_pylock_and_no_others(install: Install) -> None:
    folder = install(A, B)
    assert versions(folder) == {"a-pack": "1.0", "b": "1.0"}
    assert says(folder, "import a_pack, b; print(a_pack.__version__)") == "1.0"
    assert says(folder, "import sys; print(sys.prefix)") == str(folder)

    assert versions(install(A2)) == {"a-pack": "2.0"}
    assert drift(folder, pylock(A2), deep=True) == []


def test_a_second_time_does_nothing(
    install: Install, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(A, B)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    asked = len(index.asked)
    monkeypatch.setattr(environment, "call_uv", lambda *_, **__: pytest.fail("uv was called"))

    install(A, B)

    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    assert len(index.asked) == asked


def test_no_other_environment_is_touched(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "active"
    other.mkdir()
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"):
        monkeypatch.setenv(name, str(other))
    monkeypatch.setenv("UV_SYSTEM_PYTHON", "1")
    monkeypatch.setenv("PIP_TARGET", str(other))

    assert versions(install(A)) == {"a-pack": "1.0"}
    assert list(other.iterdir()) == []


@pytest.mark.parametrize("what", ["folder", "venv", "file", "link"])
def test_what_restore_did_not_make_stays(what: str, install: Install, tmp_path: Path) -> None:
    place = tmp_path / "restored" / "venv"
    place.parent.mkdir()
    if what == "folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    elif what == "venv":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    elif what == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.glob("restored/**/*"))

    with pytest.raises(RestoreError) as caught:
        install(A)

    assert [one.code for one in caught.value.findings] == ["restore-in-the-way"]
    assert sorted(tmp_path.glob("restored/**/*")) == before


def test_an_empty_folder_is_taken(install: Install, tmp_path: Path) -> None:
    (tmp_path / "restored" / "venv").mkdir(parents=True)
    assert versions(install(A)) == {"a-pack": "1.0"}


def test_a_file_with_another_hash_is_not_installed(install: Install, index: PackageIndex) -> None:
    index.add(A)
    text = pylock(A).replace(A.sha256, "0" * 64)

    with pytest.raises(RestoreError) as caught:
        install(text=text)

    (finding,) = caught.value.findings
    assert finding.code == "packages-not-installed"
    assert "is not the file that was locked" in finding.message


def test_a_package_without_a_hash_is_not_installed(install: Install, index: PackageIndex) -> None:
    index.add(A)
    text = pylock(A).replace(f'sha256 = "{A.sha256}"', "")
    with pytest.raises(RestoreError, match="no sha256 for a-pack"):
        install(text=text)


def test_an_index_that_is_away_is_no_answer_and_a_later_try_goes_on(
    install: Install, index: PackageIndex, tmp_path: Path
) -> None:
    index.status = 503
    with pytest.raises(Unanswered) as caught:
        install(A, B)
    assert "could not be fetched" in caught.value.reason
    assert index.url not in caught.value.reason
    assert not is_whole(tmp_path / "restored" / "venv", pylock(A, B), PYTHON)

    index.status = 200
    assert versions(install(A, B)) == {"a-pack": "1.0", "b": "1.0"}


def test_offline_takes_what_was_fetched_before(install: Install, index: PackageIndex) -> None:
    folder = install(A)
    shutil.rmtree(folder)
    index.status = 503

    assert versions(install(A, offline=True)) == {"a-pack": "1.0"}
    with pytest.raises(Unanswered, match="offline"):
        install(B, offline=True)


def test_a_source_is_built_in_isolation(install: Install) -> None:
    folder = install(source("c", "1.0"), A)
    assert says(folder, "import c; print(c.built)") == "True"


def test_a_python_that_is_missing_is_named_with_the_way_to_get_it(
    tmp_path: Path, index: PackageIndex
) -> None:
    folder = tmp_path / "venv"
    with pytest.raises(RestoreError) as caught:
        sync(pylock(A), folder, "3.99", mirrors=mirrors_of(index.environ))

    (finding,) = caught.value.findings
    assert finding.code == "python-missing"
    assert "3.99" in finding.message
    assert "uv python install 3.99" in (finding.fix or "")
    assert [path.name for path in tmp_path.iterdir()] == ["uv-cache"]


def test_no_url_of_a_mirror_stays(install: Install, index: PackageIndex) -> None:
    folder = install(A, B, source("c", "1.0"))
    told = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in told if index.url.encode() in path.read_bytes()] == []


def damage(folder: Path, name: str, text: str | None) -> None:
    path = site_packages(folder)[0] / name
    path.unlink()  # uv may have linked it to its cache
    if text is not None:
        path.write_text(text)


def test_drift_is_told_by_name(install: Install) -> None:
    folder = install(A, B)
    damage(folder, "b/__init__.py", None)

    found = drift(folder, pylock(A2, wheel("c", "1")))

    assert [(one.name, one.kind, one.text) for one in found] == [
        ("a-pack", "version", "a-pack is 1.0, and 2.0 is locked"),
        ("b", "extra", "b 1.0 is installed, and not locked"),
        ("c", "missing", "c 1 is not installed"),
    ]
    assert [(one.name, one.kind) for one in drift(folder, pylock(A, B))] == [("b", "files")]


def test_a_changed_file_of_the_same_size_is_found_deep(install: Install) -> None:
    folder = install(A)
    text = (site_packages(folder)[0] / "a_pack/__init__.py").read_text()
    damage(folder, "a_pack/__init__.py", text.replace("1.0", "6.6"))

    assert drift(folder, pylock(A)) == []
    (found,) = drift(folder, pylock(A), deep=True)
    assert (found.name, found.kind) == ("a-pack", "files")
    assert "a_pack/__init__.py" in found.text


def test_what_belongs_to_no_package_is_found_deep(install: Install) -> None:
    folder = install(A)
    (site_packages(folder)[0] / "sitecustomize.py").write_text("")
    says(folder, "import a_pack")  # what Python compiles is no drift

    assert drift(folder, pylock(A)) == []
    assert [(one.name, one.kind) for one in drift(folder, pylock(A), deep=True)] == [
        ("sitecustomize.py", "extra")
    ]


def test_a_package_whose_record_is_gone_has_drifted(install: Install) -> None:
    folder = install(A)
    (site_packages(folder)[0] / "a_pack-1.0.dist-info" / "RECORD").unlink()
    assert [one.kind for one in drift(folder, pylock(A))] == ["files"]


def test_a_package_for_other_machines_is_not_missing(install: Install) -> None:
    text = pylock(A, marker="sys_platform == 'nowhere'")
    folder = install(A, text=text)
    assert versions(folder) == {}
    assert drift(folder, text) == []


@pytest.mark.parametrize("text", [None, "changed, and longer than before\n"])
def test_damaged_packages_are_mended(text: str | None, install: Install) -> None:
    folder = install(A, B)
    damage(folder, "b/__init__.py", text)

    install(A, B)

    assert drift(folder, pylock(A, B), deep=True) == []
    assert says(folder, "import b; print(b.__version__)") == "1.0"


def test_damage_that_reached_uvs_cache_is_mended(install: Install) -> None:
    """A file that is linked to uv's cache, changed in place, has changed there as well."""
    folder = install(A)
    path = site_packages(folder)[0] / "a_pack/__init__.py"
    path.write_text("longer than it was before\n")

    install(A)

    assert drift(folder, pylock(A), deep=True) == []


KILLED = """\
import sys
from pathlib import Path
from runflow_build.restore import environment
from runflow_build.sources.mirrors import mirrors_of
import os, signal
place, step = Path(sys.argv[1]), int(sys.argv[3])
count = 0
def here(*_):
    global count
    count += 1
    if count == step:
        os.kill(os.getpid(), signal.SIGKILL)
sys.settrace(None)
for name in ("call_uv", "_write_marker", "_remove", "drift"):
    def wrap(real):
        def call(*args, **kwargs):
            here()
            result = real(*args, **kwargs)
            here()
            return result
        return call
    setattr(environment, name, wrap(getattr(environment, name)))
environment.sync(Path(sys.argv[2]).read_text(), place, sys.argv[4], mirrors=mirrors_of(os.environ))
print("done", count)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_a_kill_at_any_step_is_made_good_by_the_next_run(
    index: PackageIndex, tmp_path: Path
) -> None:
    """From nothing, and from a whole venv of another pylock."""
    index.add(A, A2, B)
    lock = tmp_path / "pylock.toml"
    mirrors = mirrors_of(index.environ)
    environ = {**os.environ, **index.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def run(place: Path, step: int) -> int:
        argv = [sys.executable, "-c", textwrap.dedent(KILLED)]
        return subprocess.run(
            [*argv, str(place), str(lock), str(step), PYTHON], env=environ, capture_output=True
        ).returncode

    for before in (None, pylock(A)):
        for step in range(1, 99):
            place = tmp_path / f"{'new' if before is None else 'old'}-{step}" / "venv"
            if before:
                sync(before, place, PYTHON, mirrors=mirrors)
            lock.write_text(pylock(A2, B))
            code = run(place, step)
            assert code in (0, -signal.SIGKILL)
            sync(lock.read_text(), place, PYTHON, mirrors=mirrors)
            assert versions(place) == {"a-pack": "2.0", "b": "1.0"}
            assert drift(place, lock.read_text(), deep=True) == []
            assert [path.name for path in place.parent.iterdir()] == ["venv"]
            if code == 0:
                break
        assert step > 5
