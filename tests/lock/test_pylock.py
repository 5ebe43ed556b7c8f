"""PEP 751 text to values and back."""

from __future__ import annotations

import pytest

from runflow_build.errors import LockError
from runflow_build.lock.pylock import (
    Checkout,
    LockedPackage,
    PackageFile,
    Pylock,
    package_versions,
    pylock_name,
    pylock_text,
    read_pylock,
)

A, B = "a" * 64, "b" * 64

# As uv 0.13 writes it, with what others may write too.
FOREIGN = f"""\
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.12"
extras = []

[[packages]]
name = "Zope.Interface"
version = "6.0"
marker = "sys_platform == 'linux'"
sdist = {{ url = "https://h/z-6.0.tar.gz", upload-time = 2026-01-02T03:04:05Z, size = 9, hashes = {{ sha256 = "{A}" }} }}
wheels = [
    {{ url = "https://h/z-6.0-py3-none-any.whl", upload-time = 2026-01-02T03:04:05Z, size = 7, hashes = {{ sha256 = "{B}" }} }},
    {{ url = "https://h/z-6.0-cp312-cp312-linux.whl", size = 8, hashes = {{ sha256 = "{A}" }} }},
]

[[packages]]
name = "from-git"
vcs = {{ type = "git", url = "https://h/r", requested-revision = "main", commit-id = "c0ffee", subdirectory = "py" }}

[[packages]]
name = "direct"
version = "1.0"
index = "https://h/simple"
archive = {{ url = "https://h/direct-1.0.zip", hashes = {{ sha256 = "{A.upper()}" }} }}
"""  # noqa: E501


def test_packages_are_read_with_their_files() -> None:
    lock = read_pylock(FOREIGN)

    assert lock.requires_python == ">=3.12"
    zope, git, direct = lock.packages
    assert zope.name == "zope-interface"
    assert [one.name for one in zope.files()] == [
        "z-6.0-py3-none-any.whl",
        "z-6.0-cp312-cp312-linux.whl",
        "z-6.0.tar.gz",
    ]
    assert git.checkout == Checkout("https://h/r", "c0ffee", "py")
    assert direct.archive == PackageFile("https://h/direct-1.0.zip", A)
    assert [one.is_built for one in lock.packages] == [False, True, True]
    assert [one.download for one in lock.packages] == [8, None, None]
    assert lock.download == 8


def test_versions_are_by_normalised_name() -> None:
    assert package_versions(FOREIGN) == {
        "zope-interface": "6.0",
        "from-git": "git+c0ffee",
        "direct": "1.0",
    }


def test_the_canonical_text_is_sorted_and_has_no_times() -> None:
    text = pylock_text(read_pylock(FOREIGN))

    assert text.startswith('lock-version = "1.0"\ncreated-by = "runflow-build"\n')
    assert "2026" not in text
    names = [line for line in text.splitlines() if line.startswith("name")]
    assert names == ['name = "direct"', 'name = "from-git"', 'name = "zope-interface"']
    assert text.index("cp312") < text.index("py3-none")
    assert text.endswith("]\n")
    assert "\r" not in text


def test_reading_what_was_written_gives_the_same_value() -> None:
    once = read_pylock(pylock_text(read_pylock(FOREIGN)))
    assert read_pylock(pylock_text(once)) == once
    assert pylock_text(once) == pylock_text(read_pylock(FOREIGN))


@pytest.mark.parametrize("value", ['quote " and \\', "tab\t", "delete \x7f", "ünïcode ☃", "a\nb"])
def test_any_text_survives(value: str) -> None:
    lock = Pylock((LockedPackage("x", "1", marker=value),))
    assert read_pylock(pylock_text(lock)) == lock


def test_a_lock_without_packages_is_one() -> None:
    assert read_pylock(pylock_text(Pylock(()))).packages == ()


def test_every_url_can_be_a_mirrors() -> None:
    moved = read_pylock(FOREIGN).with_urls(lambda url: url.replace("https://h", "http://m"))
    text = pylock_text(moved)
    assert "https://h" not in text
    assert text.count("http://m/") == 6


def test_a_name_of_a_file_has_no_dot_that_the_standard_forbids() -> None:
    assert pylock_name("linux-cu128") == "pylock.linux-cu128.toml"
    assert pylock_name("linux-rocm6.3") == "pylock.linux-rocm6_3.toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock-version = ", "not TOML"),
        ("", "does not begin with `lock-version`"),
        ('lock-version = "2.0"', "does not begin with `lock-version`"),
        ("lock-version = 1", "does not begin with `lock-version`"),
        ('lock-version = "1.0"\n[[packages]]\nversion = "1"\n', "`name` is missing"),
        ('lock-version = "1.0"\npackages = [3]\n', "cannot be used"),
        ('lock-version = "1.0"\npackages = 3\n', "cannot be used"),
        (
            'lock-version = "1.0"\n[[packages]]\nname = "x"\ndirectory = {path = "."}\n',
            "folder of one machine",
        ),
        (
            'lock-version = "1.0"\n[[packages]]\nname = "x"\nwheels = [{url = "x.whl"}]\n',
            "a file has no URL",
        ),
        (
            'lock-version = "1.0"\n[[packages]]\nname = "x"\nversion = 1\n',
            "`version` is no text",
        ),
        (
            'lock-version = "1.0"\n[[packages]]\nname = "x"\n'
            'wheels = [{url = "https://h/x.whl", hashes = {sha256 = "12"}}]\n',
            "64 digits",
        ),
        (
            'lock-version = "1.0"\n[[packages]]\nname = "x"\n'
            'wheels = [{url = "https://h/x.whl", size = "big"}]\n',
            "no number of bytes",
        ),
    ],
)
def test_a_damaged_text_is_a_finding(text: str, said: str) -> None:
    with pytest.raises(LockError) as caught:
        read_pylock(text, "pylock.linux-cpu.toml")
    (finding,) = caught.value.findings
    assert finding.code == "pylock-malformed"
    assert said in finding.message
    assert finding.where.file == "pylock.linux-cpu.toml"
