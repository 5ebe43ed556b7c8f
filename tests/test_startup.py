"""Start-up is imports: what a command does not need, it does not load.

Each check runs in a fresh interpreter and looks at `sys.modules`, which is stable where
milliseconds are not.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "av", "fastapi", "git", "httpx", "huggingface_hub", "numpy", "PIL", "sqlalchemy", "starlette",
    "torch", "uvicorn",
}  # fmt: skip


def loaded_after(code: str, cwd: Path | None = None) -> set[str]:
    """The top-level modules in memory after the code ran."""
    probe = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules), file=sys.__stdout__)"
    told = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=cwd, check=True
    )
    return {name.split(".")[0] for name in told.stdout.splitlines()[-1].split()}


def command(*argv: str) -> str:
    return (
        "from runflow_build.cli.main import main\n"
        "try:\n"
        f"    main({list(argv)!r})\n"
        "except SystemExit:\n"
        "    pass"
    )


def test_help_loads_neither_the_formats_nor_anything_heavy() -> None:
    assert loaded_after(command("--help")) & (HEAVY | {"doit", "pydantic", "yaml"}) == set()


@pytest.mark.parametrize("argv", [["lock", "--help"], ["publish", "--help"], ["serve", "--help"]])
def test_the_help_of_a_command_loads_nothing_heavy(argv: list[str]) -> None:
    assert loaded_after(command(*argv)) & (HEAVY | {"doit"}) == set()


def test_a_conversion_loads_neither_the_formats_nor_anything_heavy(tmp_path: Path) -> None:
    workflow = tmp_path / "workflow.json"
    workflow.write_text('{"1": {"class_type": "EmptyImage", "inputs": {}}}')
    loaded = loaded_after(command("convert", str(workflow)), tmp_path)
    assert loaded & (HEAVY | {"doit", "filelock", "pydantic", "yaml"}) == set()


def test_the_package_itself_loads_nothing() -> None:
    assert loaded_after("import runflow_build") & (HEAVY | {"doit", "pydantic", "yaml"}) == set()


@pytest.mark.parametrize(
    "module", ["spec.model", "lock.model", "bundle", "validate", "rewrite", "project.load"]
)
def test_the_pipeline_needs_pydantic_and_yaml_at_most(module: str) -> None:
    assert loaded_after(f"import runflow_build.{module}") & (HEAVY | {"doit"}) == set()
