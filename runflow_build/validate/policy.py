"""Does the lock hold only what `policy` in runflow.yaml allows?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ..findings import Finding, Severity, Where
from ..lock.file_facts import PICKLE_SUFFIXES, host_of
from ..lock.model import Lock, ModelPin
from ..spec.model import Choice, Spec
from .endpoint import Endpoint
from .uses import uses_of_model, uses_of_resource

_LEVELS: dict[Choice, Severity | None] = {"deny": "error", "warn": "warning", "allow": None}


def findings(spec: Spec, endpoints: Sequence[Endpoint], lock: Lock) -> Iterator[Finding]:
    """Breaches of the policy by what these endpoints use; each as severe as the policy says."""
    slugs = {endpoint.slug for endpoint in endpoints}
    if level := _LEVELS[spec.policy.pickle_models]:
        yield from _pickles(spec, endpoints, lock, slugs, level)
    if level := _LEVELS[spec.policy.dirty_repositories]:
        yield from _dirty(lock, slugs, level)
    if level := _LEVELS[spec.policy.unsourced_models]:
        for path, pin in _models(lock, slugs):
            if pin.url is None:
                yield _unsourced(path, endpoints, level)
    yield from _untrusted(spec, endpoints, lock, slugs)


def _models(lock: Lock, slugs: set[str]) -> Iterator[tuple[str, ModelPin]]:
    return (
        (path, pin) for path, pin in sorted(lock.models.items()) if slugs.intersection(pin.used_by)
    )


def _pickles(
    spec: Spec,
    endpoints: Sequence[Endpoint],
    lock: Lock,
    slugs: set[str],
    level: Severity,
) -> Iterator[Finding]:
    used = {path for path, _ in _models(lock, slugs)}
    used |= {row.path for endpoint in endpoints for row in endpoint.needs.models}
    for path in sorted(used):
        suffix = PurePosixPath(path).suffix.lower()
        wish = spec.models.get(path)
        if suffix in PICKLE_SUFFIXES and not (wish and wish.pickle == "allow"):
            yield Finding(
                "model-pickle",
                f"{path} is of a kind ({suffix}) that can run code when it is loaded",
                Where(key=("models", path)),
                uses_of_model(endpoints, path),
                f"use a .safetensors of it, or if you trust it add under models:  "
                f"{path}: {{pickle: allow}}",
                level,
            )


def _dirty(lock: Lock, slugs: set[str], level: Severity) -> Iterator[Finding]:
    fix = "commit and push its changes, then lock again: the commit alone is what others get"
    if lock.comfyui and lock.comfyui.dirty:
        yield Finding(
            "repository-dirty",
            "ComfyUI was locked from a working tree with local changes",
            Where(key=("comfyui",)),
            fix=fix,
            level=level,
        )
    for name, pin in sorted(lock.nodes.items()):
        if pin.dirty and slugs.intersection(pin.required_by):
            yield Finding(
                "repository-dirty",
                f"the node pack {name} was locked from a working tree with local changes",
                Where(key=("nodes", name)),
                (("used by", ", ".join(pin.required_by)),),
                fix,
                level,
            )


def _unsourced(path: str, endpoints: Sequence[Endpoint], level: Severity) -> Finding:
    return Finding(
        "model-no-source",
        f"{path} has no source to download it from",
        Where(key=("models", path)),
        uses_of_model(endpoints, path),
        f"add under models:  {path}: {{url: https://…}}",
        level,
    )


def _untrusted(
    spec: Spec, endpoints: Sequence[Endpoint], lock: Lock, slugs: set[str]
) -> Iterator[Finding]:
    trusted = {host.lower() for host in spec.policy.trusted_hosts}
    rows = [
        ("models", path, pin.url, uses_of_model(endpoints, path))
        for path, pin in _models(lock, slugs)
    ]
    rows += [
        ("resources", path, pin.url, uses_of_resource(endpoints, path))
        for path, pin in sorted(lock.resources.items())
        if slugs.intersection(pin.used_by)
    ]
    for section, path, url, uses in rows:
        host = host_of(url) if url else None
        if host is not None and host not in trusted:
            yield Finding(
                "host-not-trusted",
                f"{path} comes from {host or 'nowhere'}, which is none of the trusted hosts",
                Where(key=(section, path, "url")),
                uses,
                f"add {host} to trusted_hosts under policy:, or take the file from another host",
            )
