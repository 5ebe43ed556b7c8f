"""Rules over spec, workflows and lock: one family per file."""

from .check import check

__all__ = ["check"]
