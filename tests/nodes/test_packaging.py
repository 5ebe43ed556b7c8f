"""The pack in all kinds of surroundings: packages missing, twice there, under odd names."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from aiohttp import web
from aiohttp_server import running
from loaded_pack import part
from pack_copy import CHECKOUT, Started, copy_pack, start

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NEEDS = {  # module -> package; all that the pack needs and ComfyUI may lack
    "pydantic": "pydantic",
    "yaml": "pyyaml",
    "httpx": "httpx",
    "doit": "doit",
    "git": "gitpython",
    "argon2": "argon2-cffi",
    "filelock": "filelock",
    "packaging": "packaging",
    "uv": "uv",
}
INPUTS_AND_OUTPUTS = {
    *(f"RunflowInput{kind}" for kind in ("String", "Int", "Float", "Boolean", "Image", "File")),
    *("RunflowOutputImage", "RunflowOutputFile", "RunflowDeploy"),
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The base folder of a ComfyUI without packs."""
    for name in ("custom_nodes", "input", "output", "user"):
        (tmp_path / "ComfyUI" / name).mkdir(parents=True)
    return tmp_path / "ComfyUI"


@pytest.fixture
def pack(base: Path) -> Path:
    return copy_pack(base / "custom_nodes" / "runflow-build")


# ---- packages that are missing ----


@pytest.fixture
def bare(base: Path, pack: Path) -> Started:
    """Cloned, and nothing of requirements.txt installed."""
    questions = [
        ("GET", "/runflow/packages", None),
        ("GET", "/runflow/jobs/x", None),
    ]
    return start(base, questions, gone=NEEDS)


def test_without_its_packages_the_nodes_are_there(bare: Started) -> None:
    assert set(bare.classes) >= INPUTS_AND_OUTPUTS
    assert "runflow-build" in bare.web


def test_one_warning_names_what_is_missing_and_the_command(bare: Started, pack: Path) -> None:
    [warning] = bare.warnings
    first, what, how, *others = warning.splitlines()
    assert first == "WARNING Runflow works in part:"
    assert "what needs one of these Python packages does not work: " in what
    named = set(what.partition("work: ")[2].split(", "))
    text = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8")
    asked = {one.name for one in part("nodes.packages").requirements(text, (3, 12))}
    assert named == {one for one in asked if one.lower() in NEEDS.values()}
    file = pack / "requirements.txt"
    assert how.strip() == (
        f"install them and restart ComfyUI: {sys.executable} -m pip install -r {file}"
    )
    assert all(one.startswith("  - Runflow") for one in others)  # what this ComfyUI cannot do


def test_the_page_hears_the_same_without_the_paths_of_the_machine(
    bare: Started, base: Path
) -> None:
    (_, told), (status, _) = bare.answers
    assert told["lacking"]["message"] in bare.warnings[0]
    assert told["lacking"]["fix"] == (
        "with ComfyUI's own Python: python -m pip install -r "
        "custom_nodes/runflow-build/requirements.txt; then restart ComfyUI"
    )
    assert str(base.parent) not in json.dumps(told)
    assert status == 404  # what needs none of them answers


