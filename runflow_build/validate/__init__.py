"""Rules over spec, workflows and lock: one family per file."""

from .rules import check

__all__ = ["check"]
