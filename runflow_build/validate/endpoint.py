"""One endpoint under inspection: what it is to do, and the part of its prompt that does it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..findings import Where
from ..lock.needs import Needs
from ..spec.model import EndpointWish
from ..workflow.contract_model import Contract
from ..workflow.definitions import Definitions
from ..workflow.model import Prompt, Workflow, where_in


@dataclass(frozen=True)
class Endpoint:
    """An endpoint whose workflow could be converted."""

    slug: str
    wish: EndpointWish
    workflow: Workflow
    definitions: Definitions
    needs: Needs

    @property
    def prompt(self) -> Prompt:
        """The author's prompt, test wiring included."""
        return self.needs.prompt

    @property
    def contract(self) -> Contract:
        return self.needs.contract

    @property
    def served(self) -> set[str]:
        """Ids of the nodes that run when the API is called; all while no output is declared."""
        return self.needs.served

    @property
    def file(self) -> Where:
        """The workflow as a whole."""
        return Where(self.workflow.path)

    def where(self, node_id: str, field: str | None = None) -> Where:
        """The place of a node, or of one of its inputs, in the workflow's file."""
        return replace(where_in(self.prompt, node_id, field), file=self.workflow.path)

    def at(self, node_id: str, field: str | None = None) -> str:
        """The same place as text, for a row of a finding."""
        return f"{self.workflow.path}, {where_in(self.prompt, node_id, field).node_text()}"
