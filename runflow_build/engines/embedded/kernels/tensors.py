"""torch, for the few operations whose exact result is torch's own; imported when one is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....media.pixels import Floats
from ..extras import require


def through_torch(work: Callable[[Any, Any], Any], image: Floats, what: str) -> Floats:
    """`work(torch, tensor)` on the array, a float32 array again.

    `what` says in an error what it was wanted for. Raises NodeError without torch.
    """
    torch = require("torch", what)
    same = np.require(image, np.float32, ["W"])  # torch warns of memory it must not write
    if min(same.strides, default=0) < 0:  # torch has none; else the layout stays as it is, since
        same = np.ascontiguousarray(same)  # torch chooses its arithmetic by it
    with torch.inference_mode():
        result: Floats = work(torch, torch.from_numpy(same)).contiguous().numpy()
    return result
