"""What requirements files of node packs look like in the wild, and what becomes of each line."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runflow_build.resolve.requirement_files import Requirements, requirements_in, requirements_of


def of(files: Mapping[str, str | bytes]) -> Requirements:
    def read(path: str) -> bytes | None:
        found = files.get(path)
        return found.encode() if isinstance(found, str) else found

    return requirements_of(read)


def only(text: str | bytes) -> Requirements:
    return of({"requirements.txt": text})


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("numpy", "numpy"),
        ("  numpy>=1.26,<3  # why", "numpy>=1.26,<3"),
        ("opencv-python >= 4.7.0.72", "opencv-python >= 4.7.0.72"),
        ("triton; sys_platform == 'linux'", "triton; sys_platform == 'linux'"),
        ("transformers[torch]~=4.50", "transformers[torch]~=4.50"),
        ("numpy==1.26.4 --hash=sha256:00 --hash=sha256:11", "numpy==1.26.4"),
        ("https://h.example/a-1.0-py3-none-any.whl", "https://h.example/a-1.0-py3-none-any.whl"),
        ("a @ https://h.example/a.zip", "a @ https://h.example/a.zip"),
        ("a @ https://h.example/a.zip#sha256=00", "a @ https://h.example/a.zip#sha256=00"),
        ("git+https://h.example/o/r.git@main", "git+https://h.example/o/r.git@main"),
        ("git+https://h.example/o/r@v1#egg=name", "name @ git+https://h.example/o/r@v1"),
        (
            "git+https://h.example/o/r#egg=name&subdirectory=py",
            "name @ git+https://h.example/o/r#subdirectory=py",
        ),
        ("-e git+https://h.example/o/r#egg=name", "name @ git+https://h.example/o/r"),
        (
            "sam @ git+https://h.example/o/sam ; python_version > '3.9'",
            "sam @ git+https://h.example/o/sam ; python_version > '3.9'",
        ),
    ],
)
def test_a_requirement_becomes_one_that_can_be_resolved(line: str, becomes: str) -> None:
    assert only(f"{line}\n") == Requirements((becomes,))


@pytest.mark.parametrize(
    ("line", "why", "is_package"),
    [
        ("-e .", "path of the author's machine", True),
        ("--editable=./lib", "path of the author's machine", True),
        (".", "path of the author's machine", True),
        ("./wheels/a-1.0-py3-none-any.whl", "path of the author's machine", True),
        ("a-1.0-py3-none-any.whl", "path of the author's machine", True),
        ("C:\\wheels\\a.whl", "path of the author's machine", True),
        ("file:///a.whl", "path of the author's machine", True),
        ("a @ file:///a.whl", "a place that others cannot reach", True),
        ("git+ssh://git@h.example/o/r", "a URL with a user name or password", True),
        ("git+file:///o/r", "others cannot reach", True),
        ("hg+https://h.example/o/r", "other than git", True),
        ("numpy=1.0", "no requirement like", True),
        ("numpy >=", "no requirement like", True),
        ("two words", "no requirement like", True),
        ("a @ https://user:s3cret@h.example/a.zip", "a URL with a user name or password", True),
        ("a @ https://h.example/a.zip?token=s3cret", "a URL with a token", True),
        ("numpy==${VERSION}", "author's environment", True),
        ("--extra-index-url https://pypi.nvidia.com", "an option", False),
        ("--find-links=https://h.example/wheels", "an option", False),
        ("--pre", "an option", False),
        ("--no-deps", "an option", False),
        ("-c constraints.txt", "file of its own", False),
    ],
)
def test_a_line_that_no_lock_can_repeat_is_named_with_its_reason(
    line: str, why: str, is_package: bool
) -> None:
    found = only(f"# comment\nnumpy\n{line}\n")

    assert found.lines == ("numpy",)
    (skipped,) = found.skipped
    assert skipped.where == "requirements.txt:3"
    assert why in skipped.why
    assert skipped.is_package is is_package
    assert "s3cret" not in skipped.text


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://download.pytorch.org/whl/cu121",
        "--index-url=https://pypi.org/simple",
        "-i https://pypi.org/simple",
        "--prefer-binary",
        "--trusted-host pypi.org",
    ],
)
def test_an_option_that_changes_nothing_is_passed_over(line: str) -> None:
    assert only(f"{line}\nnumpy\n") == Requirements(("numpy",))


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfnumpy\r\nidna\r\n",
        "numpy\r\nidna\r\n".encode("utf-16"),
        "numpy\nidna\n".encode("utf-16-be").join([b"\xfe\xff", b""]),
        b"numpy\ridna",
        b"# caf\xe9\nnumpy\nidna",
        b"numpy \\\n\nidna\n",
        b"\n\n   \nnumpy\n#\nidna\nnumpy\n",
    ],
)
def test_every_editors_file_is_read(data: bytes) -> None:
    assert only(data) == Requirements(("numpy", "idna"))


def test_a_long_line_goes_on_in_the_next_and_keeps_its_number() -> None:
    found = only("a\nnumpy>=1, \\\n  <3\n-e .\n")
    assert found.lines == ("a", "numpy>=1,   <3")
    assert found.skipped[0].where == "requirements.txt:4"


@pytest.mark.parametrize("data", [b"\0\1\2", b"x" * (1 << 20) + b"y"])
def test_what_is_no_text_is_said(data: bytes) -> None:
    found = only(data)
    assert found.lines == ()
    assert "no text" in found.skipped[0].why


def test_included_files_are_read_from_the_same_commit() -> None:
    found = of(
        {
            "requirements.txt": "a\n-r more/base.txt\n",
            "more/base.txt": "b\n--requirement=deep.txt\n-r ../requirements.txt\n",
            "more/deep.txt": "c\n-e .\n",
        }
    )
    assert found.lines == ("a", "b", "c")
    assert found.skipped[0].where == "more/deep.txt:2"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing.txt", "not there"),
        ("../other/requirements.txt", "outside"),
        ("/etc/passwd", "outside"),
        ("https://h.example/requirements.txt", "outside"),
    ],
)
def test_a_file_that_cannot_be_included_is_named(name: str, why: str) -> None:
    found = only(f"-r {name}\n")
    assert why in found.skipped[0].why
    assert found.skipped[0].is_package


def test_files_that_include_one_another_without_end_end() -> None:
    files = {f"r{n}.txt": f"-r r{n + 1}.txt\np{n}\n" for n in range(100)}
    found = of({"requirements.txt": "-r r0.txt\n", **files})
    assert 10 < len(found.lines) < 30
    assert len(found.skipped) == 1


def test_a_project_file_answers_where_there_is_no_requirements_file() -> None:
    project = '[project]\nname = "x"\ndependencies = ["a>=1", "-e .", "b"]\n'

    found = of({"pyproject.toml": project})
    assert found.lines == ("a>=1", "b")
    assert found.skipped[0].where == "pyproject.toml: dependencies"

    both = of({"pyproject.toml": project, "requirements.txt": "c\n"})
    assert both == Requirements(("c",))


@pytest.mark.parametrize("project", ['[project]\nname = "x"\n', "", None])
def test_a_repository_may_ask_for_nothing(project: str | None) -> None:
    assert of({"pyproject.toml": project} if project is not None else {}) == Requirements()


@pytest.mark.parametrize("project", ["[project", "project = 3", "[project]\ndependencies = 3"])
def test_a_damaged_project_file_is_said(project: str) -> None:
    assert of({"pyproject.toml": project}).skipped[0].is_package


def test_requirements_of_runflow_yaml_go_the_same_way() -> None:
    found = requirements_in(["a>=1", "./local"], "python.requirements")
    assert found.lines == ("a>=1",)
    assert found.skipped[0].where == "python.requirements:2"
