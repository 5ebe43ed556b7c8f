"""Is everything that the endpoints need in the lock?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..findings import Finding, Where
from ..lock.model import Lock
from ..lock.needs import homes_of
from .endpoint import Endpoint
from .uses import uses_of_model, uses_of_resource

_RESOLVE = "then run `runflow lock`"


def findings(endpoints: Sequence[Endpoint], lock: Lock) -> Iterator[Finding]:
    """What is used and not locked: it would be missing, or another one, where the API runs."""
    if lock.comfyui is None and endpoints:
        yield Finding(
            "comfyui-unlocked",
            "the lock does not say which commit of ComfyUI to run on",
            Where(key=("comfyui", "ref")),
            fix=f"write a full commit as `ref`, or lock from an installation, {_RESOLVE}",
        )
    yield from _models(endpoints, lock)
    yield from _resources(endpoints, lock)
    for endpoint in endpoints:
        yield from _packs(endpoint, lock)


def _models(endpoints: Sequence[Endpoint], lock: Lock) -> Iterator[Finding]:
    used = {row.path for endpoint in endpoints for row in endpoint.needs.models}
    for path in sorted(used - set(lock.models)):
        yield Finding(
            "model-unlocked",
            f"{path} is not in the lock",
            Where(key=("models", path)),
            uses_of_model(endpoints, path),
            f"add under models:  {path}: {{url: https://…, sha256: …}}  {_RESOLVE}",
        )


def _resources(endpoints: Sequence[Endpoint], lock: Lock) -> Iterator[Finding]:
    used = {row.path for endpoint in endpoints for row in endpoint.needs.resources}
    for path in sorted(used - set(lock.resources)):
        yield Finding(
            "resource-unlocked",
            f"{path} is not in the lock",
            Where(key=("resources", path)),
            uses_of_resource(endpoints, path),
            f"put the file at {path}, or add its url and sha256 under resources:, {_RESOLVE}",
        )


def _packs(endpoint: Endpoint, lock: Lock) -> Iterator[Finding]:
    """Node classes that neither ComfyUI nor a locked pack brings."""
    named = {row.class_type: row for row in endpoint.needs.packs}
    homes = homes_of(endpoint.needs, lock.nodes)
    locked = any(endpoint.slug in pin.required_by for pin in lock.nodes.values())
    for class_type in sorted(endpoint.needs.foreign - set(homes)):
        row = named.get(class_type)
        if row is None and locked:
            continue  # nothing says which pack it is from; one of the locked ones may have it
        node_id = next(
            node_id
            for node_id in endpoint.prompt
            if endpoint.prompt[node_id]["class_type"] == class_type and node_id in endpoint.served
        )
        pack = (row.cnr_id or row.aux_id or row.folder) if row else None
        yield Finding(
            "pack-unlocked",
            f"the node pack {pack}, which brings {class_type}, is not in the lock"
            if pack
            else f"no node pack in the lock is known to bring {class_type}",
            endpoint.where(node_id),
            fix="add its folder under nodes: with `repository` and a full commit as `ref`, "
            f"{_RESOLVE}",
            level="error" if pack else "warning",
        )
