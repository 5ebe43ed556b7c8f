"""Whether a graph fits the editor's schema: only then does the editor repair its links.

Source: ComfyUI frontend 1.35.9, platform/workflow/validation/schemas/workflowSchema.ts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
_PACK = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?")
_OWNER = re.compile(r"(?!-)(?!.*--)[a-zA-Z0-9-]{1,39}(?<!-)")
_COMMIT = re.compile(r"[0-9a-f]{4,40}", re.I)
_RELEASE = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-([\da-z-]+(?:\.[\da-z-]+)*))?(?:\+([\da-z-]+(?:\.[\da-z-]+)*))?",
    re.I | re.A,
)


def fits_schema(data: Mapping[str, Any]) -> bool:
    """Whether the editor takes the graph for a valid one."""
    version = data.get("version")
    if not _number(version):
        return False
    return _graph_1(data) if version == 1 else _graph_04(data)


def _graph_04(data: Mapping[str, Any]) -> bool:
    return (
        _has(data, last_node_id=_node_id, last_link_id=_number)
        and _has(data, nodes=_each(_node), links=_each(_listed_link))
        and _shared(data)
    )


def _graph_1(data: Mapping[str, Any]) -> bool:
    return (
        data.get("version") == 1
        and _has(data, state=_state, nodes=_each(_node))
        and _may(data, links=_each(_mapped_link), reroutes=_each(_reroute))
        and _shared(data)
    )


def _shared(data: Mapping[str, Any]) -> bool:
    return _may(
        data,
        id=_uuid,
        revision=_number,
        floatingLinks=_each(_mapped_link),
        groups=_each(_group),
        models=_each(_model),
        definitions=_definitions,
    ) and _may_null(data, config=_config, extra=_extra)


def _definitions(value: Any) -> bool:
    # A schema that nests itself may be nested by a file without end; the reader's limit holds.
    return isinstance(value, dict) and _each(_subgraph)(value.get("subgraphs"))


def _subgraph(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _graph_1(value)
        and _has(value, id=_uuid, revision=_number, name=_text)
        and _has(value, inputNode=_border, outputNode=_border)
        and _may(value, inputs=_each(_border_slot), outputs=_each(_border_slot))
        and _may(value, widgets=_each(lambda one: _has_texts(one, "id", "name")))
    )


def _node(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, id=_node_id, type=_text, pos=_vector, size=_vector, flags=_flags)
        and _has(value, order=_number, mode=_number, properties=_properties)
        and _may(value, inputs=_each(_input), outputs=_each(_output))
        and _may(value, widgets_values=lambda one: isinstance(one, list | dict))
        and _may(value, color=_text, bgcolor=_text)
    )


def _input(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, name=_text, type=_data_type)
        and _may_null(value, link=_number)
        and _may(value, slot_index=_slot_index)
    )


def _output(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, name=_text, type=_data_type)
        and _may_null(value, links=_each(_number))
        and _may(value, slot_index=_slot_index)
    )


def _border_slot(value: Any) -> bool:
    return (
        _input(value) and _has(value, id=_uuid, type=_text) and _may(value, linkIds=_each(_number))
    )


def _border(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, id=_node_id, bounding=_bounding)
        and _may(value, pinned=_flag)
    )


def _listed_link(value: Any) -> bool:
    checks = (_number, _node_id, _slot_index, _node_id, _slot_index, _data_type)
    return (
        isinstance(value, list)
        and len(value) == len(checks)
        and all(check(one) for check, one in zip(checks, value, strict=True))
    )


def _mapped_link(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, id=_number, origin_id=_node_id, origin_slot=_slot_index)
        and _has(value, target_id=_node_id, target_slot=_slot_index, type=_data_type)
        and _may(value, parentId=_number)
    )


def _reroute(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, id=_number, pos=_vector)
        and _may(value, parentId=_number, floating=_floating)
        and _may_null(value, linkIds=_each(_number))
    )


def _properties(value: Any) -> bool:
    names = {"Node name for S&R": _text, "cnr_id": _pack, "aux_id": _repository}
    return (
        isinstance(value, dict)
        and _may(value, **names)
        and _may(value, ver=_pack_version, models=_each(_model))
    )


def _model(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has_texts(value, "name", "directory")
        and _has(value, url=_url)
        and _may(value, hash=_text, hash_type=_text)
    )


def _extra(value: Any) -> bool:
    return isinstance(value, dict) and _may(
        value,
        ds=lambda one: isinstance(one, dict) and _has(one, scale=_number, offset=_vector),
        frontendVersion=_text,
        linkExtensions=_each(
            lambda one: isinstance(one, dict) and _has(one, id=_number, parentId=_number)
        ),
        reroutes=_each(_reroute),
        workflowRendererVersion=lambda one: one in ("LG", "Vue"),
    )


def _group(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _has(value, title=_text, bounding=_bounding)
        and _may(value, id=_number, color=_text, font_size=_number, locked=_flag)
    )


def _state(value: Any) -> bool:
    names = ("lastGroupId", "lastNodeId", "lastLinkId", "lastRerouteId")
    return isinstance(value, dict) and all(_number(value.get(name)) for name in names)


def _flags(value: Any) -> bool:
    names = ("collapsed", "pinned", "allow_interaction", "horizontal", "skip_repeated_outputs")
    return isinstance(value, dict) and _may(value, **dict.fromkeys(names, _flag))


def _config(value: Any) -> bool:
    return isinstance(value, dict) and _may(value, links_ontop=_flag, align_to_grid=_flag)


def _floating(value: Any) -> bool:
    return isinstance(value, dict) and value.get("slotType") in ("input", "output")


def _vector(value: Any) -> bool:
    if isinstance(value, dict):
        return _number(value.get("0")) and _number(value.get("1"))
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _bounding(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_number, value))


def _node_id(value: Any) -> bool:
    return _text(value) or _whole(value)


def _slot_index(value: Any) -> bool:
    if isinstance(value, str):
        return re.match(r"\s*[+-]?\d", value) is not None
    return _whole(value)


def _data_type(value: Any) -> bool:
    return _text(value) or _number(value) or _each(_text)(value)


def _pack(value: Any) -> bool:
    return _text(value) and _PACK.fullmatch(value) is not None


def _repository(value: Any) -> bool:
    owner, slash, name = value.partition("/") if isinstance(value, str) else ("", "", "")
    return bool(slash) and _OWNER.fullmatch(owner) is not None and _pack(name)


def _pack_version(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    bare = value.removeprefix("v")
    found = _RELEASE.fullmatch(bare) or _COMMIT.fullmatch(bare)
    return found is not None or value == "unknown"


def _url(value: Any) -> bool:
    return _text(value) and re.match(r"[a-z][a-z0-9+.-]*:\S", value, re.I) is not None


def _uuid(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return value.is_integer() if isinstance(value, float) else _number(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _has(value: Mapping[str, Any], **checks: Check) -> bool:
    return all(name in value and check(value[name]) for name, check in checks.items())


def _has_texts(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and all(_text(value.get(name)) for name in names)


def _may(value: Mapping[str, Any], **checks: Check) -> bool:
    return all(name not in value or check(value[name]) for name, check in checks.items())


def _may_null(value: Mapping[str, Any], **checks: Check) -> bool:
    return all(value.get(name) is None or check(value[name]) for name, check in checks.items())
