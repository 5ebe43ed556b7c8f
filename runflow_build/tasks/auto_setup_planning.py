"""What Auto setup would do to a running ComfyUI: found by the resolvers, with nothing changed.

The plan is kept by whoever made it and is never taken from a page: what is started are rows of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..findings import Finding
from .auto_setup_asking import Asking
from .auto_setup_models import model_rows
from .auto_setup_packs import pack_rows
from .auto_setup_rows import Row, plain
from .auto_setup_wishes import wishes_of


@dataclass(frozen=True)
class Setup:
    """What the graph needs, row by row."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()  # of the graph as a whole

    def row(self, id: str) -> Row | None:
        return next((one for one in self.rows if one.id == id), None)

    def to_json(self) -> dict[str, Any]:
        findings = [one.to_json() for one in self.findings]
        return {"rows": [one.to_json() for one in self.rows], "findings": findings}


def planned(graph: Mapping[str, Any], asking: Asking, unknown: Collection[str] | None) -> Setup:
    """Look at everything that the graph needs. Raises WorkflowError, and what `check` raises."""
    wishes = wishes_of(graph, asking.running, unknown)
    asking.check()
    with ThreadPoolExecutor(1) as beside:
        models = beside.submit(lambda: list(model_rows(wishes, asking)))
        packs = pack_rows(wishes, asking)
        rows = [*packs, *models.result()]
    asking.check()
    findings = tuple(plain(one, "model") for one in wishes.findings)
    return Setup(tuple(rows), findings)
