"""All current templates in one project, locked against the stand-in of the public hosts."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import comfyui_workflow_templates_json
import pytest
from app import Served
from place import File, Repo, declared

from runflow_build.errors import WorkflowError
from runflow_build.project.load import load
from runflow_build.sources.online import opened
from runflow_build.spec.slug import slug_of
from runflow_build.tasks.lock import Relocked, relock
from runflow_build.workflow.formats import read_workflow

FOLDER = Path(comfyui_workflow_templates_json.__file__).parent
TEMPLATES = 644
# Its row gives the base model the name of another one, which other templates load by that name.
CONTRADICTS = "image_moss_image_t2i_bboxes"


@pytest.fixture(scope="module")
def templates() -> dict[str, Path]:
    """The graphs among the package's files, by slug."""
    found = {}
    for path in sorted(FOLDER.rglob("*.json")):
        try:
            workflow = read_workflow(path.read_bytes(), path.name)
        except WorkflowError:  # lists of templates, and their schemas
            continue
        if workflow.format == "graph":
            found[slug_of(path.stem)] = path
    assert len(found) == TEMPLATES
    return {slug: path for slug, path in found.items() if slug != CONTRADICTS}


@pytest.mark.slow
def test_every_model_of_every_template_is_pinned_or_is_a_finding(
    templates: Mapping[str, Path], stand_in: Served, tmp_path: Path
) -> None:
    stand_in.place.repos.update(repositories_of(templates))
    done = locked(project(tmp_path / "one", templates), stand_in, tmp_path / "cache")

    told = " ".join(finding.message for finding in done.findings)
    needed = {path for path in models_of(tmp_path / "one") if path not in done.lock.models}
    assert [path for path in needed if path not in told] == []
    assert len(done.lock.models) > 300
    for path, pin in done.lock.models.items():
        assert pin.url is None or "/resolve/main/" not in pin.url, path


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_order_folder_clock_locale_or_python(
    templates: Mapping[str, Path], stand_in: Served, tmp_path: Path
) -> None:
    few = dict(list(templates.items())[::8])
    stand_in.place.repos.update(repositories_of(few))
    root = project(tmp_path / "one", few)
    locked(root, stand_in, tmp_path / "cache")
    expected = {name: (root / name).read_bytes() for name in written_in(root)}

    shuffled = list(few.items())
    random.Random(4).shuffle(shuffled)
    stand_in.place.delay_s = 0.005  # answers come in another order
    for number, python in enumerate(pythons()):
        other = project(tmp_path / f"Über {number}" / "deep er", dict(shuffled))
        environ = {
            **os.environ,
            **stand_in.environ,
            "RUNFLOW_CACHE_DIR": str(tmp_path / f"cache {number}"),
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "tr_TR.UTF-8",
            "PYTHONHASHSEED": str(number),
        }
        command = [python, "-m", "runflow_build", "-C", str(other), "lock"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert {name: (other / name).read_bytes() for name in written_in(other)} == expected, python


def project(root: Path, templates: Mapping[str, Path]) -> Path:
    """A project with an endpoint for each template, in the order given."""
    (root / "workflows").mkdir(parents=True)
    for slug, path in templates.items():
        (root / "workflows" / f"{slug}.json").write_bytes(path.read_bytes())
    spec = {
        "version": 1,
        "project": "templates",
        "comfyui": {"ref": "v0.8.0"},
        "policy": {"unresolved": "warn"},
        "endpoints": {slug: {"workflow": f"workflows/{slug}.json"} for slug in templates},
    }
    (root / "runflow.yaml").write_text(json.dumps(spec), encoding="utf-8")
    return root


def locked(root: Path, stand_in: Served, cache: Path) -> Relocked:
    environ = {**stand_in.environ, "RUNFLOW_CACHE_DIR": str(cache)}
    with opened(environ) as (world, digests):
        return relock(root, world=world, digests=digests)


def written_in(root: Path) -> list[str]:
    names = [path.name for path in root.glob("*") if path.is_file() and path.suffix != ".yaml"]
    assert "runflow.lock" in names
    return sorted(names)


def pythons() -> Iterator[str]:
    """This interpreter, and the others in RUNFLOW_TEST_PYTHONS (a search path of interpreters)."""
    yield sys.executable
    yield from filter(None, os.environ.get("RUNFLOW_TEST_PYTHONS", "").split(os.pathsep))


def models_of(root: Path) -> set[str]:
    """What the workflows load, as the lock calls it."""
    from runflow_build.lock.needs import all_needs

    loaded = load(root)
    needs, _ = all_needs(loaded.spec, loaded.workflows, loaded.definitions)
    return {one.path for need in needs.values() for one in need.models}


def repositories_of(templates: Mapping[str, Path]) -> dict[str, Repo]:
    """The hub's repositories with every file that the templates name: with the hash that they say,
    or made up from its name, as the same file lies in many repositories."""
    said = {name: digest for name, _, digest in rows_in(templates) if digest}
    files: dict[str, dict[str, File]] = {}
    for name, url, _ in sorted(rows_in(templates), key=lambda row: row[1]):
        owner, repository, _, _, path = unquote(urlsplit(url).path)[1:].split("/", 4)
        digest = said.get(name) or sha256(name.encode()).hexdigest()
        files.setdefault(f"{owner}/{repository}", {})[path] = declared(digest, len(name))
    return {name: Repo({sha1(name.encode()).hexdigest(): one}) for name, one in files.items()}


def rows_in(templates: Mapping[str, Path]) -> Iterator[tuple[str, str, str]]:
    """File name, URL and sha256 of each row of models; empty where no hash is said."""
    for path in templates.values():
        waiting: list[Any] = [json.loads(path.read_bytes())]
        while waiting:
            value = waiting.pop()
            waiting.extend(value.values() if isinstance(value, dict) else ())
            waiting.extend(value if isinstance(value, list) else ())
            url = value.get("url") if isinstance(value, dict) else None
            if isinstance(url, str) and url.count("/") > 6 and "huggingface.co/" in url:
                yield url.partition("?")[0].rpartition("/")[2], url, value.get("hash") or ""
