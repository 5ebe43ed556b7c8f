"""The node packs that a prompt's nodes are from, as far as workflow and definitions say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .definitions import Definitions
from .model import Prompt, Workflow, where_in
from .saved_nodes import SavedNodes

CORE_PACK = "comfy-core"  # what the editor writes as the pack of ComfyUI's own nodes


@dataclass(frozen=True)
class PackReference:
    """The node pack that a node says it is from, or that its definition does."""

    class_type: str
    cnr_id: str | None  # its id in the Comfy Registry
    aux_id: str | None  # owner/repository
    version: str | None  # of the pack, or a commit
    node: str
    title: str | None = None
    folder: str | None = None  # in custom_nodes/, where the definitions were recorded

    @property
    def is_core(self) -> bool:
        """Whether the node says that ComfyUI itself brings it."""
        return self.cnr_id == CORE_PACK


def pack_references(
    prompt: Prompt, workflow: Workflow, definitions: Definitions
) -> list[PackReference]:
    """What is known of the packs of the prompt's nodes, one row a node, in node order.

    A pack whose nodes are all muted, bypassed or drawn by the browser alone (SetNode, a group
    switch) is none that the prompt needs. Of two nodes of one pack each keeps its own word: they
    may name two versions. A node of which nothing is known has no row; in a prompt file only the
    definitions can know.
    """
    saved = SavedNodes(workflow)
    references = []
    for node in prompt:
        properties = saved.properties(node)
        cnr, aux = _word(properties.get("cnr_id")), _word(properties.get("aux_id"))
        class_type = prompt[node]["class_type"]
        folder = _folder(class_type, definitions)
        if cnr or aux or folder:
            title = where_in(prompt, node).title
            version = _word(properties.get("ver"))
            references.append(PackReference(class_type, cnr, aux, version, node, title, folder))
    return references


def _folder(class_type: str, definitions: Definitions) -> str | None:
    # ComfyUI's own repository has a file below custom_nodes/, too.
    definition = None if definitions.shipped(class_type) else definitions.get(class_type)
    return definition.pack if definition else None


def _word(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
