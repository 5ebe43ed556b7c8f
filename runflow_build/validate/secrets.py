"""Does a secret stand in a file that goes into git and to the API?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..document import key_text
from ..findings import Finding, Key, Where
from ..secret_patterns import API_KEY, secret_kind, secrets_in
from ..spec.model import Spec
from ..workflow.model import Workflow
from ..workflow.runflow_nodes import DEPLOY_CLASS

_DEPLOY_KEY = 2  # position of api_key among a Deploy node's widgets: endpoint_name, host, api_key
_DEPLOY_FIELD = "api_key"
_SETTINGS = "keep the key in the settings or in RUNFLOW_API_KEY, and revoke this one"
_REVOKE = "and revoke it: it has been in a file"

_Places = list[tuple[Key, str]]  # each with the kind of secret that stands there


def findings(spec: Spec, workflows: Iterable[Workflow]) -> Iterator[Finding]:
    """Every place of a secret; no message repeats one."""
    for place, kind in secrets_in(spec.model_dump(mode="json")):
        yield Finding(
            "spec-secret",
            f"{kind} stands in runflow.yaml",
            Where(key=place),
            fix=_SETTINGS if kind == API_KEY else f"remove it, {_REVOKE}",
        )
    for workflow in workflows:
        has_secrets = bool(secrets_in(workflow.data))
        for node in _nodes(workflow):
            yield from _in_node(workflow, node, secrets_in(dict(node)) if has_secrets else [])
        if has_secrets:
            yield from _elsewhere(workflow)


def _in_node(workflow: Workflow, node: Mapping[str, Any], places: _Places) -> Iterator[Finding]:
    """Secrets that a node holds; on a Deploy node whatever stands in the key's widget is one."""
    if node.get("type", node.get("class_type")) == DEPLOY_CLASS and _deploy_key(node):
        places = [(place, kind) for place, kind in places if not _is_deploy_key(place)]
        yield _secret(workflow, node, ("inputs", _DEPLOY_FIELD), "Deploy node", API_KEY)
    for place, kind in places:
        yield _secret(workflow, node, place, "node", kind)


def _deploy_key(node: Mapping[str, Any]) -> bool:
    values = node.get("widgets_values", node.get("inputs"))
    if isinstance(values, dict):
        value = values.get(_DEPLOY_FIELD)
    else:
        value = (
            values[_DEPLOY_KEY] if isinstance(values, list) and len(values) > _DEPLOY_KEY else ""
        )
    return bool(value.strip() if isinstance(value, str) else value)


def _is_deploy_key(place: Key) -> bool:
    return place in (
        ("widgets_values", _DEPLOY_KEY),
        ("widgets_values", _DEPLOY_FIELD),
        ("inputs", _DEPLOY_FIELD),
    )


def _secret(
    workflow: Workflow, node: Mapping[str, Any], place: Key, holder: str, kind: str
) -> Finding:
    meta = node.get("_meta")
    title = node.get("title") or (meta.get("title") if isinstance(meta, dict) else None)
    field = place[1] if len(place) > 1 and place[0] == "inputs" else None
    return Finding(
        "secret-in-workflow",
        f"the {holder} holds {kind}",
        Where(
            workflow.path,
            key=place,
            node=_name(node.get("id")),
            title=_name(title),
            class_type=_name(node.get("type", node.get("class_type"))),
            field=str(field) if isinstance(field, str) else None,
        ),
        () if field else (("in", key_text(place)),),
        f"empty it and save; {_SETTINGS}" if kind == API_KEY else f"empty it and save, {_REVOKE}",
    )


def _name(value: Any) -> str | None:
    """The text of an id, title or class, unless that is the very place where the secret stands."""
    text = "" if value is None else str(value)
    return None if secret_kind(text) else text or None


def _elsewhere(workflow: Workflow) -> Iterator[Finding]:
    """Those beside the nodes: in notes of the file itself, names of groups, settings of packs."""
    for place, kind in secrets_in(_without_nodes(workflow)):
        yield Finding(
            "secret-in-workflow",
            f"the workflow's file holds {kind}",
            Where(workflow.path, key=place),
            (("in", key_text(place)),) if place else (),
            f"remove it there; {_SETTINGS}" if kind == API_KEY else f"remove it there, {_REVOKE}",
        )


def _without_nodes(workflow: Workflow) -> Any:
    if workflow.format == "prompt":
        # An id that is a key still counts.
        return dict.fromkeys(workflow.data)
    rest = {name: part for name, part in workflow.data.items() if name != "nodes"}
    definitions = rest.get("definitions")
    if isinstance(definitions, dict):
        rest["definitions"] = {
            **definitions,
            "subgraphs": [
                {name: part for name, part in raw.items() if name != "nodes"}
                for raw in _mappings(definitions.get("subgraphs"))
            ],
        }
    return rest


def _nodes(workflow: Workflow) -> Iterator[Mapping[str, Any]]:
    """Every node, those inside subgraphs too, each with its `id`."""
    if workflow.format == "prompt":
        for node_id, node in workflow.data.items():
            if isinstance(node, dict):
                yield {**node, "id": node_id}
        return
    yield from _mappings(workflow.data.get("nodes"))
    definitions = workflow.data.get("definitions")
    if isinstance(definitions, dict):
        for raw in _mappings(definitions.get("subgraphs")):
            yield from _mappings(raw.get("nodes"))


def _mappings(rows: Any) -> Iterator[dict[str, Any]]:
    return (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))
