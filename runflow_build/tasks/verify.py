"""`verify` on a folder: how it differs from the project's lock, and whether its ComfyUI works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import ResolveError
from ..findings import Finding
from ..lock.needs import all_needs, pack_names
from ..project.load import Project, load
from ..restore.present import look, strangers
from ..restore.state import read_state
from ..restore.verify import differences
from ..sources.install import find_install
from ..workflow import runflow_nodes
from ..workflow.definitions import pack_of
from .restorable import Job, caches_of, job_of


def verify(
    root: Path,
    folder: Path,
    *,
    target: str | None = None,
    deep: bool = False,
    smoke: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> list[Finding]:
    """What of the folder is not as the project's lock says; empty where all is.

    A folder that was restored for some endpoints only is compared with what these use. `deep` reads
    every model, input file and installed file again; `smoke` starts its ComfyUI on the CPU, imports
    every node pack and looks for every node class in use.

    Raises ResolveError `install-missing`, and what `job_of` raises.
    """
    folder = Path(os.path.abspath(folder.expanduser()))
    if not folder.is_dir():
        message, fix = f"there is no folder {folder}", "name the folder that was restored"
        raise ResolveError(Finding("install-missing", message, fix=fix))
    state = read_state(folder)
    job = job_of(root, folder, target or state.target, state.only)
    with caches_of(environ) as (digests, store):
        present = look(
            folder, job.wanted, digests=digests, store=store, inputs=job.inputs, deep=deep
        )
    present = replace(present, strangers=strangers(folder, job.wanted.packs))
    findings = differences(job.wanted, present)
    return findings + _smoke(root, job) if smoke else findings


def _smoke(root: Path, job: Job) -> list[Finding]:
    from ..restore.smoke import smoke  # httpx, which the comparison does not need

    packs = [pack.name for pack in job.wanted.packs]
    try:
        install = find_install(job.folder)
    except ResolveError as error:
        return list(error.findings)
    return smoke(install, classes_in_use(load(root), job), packs)


def classes_in_use(project: Project, job: Job) -> dict[str, str | None]:
    """The node classes that the endpoints serve, each with the pack that should bring it.

    Runflow's own are left out: every engine brings them. A workflow that cannot be read has none.
    """
    slugs = set(job.only) or set(project.spec.endpoints)
    needs, _ = all_needs(project.spec, project.workflows, project.definitions)
    lock = job.lock
    served = {name for slug in slugs & set(needs) for name in needs[slug].classes}
    wanted = {pack.name for pack in job.wanted.packs}
    told = {name: key for key in wanted for name in lock.nodes[key].classes}
    own = runflow_nodes.definitions()
    return {
        name: told.get(name) or _home(project, name, wanted, job)
        for name in sorted((served | set(told)) - set(own))
    }


def _home(project: Project, class_type: str, packs: set[str], job: Job) -> str | None:
    """The pack from whose folder the class came when it was recorded, by the name it has here."""
    raw = project.definitions.raw(class_type)
    folder = pack_of(raw.get("python_module")) if raw else None
    for key in sorted(packs) if folder else ():
        pin = job.lock.nodes[key]
        names = pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
        if str(folder).lower() in names:
            return key
    return None
