"""Real uv against package indexes on loopback."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from index import PackageIndex, serving, source, wheel

from runflow_build.lock.pylock import Checkout, read_pylock
from runflow_build.sources.indexes import UvIndexes, platform_of
from runflow_build.sources.mirrors import mirrors_of
from runflow_build.sources.online import opened
from runflow_build.sources.world import Asked, PackageConflict, Resolution, Unanswered

LINUX = "cp312-cp312-manylinux_2_28_x86_64"


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


Ask = Any  # resolves(asked, target, …) -> Resolution


@pytest.fixture
def resolved(index: PackageIndex, cache: Path) -> Ask:
    def resolve(
        asked: Mapping[str, str],
        target: str = "linux-cpu",
        known: Mapping[str, str] = {},
        environ: Mapping[str, str] = {},
        offline: bool = False,
        mirrored: bool = True,
    ) -> Resolution:
        mirrors = mirrors_of(index.environ if mirrored else {})
        around = {**os.environ, "UV_HTTP_RETRIES": "0", **environ}
        indexes = UvIndexes(mirrors, offline=offline, cache=cache, environ=around)
        questions = [Asked(by, text) for by, text in asked.items()]
        return indexes.resolve(questions, "3.12", target, known)

    return resolve


def test_a_uv_that_nobody_wants_any_more_ends(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        environ = {
            **{name: value for name, value in os.environ.items() if name != "RUNFLOW_OFFLINE"},
            "RUNFLOW_MIRRORS": f"https://pypi.org/simple={address}",
            "RUNFLOW_CACHE_DIR": str(tmp_path),
        }
        with (
            opened(environ, stop=stop) as (world, _),
            pytest.raises(Unanswered, match="uv failed and did not say why"),
        ):
            world.packages.resolve([Asked("us", "numpy")], "3.12", "macos-cpu", {})


def two_versions(index: PackageIndex) -> None:
    index.add(wheel("numpy", "1.26.0"), wheel("numpy", "2.1.0"))


def test_all_requirements_are_resolved_together(index: PackageIndex, resolved: Ask) -> None:
    two_versions(index)
    index.add(wheel("scipy", "1.14.0", ["numpy>=1"]))

    found = resolved({"ComfyUI": "scipy\n", "some-pack": "numpy<2\n"})

    assert found.packages == {"numpy": "1.26.0", "scipy": "1.14.0"}
    numpy = index.pypi["numpy"][0]
    assert f"https://files.pythonhosted.org/{numpy.path}" in found.pylock
    assert numpy.sha256 in found.pylock


def test_the_text_names_public_places_only_and_no_times(
    index: PackageIndex, resolved: Ask, tmp_path: Path
) -> None:
    two_versions(index)
    index.add(wheel("torch", "2.8.0+cpu", tag=LINUX), backend="cpu")

    text = resolved({"ComfyUI": "torch\nnumpy\n"}).pylock

    assert index.url not in text
    assert "127.0.0.1" not in text
    assert str(tmp_path.parent) not in text
    assert "time" not in text
    assert 'created-by = "runflow-build"' in text


HOSTILE = {
    "UV_EXCLUDE_NEWER": "2001-01-01",
    "UV_EXTRA_INDEX_URL": "http://127.0.0.1:1/simple",
    "UV_FIND_LINKS": "/nowhere",
    "UV_INDEX": "http://127.0.0.1:1/simple",
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_NO_BINARY": "1",
    "UV_OFFLINE": "1",
    "UV_PRERELEASE": "allow",
    "UV_RESOLUTION": "lowest",
    "UV_CONSTRAINT": "/nowhere/constraints.txt",
    "UV_PYTHON": "2.7",
    "UV_TORCH_BACKEND": "cu118",
    "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
    "PIP_NO_BINARY": ":all:",
    "PIP_CONSTRAINT": "/nowhere/constraints.txt",
    "VIRTUAL_ENV": "/nowhere",
    "CONDA_PREFIX": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "MACOSX_DEPLOYMENT_TARGET": "10.9",
}


@pytest.mark.parametrize("target", ["linux-cpu", "macos-mps", "windows-cu128"])
def test_the_bytes_do_not_depend_on_who_asks(
    target: str, index: PackageIndex, resolved: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_versions(index)
    index.add(
        wheel("numpy", "3.0.0rc1"),
        wheel("fast", "1.0", tag="cp312-cp312-macosx_14_0_arm64"),
        wheel("fast", "1.0", tag="cp312-cp312-win_amd64"),
        wheel("fast", "1.0", tag="py3-none-any"),
        wheel("fast", "1.0", tag=LINUX),
        wheel("torch", "2.8.0"),
    )
    index.add(wheel("torch", "2.8.0+cpu", tag=LINUX), backend="cpu")
    index.add(wheel("torch", "2.8.0+cu128", tag="cp312-cp312-win_amd64"), backend="cu128")
    asked = {"ComfyUI": "torch\n", "pack": "numpy\nfast\n"}
    first = resolved(asked, target)

    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "pyproject.toml").write_text('[tool.uv]\nindex-url = "http://127.0.0.1:1/simple"\n')
    (other / "uv.toml").write_text('resolution = "lowest"\n')
    (other / ".python-version").write_text("3.9\n")
    config = {"XDG_CONFIG_HOME": str(other), "HOME": str(other)}
    (other / "uv").mkdir()
    (other / "uv" / "uv.toml").write_text('resolution = "lowest"\n')
    monkeypatch.chdir(other)
    again = resolved(dict(reversed(asked.items())), target, environ={**HOSTILE, **config})

    assert again == first
    assert first.packages["numpy"] == "2.1.0"


def test_torch_comes_from_the_index_of_its_backend(index: PackageIndex, resolved: Ask) -> None:
    """Even where only another package asks for it, and for nothing else than torch."""
    two_versions(index)
    index.add(wheel("torch", "2.9.0", ["numpy"]), wheel("torchsde", "0.2.6", ["torch>=2"]))
    index.add(
        wheel("torch", "2.8.0+cu128", ["numpy", "triton"], tag=LINUX),
        wheel("triton", "3.4.0", tag=LINUX),
        wheel("numpy", "1.0.0"),
        backend="cu128",
    )

    found = resolved({"ComfyUI": "torchsde\n"}, "linux-cu128")

    assert found.packages == {
        "numpy": "2.1.0",
        "torch": "2.8.0+cu128",
        "torchsde": "0.2.6",
        "triton": "3.4.0",
    }
    torch = next(one for one in read_pylock(found.pylock).packages if one.name == "torch")
    assert torch.wheels[0].url == (
        f"https://download.pytorch.org/whl/cu128/torch-2.8.0%2Bcu128-{LINUX}.whl"
    )


def test_macos_takes_pypis_torch(index: PackageIndex, resolved: Ask) -> None:
    index.add(wheel("torch", "2.9.0", tag="cp312-none-macosx_11_0_arm64"))
    assert resolved({"ComfyUI": "torch"}, "macos-mps").packages == {"torch": "2.9.0"}


def test_versions_of_before_stay_while_they_answer(index: PackageIndex, resolved: Ask) -> None:
    two_versions(index)
    for version in ("2.7.0+cpu", "2.8.0+cpu"):
        index.add(wheel("torch", version, tag=LINUX), backend="cpu")
    known = {"numpy": "1.26.0", "torch": "2.7.0+cpu", "gone": "1.0", "built": "git+abc"}

    kept = resolved({"ComfyUI": "torch\nnumpy\n"}, known=known)
    assert kept.packages == {"numpy": "1.26.0", "torch": "2.7.0+cpu"}

    moved = resolved({"ComfyUI": "torch>=2.8\nnumpy\n"}, known=known)
    assert moved.packages == {"numpy": "1.26.0", "torch": "2.8.0+cpu"}


def test_a_conflict_names_who_asks_for_what(index: PackageIndex, resolved: Ask) -> None:
    two_versions(index)
    index.add(wheel("scipy", "1.14.0", ["numpy<2"]), wheel("idna", "3"))

    with pytest.raises(PackageConflict) as caught:
        resolved({"ComfyUI": "idna\n", "old-pack": "SciPy >= 1\n", "new-pack": "numpy>=2\nidna"})

    assert caught.value.lines == (("old-pack", "SciPy >= 1"), ("new-pack", "numpy>=2"))
    assert "numpy<2" in caught.value.message
    assert "unsatisfiable" in caught.value.message


def test_a_package_that_no_index_has_is_a_conflict(index: PackageIndex, resolved: Ask) -> None:
    with pytest.raises(PackageConflict) as caught:
        resolved({"ComfyUI": "", "pack": "no-such-thing==1.0  # a comment\n"})

    assert [by for by, _ in caught.value.lines] == ["pack"]
    assert "no-such-thing was not found" in caught.value.message


def test_a_wheel_that_fits_leaves_no_source_to_build(index: PackageIndex, resolved: Ask) -> None:
    index.add(source("both", "1.0"), wheel("both", "1.0"), source("only", "1.0"))
    index.add(source("mac", "1.0"), wheel("mac", "1.0", tag="py3-none-macosx_11_0_arm64"))

    found = read_pylock(resolved({"ComfyUI": "both\nonly\nmac\n"}).pylock).packages

    assert [(one.name, one.is_built, len(one.wheels)) for one in found] == [
        ("both", False, 1),
        ("mac", True, 0),
        ("only", True, 0),
    ]


def test_a_url_is_locked_by_the_hash_of_its_content(index: PackageIndex, resolved: Ask) -> None:
    index.add(wheel("direct", "1.5"))
    file = index.pypi["direct"][0]
    found = resolved({"pack": f"direct @ {index.url}/files/{file.path}\n"})

    assert found.packages == {"direct": "1.5"}
    archive = read_pylock(found.pylock).packages[0].archive
    assert archive is not None
    assert archive.url == f"https://files.pythonhosted.org/{file.path}"
    assert archive.sha256 == file.sha256


def test_a_repository_is_locked_by_its_commit(
    index: PackageIndex, resolved: Ask, new_clone: Any, tmp_path: Path
) -> None:
    clone = new_clone(tmp_path / "remote")
    project = '[project]\nname = "from-git"\nversion = "0.3"\ndependencies = []\n'
    commit = clone.commit({"pyproject.toml": project})
    insteadof = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{clone.path.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example/owner/from-git",
    }

    asked = {"pack": "from-git @ git+https://git.example/owner/from-git@main\n"}
    found = resolved(asked, environ=insteadof)

    assert found.packages == {"from-git": "0.3"}
    checkout = read_pylock(found.pylock).packages[0].checkout
    assert checkout == Checkout("https://git.example/owner/from-git", commit)


def test_the_users_index_stands_for_pypi(index: PackageIndex, resolved: Ask) -> None:
    two_versions(index)
    with_pairs = resolved({"pack": "numpy"}, "macos-cpu")
    environ = {"PIP_INDEX_URL": f"{index.url}/pypi/simple/"}

    assert resolved({"pack": "numpy"}, "macos-cpu", environ=environ, mirrored=False) == with_pairs


def test_paths_that_are_not_pypis_are_refused(
    index: PackageIndex, resolved: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_versions(index)
    monkeypatch.setattr("index.Archive.path", property(lambda one: one.file))
    environ = {"UV_DEFAULT_INDEX": f"{index.url}/pypi/simple"}

    with pytest.raises(Unanswered, match=r"where .*numpy-2.1.0.* publicly lies") as caught:
        resolved({"pack": "numpy"}, "macos-cpu", environ=environ, mirrored=False)
    assert "RUNFLOW_MIRRORS" in (caught.value.fix or "")


def test_offline_answers_come_from_the_cache(index: PackageIndex, resolved: Ask) -> None:
    two_versions(index)
    first = resolved({"pack": "numpy"})
    index.status = 503

    assert resolved({"pack": "numpy"}, offline=True) == first
    with pytest.raises(Unanswered, match="offline"):
        resolved({"pack": "idna"}, offline=True)


@pytest.mark.parametrize(
    ("status", "said"), [(503, "503 Service Unavailable"), (403, "403 Forbidden")]
)
def test_an_ill_index_gives_no_answer(
    status: int, said: str, index: PackageIndex, resolved: Ask
) -> None:
    index.status = status
    with pytest.raises(Unanswered) as caught:
        resolved({"pack": "numpy"})
    assert said in caught.value.reason
    assert index.url not in caught.value.reason


def test_no_secret_of_the_users_index_is_told(index: PackageIndex, resolved: Ask) -> None:
    index.status = 503
    url = index.url.replace("http://", "http://someone:s3cret@")
    with pytest.raises(Unanswered) as caught:
        resolved(
            {"pack": "numpy"},
            "macos-cpu",
            environ={"UV_INDEX_URL": f"{url}/pypi/simple"},
            mirrored=False,
        )
    assert "s3cret" not in f"{caught.value.reason} {caught.value.fix}"


def test_a_line_that_is_no_requirement_is_told_with_its_asker(
    index: PackageIndex, resolved: Ask
) -> None:
    with pytest.raises(Unanswered, match="the requirements of bad-pack"):
        resolved({"ComfyUI": "", "bad-pack": "numpy ===== 1\n"})


@pytest.mark.parametrize("target", ["linux-mps", "windows-mps", "windows-rocm6.3", "macos-cu128"])
def test_a_target_without_builds_of_torch_is_no_question(target: str) -> None:
    with pytest.raises(Unanswered, match="PyTorch has no"):
        platform_of(target)


@pytest.mark.parametrize(
    ("target", "platform"),
    [
        ("linux-cu128", ("x86_64-manylinux_2_28", "cu128")),
        ("linux-rocm6.3", ("x86_64-manylinux_2_28", "rocm6.3")),
        ("windows-xpu", ("x86_64-pc-windows-msvc", "xpu")),
        ("macos-cpu", ("aarch64-apple-darwin", None)),
    ],
)
def test_targets_are_told_in_uvs_words(target: str, platform: Sequence[str | None]) -> None:
    assert (platform_of(target).name, platform_of(target).backend) == platform
