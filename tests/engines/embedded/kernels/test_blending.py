from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runflow_build.engines.embedded.blending import MODES, blend
from runflow_build.engines.embedded.pixels import to_bytes

BLENDS = np.load(Path(__file__).parents[3] / "cases" / "pixels" / "blend.npz")
BASE, TOP = (BLENDS[name].astype(np.float32) / 255 for name in ("base", "top"))
FACTOR = float(BLENDS["factor"])


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"soft_light"}))
def test_a_mode_equals_torch_to_the_last_bit(mode: str) -> None:
    assert np.array_equal(blend(BASE, TOP, FACTOR, mode), BLENDS[mode])


def test_soft_light_equals_torch_to_the_pixel() -> None:
    # torch's square root differs from the correctly rounded one by a bit, on some processors.
    ours, theirs = blend(BASE, TOP, FACTOR, "soft_light"), BLENDS["soft_light"]
    assert np.abs(ours - theirs).max() < 2e-7
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(to_bytes(one), to_bytes(other))


@pytest.mark.parametrize("mode", sorted(MODES))
def test_a_factor_of_zero_leaves_the_base(mode: str) -> None:
    assert np.array_equal(blend(BASE, TOP, 0.0, mode), BASE)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", sorted(MODES))
def test_values_stay_between_0_and_1_whatever_goes_in(mode: str) -> None:
    wild = np.array([-np.inf, -3, 0.2, 7, np.inf, np.nan], np.float32).reshape(1, 2, 3, 1)
    result = blend(wild, wild[:, ::-1], 0.5, mode)
    rest = result[~np.isnan(result)]
    assert ((rest >= 0) & (rest <= 1)).all()
