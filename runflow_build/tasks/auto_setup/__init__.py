"""Auto setup: what the editor's graph lacks, found and installed into the ComfyUI that runs.

    graph -> wishes -> packs, models -> plan -> install

Packs and models become rows, each of which the user can choose or leave.
"""

from .install import install
from .plan import Setup, look
from .rows import Row
from .wishes import Running

__all__ = ["Row", "Running", "Setup", "install", "look"]
