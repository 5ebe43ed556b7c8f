"""Node types that exist only in the editor, of ComfyUI and of packs that many graphs use.

None of them has a definition that could be read, or the definition says nothing of this; what each
does to a prompt is known from its pack's JavaScript (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..runflow_nodes import DEPLOY_CLASS
from .canvas import Role

_FOR_THE_EYE = (
    *("Note", "MarkdownNote", DEPLOY_CLASS, "Note Plus (mtb)", "easy bookmark"),
    *("Bookmark (rgthree)", "Label (rgthree)", "Show Metadata [Crystools]"),
    # Buttons that change other nodes' modes, which are saved with those nodes.
    *("Fast Muter (rgthree)", "Fast Bypasser (rgthree)", "Fast Actions Button (rgthree)"),
    *("Fast Groups Muter (rgthree)", "Fast Groups Bypasser (rgthree)", "Random Unmuter (rgthree)"),
    *("Mute / Bypass Repeater (rgthree)", "Mute / Bypass Relay (rgthree)"),
)

ROLES: Mapping[str, Role] = {
    **dict.fromkeys(_FOR_THE_EYE, Role.NOTE),
    "Reroute": Role.REROUTE,
    "PrimitiveNode": Role.PRIMITIVE,
    "Reroute (rgthree)": Role.RELAY,
    "Node Collector (rgthree)": Role.RELAY,
    "Node Combiner (rgthree)": Role.RELAY,
    "SetNode": Role.SETTER,
    "GetNode": Role.GETTER,
    "easy setNode": Role.SETTER,
    "easy getNode": Role.GETTER,
    "PresetText|pysssss": Role.BROWSER,
    "VHS_SelectLatest": Role.BROWSER,
}

_SETTER_OF: Mapping[str, str] = {"GetNode": "SetNode", "easy getNode": "easy setNode"}
_TITLES: Mapping[str, str] = {"PrimitiveNode": "Primitive", "MarkdownNote": "Markdown Note"}


def setter_of(getter: str) -> str:
    """The type of node that gives names to the wires that this type of node asks for."""
    return _SETTER_OF[getter]


def title_of(class_type: str) -> str:
    """What the editor calls such a node when its author has not renamed it."""
    return _TITLES.get(class_type, class_type)
