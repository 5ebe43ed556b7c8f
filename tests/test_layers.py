"""The tree is the data flow: imports go to a lower level or stay inside their package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "runflow_build"

# From the ground up; a unit imports from rows before its own, and from itself. CONTRIBUTING.md
# tells it in eight levels: what shares one there stands in the order of these rows.
ROWS = [
    {"content_type", "digest", "file_names", "findings"},
    {"errors", "review", "secret_patterns"},
    {"redact"},
    {"document", "yaml_text"},
    {"spec"},  # what people write
    {"workflow"},
    {"lock"},  # what is locked and published
    {"bundle"},
    {"rewrite", "validate"},  # the stages that are pure functions
    # ---- pure above this line, the world below it ----
    {"media"},
    {"engines", "project", "sources"},
    {"publish", "resolve", "restore"},  # the stages that look out
    {"server", "tasks"},  # what strings the stages together
    {"playground"},  # what stands in the editor, as a form that runs
    {"cli"},  # what people touch
]
LEVELS = {unit: level for level, units in enumerate(ROWS) for unit in units}
PURE = LEVELS["rewrite"]

WORLDLY = {
    "asyncio", "git", "glob", "httpx", "io", "os", "random", "secrets", "shutil", "socket",
    "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
FRONT_DOOR = {"__init__", "__main__"}  # the package's own front: it may name everything


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name not in FRONT_DOOR:
            yield name, path


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Each imported module, ours as `.<unit>`, with its line; those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(PACKAGE).parent.parts
            base = package[: len(package) - (node.level - 1)]
            full = [*base, *(node.module.split(".") if node.module else [])]
            for unit in [full[0]] if full else [alias.name for alias in node.names]:
                yield f".{unit}", node.lineno


def test_every_unit_has_a_level() -> None:
    assert {name for name, _ in modules()} - {"catalogue"} == set(LEVELS)


@pytest.mark.parametrize("unit", sorted(LEVELS))
def test_imports_go_down(unit: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {unit} ({LEVELS[unit]}) imports {target[1:]}"
        for name, path in modules()
        if name == unit
        for target, line in imports(path)
        if target.startswith(".")
        and target[1:] in LEVELS
        and target[1:] != unit
        and LEVELS[target[1:]] >= LEVELS[unit]
    ]
    assert wrong == []


@pytest.mark.parametrize("unit", sorted(unit for unit in LEVELS if LEVELS[unit] <= PURE))
def test_the_upper_half_does_not_touch_the_world(unit: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {target}"
        for name, path in modules()
        if name == unit
        for target, line in imports(path)
        if target in WORLDLY or target.split(".")[0] in WORLDLY
    ]
    assert wrong == []


def test_inside_the_package_imports_are_relative() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for target, line in imports(path)
        if target.split(".")[0] in {"runflow_build", "nodes"}
    ]
    assert wrong == []
