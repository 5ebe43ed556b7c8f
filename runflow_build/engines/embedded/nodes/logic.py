"""Which way values take; comfy_extras/nodes_logic.py and nodes_rebatch.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ....media.pixels import Floats
from ..node_class import NodeClass, Result, Run


def switch(run: Run, switch: bool, on_false: Any = None, on_true: Any = None) -> Result:
    """One of the two; the other one is not even computed."""
    return Result((on_true if switch else on_false,))


def switch_needs(switch: bool, on_false: Any = None, on_true: Any = None) -> Iterable[str]:
    return ["on_true" if switch else "on_false"]


def rebatch_images(run: Run, images: Sequence[Floats], batch_size: Sequence[int]) -> Result:
    """The pictures of all batches in batches of that many; the last one may be shorter."""
    singles = [batch[number : number + 1] for batch in images for number in range(len(batch))]
    size = batch_size[0]
    batches = []
    for start in range(0, len(singles), size):
        group = singles[start : start + size]
        run.claim(len(group), *group[0].shape[1:])
        batches.append(np.concatenate(group))
    return Result((batches,))


CLASSES: Mapping[str, NodeClass] = {
    "ComfySwitchNode": NodeClass(switch, lazy=switch_needs),
    "RebatchImages": NodeClass(rebatch_images, takes_lists=True, gives_lists=True),
}
