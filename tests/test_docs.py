"""The documentation is true: what it names exists, and what it shows is what happens."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from runflow_build.cli import main as cli
from runflow_build.findings import CODES
from runflow_build.lock import model as lock
from runflow_build.lock.diff import render_diff
from runflow_build.spec import model as spec
from runflow_build.spec.read import read_spec
from runflow_build.tasks.diff import lock_diff
from runflow_build.tasks.graph import Graph
from runflow_build.tasks.init import start
from runflow_build.tasks.lock import relock
from runflow_build.workflow.contract_model import ContractInput, ContractOutput
from runflow_build.workflow.runflow_nodes import INPUTS, OUTPUTS, SAVERS
from runflow_build.yaml_text import read_yaml

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "postcard"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIGEST = "a" * 64


def text_of(page: str | Path) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced code of a page in one of the languages; "" is code without one."""
    return [code for language, code in _FENCE.findall(text_of(page)) if language in languages]


def spans(page: Path) -> list[str]:
    """The inline code of a page; a backslash before | is the table's."""
    code = re.findall(r"`([^`\n]+)`", _FENCE.sub("", text_of(page)))
    return [one.replace("\\|", "|") for one in code]


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    found = re.search(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text_of(page), re.MULTILINE | re.DOTALL
    )
    assert found, f"{page} has no section {heading}"
    return found[1]


def rows(table: str) -> list[list[str]]:
    """The cells of a table without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines]
    return [[cell.strip() for cell in row] for row in cells[2:]]


# -- links


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text_of(page))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_every_page_stands_in_the_index() -> None:
    index = text_of("README.md")
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"({page.name})" not in index]
    assert missing == ["README.md"]


# -- commands


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Every `runflow …` of a page, as (where it stands, its words)."""
    for code in blocks(page, "sh", "yaml", ""):
        for line in code.splitlines():
            told = re.sub(r"(^|\s)#.*", "", line)
            for found in re.findall(r"(?<![\w/.'`-])runflow +([a-z-][^|&>;)]*)", told):
                yield "block", shlex.split(found)
    for span in spans(page):
        if span.startswith("runflow "):
            yield "text", span.split()[1:]


@each_page
def test_every_command_exists_with_its_options(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, words in commands(page):
        known = words and words[0] in (*cli.COMMANDS, "-C", "COMMAND")
        assert known, words
        if words[0] == "COMMAND" or "--help" in words:
            continue
        parser = cli._parser(words)
        if place == "block" and "…" not in " ".join(words):
            parser.parse_args(words)
            continue
        options = set(re.findall(r"(?<!\S)--?[A-Za-z][a-z-]*", " ".join(words[1:])))
        assert options <= set(_options(words[0], capsys)), words


def _options(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit):
        cli._parser([command]).parse_args([command, "--help"])
    return re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", capsys.readouterr().out)


@each_page
def test_every_doit_task_exists(page: Path) -> None:
    tasks = {task["basename"] for task in Graph([EXAMPLE]).create_doit_tasks()}
    text = "\n".join([*blocks(page, "sh", "yaml", ""), *spans(page)])
    for word in re.findall(r"(?<![\w/.-])doit ['\"]?((?!-)[a-z]+)", text):
        assert word in tasks | {"clean", "list"}, word


@each_page
def test_every_python_block_compiles_and_finds_what_it_imports(page: Path) -> None:
    codes = [*blocks(page, "python"), *(one for one in spans(page) if one.startswith("from "))]
    for code in codes:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert [one.name for one in node.names if not hasattr(module, one.name)] == []


@pytest.mark.parametrize("page", ["../README.md", "ci.md"])
def test_the_dodo_that_is_shown_makes_the_tasks(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    dodo = next(code for code in blocks(ROOT / "docs" / page, "python") if "DOIT_CONFIG" in code)
    names: dict[str, Any] = {}
    exec(compile(dodo, "dodo.py", "exec"), names)
    tasks = {(one["basename"], one.get("name")) for one in names["build"].create_doit_tasks()}
    assert ("publish", "postcard") in tasks


# -- words that programs and files hold


# Hyphenated code that is no finding: values, slugs and folders of the examples.
NO_CODES = {
    "api-key", "api-url", "background-removal-v21", "github-token", "gpu-models",
    "linux-cpu", "linux-cu128", "macos-mps", "nearest-exact", "old-poster", "runflow-lock-check",
    "windows-cu128",
}  # fmt: skip


@each_page
def test_every_finding_that_is_named_exists(page: Path) -> None:
    named = {span for span in spans(page) if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", span)}
    assert named - set(CODES) - NO_CODES == set()


def test_the_environment_variables_are_those_that_the_source_reads() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "runflow_build").rglob("*.py")
    )
    pattern = r"\bRUNFLOW_[A-Z_]+[A-Z]\b"
    assert set(re.findall(pattern, sources)) == set(
        re.findall(pattern, section("ci.md", "Environment variables"))
    )


# -- runflow.yaml


@each_page
def test_every_runflow_yaml_that_is_shown_can_be_read(page: Path) -> None:
    for code in blocks(page, "yaml"):
        value = read_yaml(code).value
        if isinstance(value, dict) and "endpoints" in value and "version" in value:
            read_spec(code.replace("sha256: …", f"sha256: {DIGEST}"))


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("Top level", spec.Spec),
        ("comfyui", spec.ComfyUIWish),
        ("python", spec.PythonWish),
        ("nodes", spec.NodePackWish),
        ("models", spec.ModelWish),
        ("resources", spec.ResourceWish),
        ("policy", spec.Policy),
        ("endpoints", spec.EndpointWish),
        ("gpu", spec.GPUWish),
        ("inputs", spec.InputWish),
        ("outputs", spec.OutputWish),
    ],
)
def test_every_key_of_runflow_yaml_is_documented_with_its_default(
    heading: str, model: type[BaseModel]
) -> None:
    documented = {
        row[0].strip("`"): row[2] for row in rows(section("runflow-yaml.md", heading)) if row[0]
    }
    assert set(documented) == set(model.model_fields)
    for name, field in model.model_fields.items():
        told = documented[name]
        if field.is_required() or field.default is None:
            assert told == ("required" if field.is_required() else "none"), name
        else:
            value = TypeAdapter(field.annotation).validate_python(read_yaml(told.strip("`")).value)
            assert value == field.default, name