@pytest.fixture
def lacks_doit(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a page then hears."""
    packages = part("nodes.packages")
    lack = packages.Lack(packages.Requirement("doit", "0.36"), None)
    monkeypatch.setattr(packages, "lacking", lambda: [lack])
    return packages.told([lack])


def import_doit(*_: Any) -> Any:
    raise ModuleNotFoundError("No module named 'doit'", name="doit")


@pytest.mark.usefixtures("comfyui_modules")
def test_a_route_that_needs_them_answers_503(lacks_doit: Any) -> None:
    async def needs_doit(*_: Any) -> Any:
        import_doit()

    def app() -> web.Application:
        routes = web.RouteTableDef()
        table = part("nodes.routes.requests").Table(routes)
        table.get("/runflow/state", needs_doit)
        table.post("/runflow/act", needs_doit)
        made = web.Application()
        made.add_routes(routes)
        return made

    with running(app) as server:
        for answer in (server.get("/runflow/state"), server.post("/runflow/act")):
            assert (answer.status, answer.json) == (503, {"error": lacks_doit})
    assert lacks_doit["code"] == "packages-missing"


def test_a_job_that_needs_them_ends_with_the_same(lacks_doit: Any) -> None:
    said: list[Any] = []
    part("nodes.jobs").Job("deploy", lambda event, data: said.append(data), {}).run(import_doit)
    [last] = said
    assert last["state"] == "failed"
    assert last["findings"] == [{"severity": "error", **lacks_doit}]


def test_with_all_of_them_nothing_is_said(base: Path, pack: Path) -> None:
    pytest.importorskip("argon2")
    told = start(base, [("GET", "/runflow/packages", None)])
    assert told.warnings == []
    assert told.answers == [(200, {"lacking": None})]


def test_the_command_can_be_pasted_into_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = part("nodes.packages")
    folder = r"C:\Comfy UI\custom_nodes\runflow-build"
    python = r"C:\Comfy UI\python_embeded\python.exe"
    monkeypatch.setattr(packages, "FOLDER", PureWindowsPath(folder))
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(sys, "platform", "win32")
    assert packages.command() == rf'"{python}" -m pip install -r "{folder}\requirements.txt"'
    monkeypatch.setattr(packages, "FOLDER", PurePosixPath("/opt/my comfy/custom_nodes/a"))
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(sys, "platform", "linux")
    assert packages.command() == (
        "/usr/bin/python3 -m pip install -r '/opt/my comfy/custom_nodes/a/requirements.txt'"
    )


LACKS: list[tuple[str, dict[str, str], list[str]]] = [
    ("a>=1.2\nb", {"a": "1.2", "b": "0"}, []),
    ("a>=1.2", {}, ["a"]),
    ("a>=1.10", {"a": "1.9.3"}, ["a (version 1.9.3, 1.10 is needed)"]),
    ("a>=1.0", {"a": "1"}, []),
    ("a[x]>=2  # why", {"a": "2.0rc1"}, []),
    ('a>=2; python_version < "3.11"', {}, []),
    ('a>=2; python_version < "3.13"', {}, ["a"]),
    ("# nothing\n\n", {}, []),
]


@pytest.mark.parametrize(("text", "there", "expected"), LACKS)
def test_what_is_not_met(text: str, there: dict[str, str], expected: list[str]) -> None:
    lacks = part("nodes.packages").lacks
    assert [str(one) for one in lacks(text, there.get, (3, 12))] == expected


@pytest.mark.parametrize("line", ["-e .", "a @ https://example.com/a.whl", "a==1; os_name == 'nt'"])
def test_a_line_of_another_form_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="is not understood"):
        list(part("nodes.packages").requirements(line, (3, 12)))


# ---- twice there, and under any name ----


COUNT = """
    guards = [one for one in told.app.middlewares if hasattr(one, "runflow_guards")]
    routes = [one for one in told.routes if getattr(one, "path", "") == "/runflow/jobs/{id}"]
    logging.info("guards and routes: %d %d", len(guards), len(routes))
"""


def test_a_second_clone_does_nothing_but_say_so(base: Path, pack: Path) -> None:
    copy_pack(base / "custom_nodes" / "runflow-build-2")
    told = start(base, [("GET", "/runflow/jobs/x", None)], before_routes=COUNT)
    assert {one for name, one in told.classes.items() if name in INPUTS_AND_OUTPUTS} == {
        "custom_nodes.runflow-build"
    }
    assert list(told.web) == ["runflow-build"]
    assert "INFO guards and routes: 1 1" in told.log
    assert [one for one in told.warnings if "twice" in one] == [
        "WARNING Runflow is in custom_nodes twice. The folder runflow-build is in use, and"
        " runflow-build-2 does nothing: remove the folder runflow-build-2, and restart ComfyUI"
    ]
    assert told.answers[0][0] == 404
    assert told.answers[0][1]["error"]["code"] == "job-unknown"


def other_pack(base: Path, name: str) -> None:
    folder = base / "custom_nodes" / name
    folder.mkdir()
    code = "NODE_CLASS_MAPPINGS = {'RunflowInputString': type('RunflowInputString', (), {})}\n"
    (folder / "__init__.py").write_text(code)


def test_a_pack_with_our_classes_before_us_is_named(base: Path, pack: Path) -> None:
    other_pack(base, "ComfyUI-Runflow")
    told = start(base)
    assert set(told.classes.values()) == {"custom_nodes.ComfyUI-Runflow", "nodes"} - {"nodes"}
    [warning] = told.warnings
    assert warning == (
        "WARNING the pack ComfyUI-Runflow has nodes of the same names as Runflow's, so the folder"
        " runflow-build does nothing but ask for the password, where one is set: remove the folder"
        " ComfyUI-Runflow, and restart ComfyUI"
    )


def test_a_pack_that_takes_our_classes_later_is_named(base: Path, pack: Path) -> None:
    taken = "nodes.NODE_CLASS_MAPPINGS['RunflowInputInt'] = type('Other', (), {"
    taken += "'RELATIVE_PYTHON_MODULE': 'custom_nodes.zebra'})"
    told = start(base, before_routes=taken)
    assert told.warnings[-1] == (
        "WARNING the pack zebra has replaced Runflow's nodes by its own of the same names. Remove"
        " it or runflow-build, and restart ComfyUI"
    )


@pytest.mark.parametrize(
    "name", ["runflow", "Run flow (1)", "nodes", "läuft-流れ", "a.b.c", "server"]
)
def test_a_clone_may_have_any_name(name: str, base: Path) -> None:
    copy_pack(base / "custom_nodes" / name)
    plain = name if re.fullmatch(r"[\w.-]+", name, re.ASCII) else "runflow-build"
    scripts = [("GET", f"/extensions/{plain}/runflow.js", None)]
    told = start(base, [("GET", "/runflow/packages", None), *scripts])
    assert set(told.classes) >= INPUTS_AND_OUTPUTS
    assert list(told.web) == [plain]
    assert [status for status, _ in told.answers] == [200, 200]


def test_a_clone_may_lie_elsewhere_and_be_linked(base: Path, tmp_path: Path) -> None:
    clone = copy_pack(tmp_path / "my code" / "checkout")
    (base / "custom_nodes" / "flow").symlink_to(clone, target_is_directory=True)
    told = start(base, [("GET", "/runflow/packages", None)], gone={"doit": "doit"})
    assert set(told.classes) >= INPUTS_AND_OUTPUTS
    assert "custom_nodes/flow/requirements.txt" in told.answers[0][1]["lacking"]["fix"]


def test_a_module_name_of_windows_is_a_packs_too() -> None:
    code = """
import importlib.util, sys
name = "C:\\\\ComfyUI\\\\custom_nodes\\\\runflow-build"
spec = importlib.util.spec_from_file_location(name, sys.argv[1] + "/__init__.py")
pack = importlib.util.module_from_spec(spec)
sys.modules[name] = pack
spec.loader.exec_module(pack)
print(len(pack.NODE_CLASS_MAPPINGS), name + ".nodes.inputs" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(CHECKOUT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT.parent)
    count, inner = done.stdout.split()
    assert int(count) >= len(INPUTS_AND_OUTPUTS)
    assert inner == "True"


def test_comfyuis_own_modules_stay_what_they_are(base: Path, pack: Path) -> None:
    told = start(base, [("GET", "/runflow/packages", None)])
    ours = [one for one in told.modules if one.startswith(str(pack).replace(".", "_x_"))]
    assert f"{pack}.nodes.inputs" in ours
    assert [one for one in told.modules if one.partition(".")[0] == "nodes"] == ["nodes"]
    assert "runflow_build" not in told.modules


def test_an_error_of_ours_leaves_the_nodes_there(base: Path, pack: Path) -> None:
    with (pack / "nodes" / "routes" / "packages.py").open("a") as file:
        file.write("\nraise RuntimeError('a defect')\n")
    told = start(base)
    assert set(told.classes) >= INPUTS_AND_OUTPUTS
    assert "runflow-build" not in told.web
    assert "Runflow's part of the editor does not start; its nodes work" in told.warnings[0]
    assert "a defect" in told.warnings[0]


# ---- what ComfyUI, its Manager and its registry read ----


def test_the_registry_gets_what_it_asks_for() -> None:
    told = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    comfy = told["tool"]["comfy"]
    assert set(comfy) <= {"PublisherId", "DisplayName", "requires-comfyui", "includes"}
    assert "web" not in comfy  # the root names the folder already; ComfyUI would serve it twice
    assert re.fullmatch(r"[a-z0-9-]+", comfy["PublisherId"])
    assert comfy["DisplayName"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["project"]["version"])


def test_the_registrys_archive_has_all_that_the_pack_needs() -> None:
    left_out = (CHECKOUT / ".comfyignore").read_text(encoding="utf-8").split()
    assert not set(left_out) & {f"/{one}{'' if '.' in one else '/'}" for one in PACK_PARTS}
    assert all((CHECKOUT / one.strip("/")).exists() for one in left_out)


PACK_PARTS = ("__init__.py", "nodes", "runflow_build", "requirements.txt", "pyproject.toml")


# ---- Pythons ----


def sources() -> list[Path]:
    found = [*CHECKOUT.glob("nodes/**/*.py"), *CHECKOUT.glob("runflow_build/**/*.py")]
    return sorted([CHECKOUT / "__init__.py", *found])


def test_the_code_is_of_the_oldest_python() -> None:
    for path in sources():
        ast.parse(path.read_text(encoding="utf-8"), path.name, feature_version=(3, 10))


def imported_at_once(path: Path) -> list[str]:
    """Modules of absolute imports that run when the module does."""
    found: list[str] = []

    def walk(body: list[ast.stmt]) -> None:
        for one in body:
            if isinstance(one, ast.Import):
                found.extend(alias.name for alias in one.names)
            elif isinstance(one, ast.ImportFrom) and not one.level:
                found.append(one.module or "")
            elif isinstance(one, ast.If) and "TYPE_CHECKING" not in ast.dump(one.test):
                walk([*one.body, *one.orelse])
            elif isinstance(one, ast.Try):
                walk([*one.body, *one.orelse, *one.finalbody])
            elif isinstance(one, ast.ClassDef):
                walk(one.body)

    walk(ast.parse(path.read_text(encoding="utf-8")).body)
    return found


def test_its_import_takes_less_than_a_tenth_of_a_second() -> None:
    command = [sys.executable, CHECKOUT / "benchmarks" / "plugin_import.py", "--runs", "5"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, took, _ = done.stdout.splitlines()
    assert took.startswith("median ")


def test_the_pack_loads_with_the_standard_library_and_aiohttp_alone() -> None:
    allowed = {*sys.stdlib_module_names, "aiohttp"}
    for path in sorted(CHECKOUT.glob("nodes/**/*.py")):
        foreign = {one for one in imported_at_once(path) if one.partition(".")[0] not in allowed}
        assert not foreign, path
