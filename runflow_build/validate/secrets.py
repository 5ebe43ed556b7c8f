"""Does an API key stand in a file that goes into git and to the API?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..api_keys import holds_api_key, keys_in
from ..document import key_text
from ..findings import Finding, Key, Where
from ..spec.model import Spec
from ..workflow.model import Workflow
from ..workflow.runflow_nodes import DEPLOY_CLASS

_DEPLOY_KEY = 2  # position of api_key among a Deploy node's widgets: endpoint_name, host, api_key
_DEPLOY_FIELD = "api_key"
_SETTINGS = "keep the key in the settings or in RUNFLOW_API_KEY, and revoke this one"


def findings(spec: Spec, workflows: Iterable[Workflow]) -> Iterator[Finding]:
    """Every place of a key; no message repeats the key."""
    for place in keys_in(spec.model_dump(mode="json")):
        yield Finding(
            "spec-secret", "an API key stands in runflow.yaml", Where(key=place), fix=_SETTINGS
        )
    for workflow in workflows:
        has_keys = bool(keys_in(workflow.data))
        for node in _nodes(workflow):
            yield from _in_node(workflow, node, keys_in(dict(node)) if has_keys else [])
        if has_keys:
            yield from _elsewhere(workflow)


def _in_node(workflow: Workflow, node: Mapping[str, Any], places: list[Key]) -> Iterator[Finding]:
    """Keys in what a node holds; on a Deploy node whatever stands in the key's widget is one."""
    if node.get("type", node.get("class_type")) == DEPLOY_CLASS and _deploy_key(node):
        places = [place for place in places if not _is_deploy_key(place)]
        yield _secret(workflow, node, ("inputs", _DEPLOY_FIELD), "the Deploy node holds an API key")
    for place in places:
        yield _secret(workflow, node, place, "the node holds an API key")


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


def _secret(workflow: Workflow, node: Mapping[str, Any], place: Key, message: str) -> Finding:
    meta = node.get("_meta")
    title = node.get("title") or (meta.get("title") if isinstance(meta, dict) else None)
    field = place[1] if len(place) > 1 and place[0] == "inputs" else None
    return Finding(
        "secret-in-workflow",
        message,
        Where(
            workflow.path,
            key=place,
            node=_name(node.get("id")),
            title=_name(title),
            class_type=_name(node.get("type", node.get("class_type"))),
            field=str(field) if isinstance(field, str) else None,
        ),
        () if field else (("in", key_text(place)),),
        f"empty it and save; {_SETTINGS}",
    )


def _name(value: Any) -> str | None:
    """The text of an id, title or class, unless that is the very place where the key stands."""
    text = "" if value is None else str(value)
    return None if holds_api_key(text) else text or None


def _elsewhere(workflow: Workflow) -> Iterator[Finding]:
    """Keys beside the nodes: in notes of the file itself, names of groups, settings of packs."""
    for place in keys_in(_without_nodes(workflow)):
        yield Finding(
            "secret-in-workflow",
            "the workflow's file holds an API key",
            Where(workflow.path, key=place),
            (("in", key_text(place)),) if place else (),
            f"remove it there; {_SETTINGS}",
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
