"""What the resolvers are asked, together: wishes, needs, where to look, what was known before."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Severity, Where
from ..lock.model import Lock
from ..lock.needs import Needs
from ..sources import Sources
from ..spec.model import Choice, Spec
from ..workflow.input_files import ResourceReference
from ..workflow.model_files import ModelReference
from ..workflow.node_packs import PackReference

# With a letter in it, because 20240101 is a good name for a tag.
_SHORT_COMMIT = re.compile(r"(?=.*[a-f])[0-9a-f]{7,39}", re.IGNORECASE)

# Even what is allowed to be open is said: a lock that lacks something must not look whole.
_LEVELS: Mapping[Choice, Severity] = {"deny": "error", "warn": "warning", "allow": "note"}

CAPTURE = "capture it from an installation: runflow lock --from DIR"

Reference: TypeAlias = ModelReference | ResourceReference | PackReference
Row: TypeAlias = tuple[str, str]  # a further fact of a finding: label, text


@dataclass(frozen=True)
class Inquiry:
    """One question to all resolvers."""

    spec: Spec
    needs: Mapping[str, Needs]  # by slug
    sources: Sources
    previous: Lock | None
    report: Callable[[Finding], None]
    upgrade: Collection[str] | None  # names of pins to renew; None: all

    def renews(self, name: str, dirty: bool = False) -> bool:
        """Whether a pin of that name (`comfyui`, `python`, a key of the lock) is to be renewed.

        A dirty one is no answer to keep, once there is an installation to look at again.
        """
        asked = self.upgrade is None or name in self.upgrade
        return asked or (dirty and self.sources.install is not None)

    def used_by(self, slug: str, reference: Reference) -> Row:
        """A row of a finding: the node that names something outside of its workflow."""
        where = Where(
            node=reference.node,
            title=getattr(reference, "title", None),
            class_type=reference.class_type,
            field=getattr(reference, "field", None),
        )
        return "used by", f"{self.spec.endpoints[slug].workflow}, {where.node_text()}"

    def unresolved(
        self,
        key: Key,
        message: str,
        fix: str,
        also: tuple[Row, ...] = (),
    ) -> None:
        """Report a wish without a pin, as severe as the policy says."""
        where = Where(SPEC_FILE, key=key)
        self.report(Finding("not-resolved", message, where, also, fix, self.level_of_unresolved))

    @property
    def level_of_unresolved(self) -> Severity:
        """How severe the policy takes a wish without a pin."""
        return _LEVELS[self.spec.policy.unresolved]

    def differs(self, key: Key, message: str, fix: str) -> None:
        """Report an installation that is not what is asked for."""
        self.report(Finding("install-differs", message, Where(SPEC_FILE, key=key), fix=fix))


def refuses_short_commit(inquiry: Inquiry, key: Key, ref: str) -> bool:
    """Report a shortened commit hash; whether `ref` is one."""
    if not _SHORT_COMMIT.fullmatch(ref):
        return False
    inquiry.report(
        Finding(
            "ref-short-hash",
            f"`{ref}` is a shortened commit",
            Where(SPEC_FILE, key=key),
            fix=f"write all 40 digits: `git rev-parse {ref}` in a clone prints them",
        )
    )
    return True
