"""Who uses a model or an input file: rows of a finding that lead to the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..workflow.input_files import ResourceReference
from ..workflow.model_files import ModelReference
from .endpoint import Endpoint

_MOST = 3  # uses that are named one by one

Uses = tuple[tuple[str, str], ...]


def uses_of_model(endpoints: Sequence[Endpoint], path: str) -> Uses:
    """`("used by", "portrait.json, node 12 "Load LoRA" (LoraLoader), field lora_name")`, …"""
    return _rows(
        (endpoint, row)
        for endpoint in endpoints
        for row in endpoint.needs.models
        if row.path == path
    )


def uses_of_resource(endpoints: Sequence[Endpoint], path: str) -> Uses:
    """The same for an input file."""
    return _rows(
        (endpoint, row)
        for endpoint in endpoints
        for row in endpoint.needs.resources
        if row.path == path
    )


def _rows(uses: Iterable[tuple[Endpoint, ModelReference | ResourceReference]]) -> Uses:
    # Two endpoints over one workflow use a file at the same place.
    places = list(dict.fromkeys(endpoint.at(row.node, row.field) for endpoint, row in uses))
    rows = [("used by", place) for place in places[:_MOST]]
    if len(places) > _MOST:
        rows.append(("", f"and {len(places) - _MOST} more"))
    return tuple(rows)
