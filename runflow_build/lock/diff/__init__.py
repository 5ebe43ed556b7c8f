"""What a change of the lock means, for the person who reviews it."""

from .change import Change, LockDiff, differ
from .compare import diff
from .render import DiffFormat, render_diff

__all__ = ["Change", "DiffFormat", "LockDiff", "diff", "differ", "render_diff"]
