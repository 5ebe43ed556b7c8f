"""Prompts executed in this process, with no ComfyUI: see `engine`."""

from .engine import EmbeddedEngine
from .limits import Limits

__all__ = ["EmbeddedEngine", "Limits"]
