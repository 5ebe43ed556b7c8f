"""One picture over another, weighted by a mask, in torch's order of operations.

Source: comfy_extras/nodes_mask.py composite at 3cd7b32f.
"""

from __future__ import annotations

import numpy as np

from ....media.pixels import Floats, row_blocks


def lay(into: Floats, source: Floats, mask: Floats | None) -> None:
    """Change `into` [height, width, channel] to the source where the mask [height, width] is 1.

    All have one size. Without a mask the source stands for itself.
    """
    if mask is None:
        into[:] = source
    elif into.size:
        for rows in row_blocks(into):
            weight = mask[rows, :, np.newaxis]
            into[rows] = weight * source[rows] + (1 - weight) * into[rows]