def test_the_runflow_yaml_with_every_key_has_every_key() -> None:
    whole = next(code for code in blocks(ROOT / "docs/runflow-yaml.md", "yaml") if "keep:" in code)
    text = read_spec(whole).spec.model_dump_json(exclude_unset=True)
    models = [one for one in vars(spec).values() if isinstance(one, type)]
    keys = {
        name
        for one in models
        if issubclass(one, spec.Document) and one is not spec.Document
        for name in one.model_fields
    }
    assert {key for key in keys if f'"{key}":' not in text} == set()


# -- runflow.lock


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("The file", lock.Lock),
        ("comfyui", lock.ComfyUIPin),
        ("nodes", lock.NodePackPin),
        ("python", lock.PythonPins),
        ("models", lock.ModelPin),
        ("resources", lock.ResourcePin),
        ("endpoints", lock.EndpointPin),
    ],
)
def test_every_field_of_the_lock_is_documented(heading: str, model: type[BaseModel]) -> None:
    documented = [row[0].strip("`") for row in rows(section("lock.md", heading))]
    assert documented == list(model.model_fields)


@pytest.mark.parametrize(
    ("model", "start"), [(ContractInput, "An input has"), (ContractOutput, "An output has")]
)
def test_every_field_of_the_contract_is_documented(model: type[BaseModel], start: str) -> None:
    sentence = re.search(rf"{start} (.*?)\.(?: |$)", section("lock.md", "endpoints"), re.MULTILINE)
    assert sentence
    names = [field.alias or name for name, field in model.model_fields.items()]
    assert re.findall(r"`(\w+)`", sentence[1]) == names


def test_the_lock_that_is_shown_is_the_examples() -> None:
    shown = blocks(ROOT / "docs/lock.md", "yaml")[0]
    assert shown == (EXAMPLE / "runflow.lock").read_text(encoding="utf-8")


def test_the_diff_that_is_shown_is_what_the_edit_gives(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".runflow"))
    shutil.copy(project / "runflow.lock", tmp_path / "before.lock")
    (patch,) = blocks(ROOT / "docs/lock.md", "diff")
    subprocess.run(["git", "apply", "-"], cwd=project, input=patch, text=True, check=True)
    relock(project)
    shown = next(code for code in blocks(ROOT / "docs/lock.md", "") if "\nAPI\n" in code)
    assert shown == render_diff(lock_diff(project, str(tmp_path / "before.lock")), "text") + "\n"


def test_the_gitattributes_that_are_shown_are_those_of_init(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "postcard.json", tmp_path)
    start(tmp_path, [tmp_path / "postcard.json"])
    written = (tmp_path / ".gitattributes").read_text(encoding="utf-8")
    assert written in blocks(ROOT / "docs/lock.md", "")


# -- workflows


def test_every_runflow_node_is_documented_with_its_widgets() -> None:
    documented = {
        row[0].strip("`"): (row[1], re.findall(r"`(\w+)`", row[2]))
        for row in rows(section("workflows.md", "Runflow nodes"))
    }
    assert documented == {
        name: (node.type, [widget.name for widget in node.widgets])
        for name, node in {**INPUTS, **OUTPUTS}.items()
    }


def test_every_saver_is_documented_with_its_sockets_and_widgets() -> None:
    documented = {
        row[0].strip("`"): (re.findall("[A-Z]{3,}", row[1]), re.findall(r"`(\w+)`", row[2]))
        for row in rows(section("workflows.md", "Savers"))
    }
    assert documented == {
        name: (
            [kind for _, kind in (node.media, *node.optional)],
            [widget.name for widget in node.widgets],
        )
        for name, node in SAVERS.items()
    }


def test_the_engine_page_lists_the_engines_classes() -> None:
    """`RunflowInputString, -Int` stands for two of them."""
    from runflow_build.engines.embedded.nodes import CLASSES

    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    table = text.partition("## Node classes")[2].partition("| needs |")[0]
    rows = [row.split("|")[2] for row in table.splitlines() if row.startswith("|")][2:]
    listed: list[str] = []
    for word in re.findall(r"-?\b[A-Z]\w+", " ".join(rows)):
        stem = next((one for one in _STEMS if listed and listed[-1].startswith(one)), "")
        listed.append(stem + word[1:] if word.startswith("-") else word)
    assert sorted(listed) == sorted(CLASSES)


_STEMS = ("RunflowInput", "RunflowSaveAudio", "RunflowSaveVideo")
