from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.kernels.sample_rates import resampled
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import Run

RECORDED = np.load(Path(__file__).parents[3] / "cases" / "audio" / "resampled.npz")
RUN = Run(RunFolders(Path("input"), Path("output")), DEFAULT_LIMITS)


@pytest.mark.parametrize("pair", [name for name in RECORDED.files if not name.endswith("_in")])
def test_sound_is_what_torchaudio_makes(pair: str) -> None:
    """To the last bit with the torch that recorded it (2.13); others may add up otherwise."""
    torch = pytest.importorskip("torch")
    rate, new_rate = map(int, pair.split("_"))
    sound = RECORDED[f"{pair}_in"]
    ours = resampled(RUN, np.stack([sound, sound[::-1]]), rate, new_rate, "this test")
    assert ours.shape == (2, *RECORDED[pair].shape)
    allowed = 0 if torch.__version__.startswith("2.13.") else 5e-7
    assert np.abs(ours[0] - RECORDED[pair]).max() <= allowed
    assert np.abs(ours[1, ::-1] - RECORDED[pair]).max() <= allowed
