"""Local stand-ins for public hosts: asked instead of them, and never named in what we write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UsageError
from ..findings import Finding
from ..redact import redacted

VARIABLE = "RUNFLOW_MIRRORS"  # "https://civitai.com=http://mirror.local/civitai https://…=…"
HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Mirrors:
    """Pairs of public and local URL prefixes, longest public first."""

    pairs: tuple[tuple[str, str], ...] = ()

    def local(self, url: str) -> str:
        """The URL to ask for what is publicly at `url`."""
        return next(
            (f"{here}{url[len(there) :]}" for there, here in self.pairs if _below(url, there)), url
        )

    def public(self, url: str) -> str:
        """The public URL of what was found at `url`."""
        return next(
            (f"{there}{url[len(here) :]}" for there, here in self.pairs if _below(url, here)), url
        )

    def public_text(self, text: str) -> str:
        """A text with every local prefix in it replaced by the public one."""
        for there, here in sorted(self.pairs, key=lambda pair: -len(pair[1])):
            text = text.replace(f"{here}/", f"{there}/").replace(f'{here}"', f'{there}"')
        return text


def mirrors_of(environ: Mapping[str, str]) -> Mirrors:
    """The mirrors that the environment names: RUNFLOW_MIRRORS, and HF_ENDPOINT for the hub.

    Raises UsageError `mirror-malformed`.
    """
    pairs = {}
    if endpoint := environ.get("HF_ENDPOINT", "").strip().rstrip("/"):
        pairs[HUB] = endpoint
    for word in environ.get(VARIABLE, "").split():
        there, equals, here = word.partition("=")
        if not equals or "://" not in there or "://" not in here:
            raise UsageError(
                Finding(
                    "mirror-malformed",
                    f"`{redacted(word)}` in {VARIABLE} is no pair of URLs",
                    fix="write PUBLIC=LOCAL: https://civitai.com=http://mirror.local/civitai",
                )
            )
        pairs[there.rstrip("/")] = here.rstrip("/")
    return Mirrors(
        tuple(
            sorted(
                (pair for pair in pairs.items() if pair[0] != pair[1]),
                key=lambda pair: (-len(pair[0]), pair),
            )
        )
    )


def _below(url: str, prefix: str) -> bool:
    return url == prefix or url.startswith((f"{prefix}/", f"{prefix}?"))
