from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runflow_build.engines.embedded.kernels import blending
from runflow_build.engines.embedded.kernels.blending import MODES, blend
from runflow_build.media.pixels import to_bytes

BLENDS = np.load(Path(__file__).parents[3] / "cases" / "pixels" / "blend.npz")
BASE, TOP = (BLENDS[name].astype(np.float32) / 255 for name in ("base", "top"))
FACTOR = float(BLENDS["factor"])


def blended(base: Any, top: Any, factor: float, mode: str) -> Any:
    result = np.empty_like(base)
    for lower, upper, into in zip(base, top, result, strict=True):
        blend(lower, upper, factor, mode, into)
    return result


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"soft_light"}))
def test_a_mode_equals_torch_to_the_last_bit(mode: str) -> None:
    assert np.array_equal(blended(BASE, TOP, FACTOR, mode), BLENDS[mode])


@pytest.mark.parametrize("torch_there", [True, False])
def test_soft_light_equals_torch_to_the_pixel(
    torch_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch's square root differs from the correctly rounded one by a bit, on some processors.
    if torch_there:
        pytest.importorskip("torch")
    monkeypatch.setattr(blending, "installed", lambda package: torch_there)
    ours, theirs = blended(BASE, TOP, FACTOR, "soft_light"), BLENDS["soft_light"]
    assert np.abs(ours - theirs).max() < 2e-7
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(to_bytes(one), to_bytes(other))


def test_the_square_root_of_soft_light_is_that_of_torch_where_it_is_there() -> None:
    torch = pytest.importorskip("torch")
    base = np.random.default_rng(8).uniform(0.3, 1, (1, 400, 50, 3)).astype(np.float32)
    root = torch.sqrt(torch.from_numpy(base)).numpy()
    # With a top of 1 and a factor of 1 it is base + 1 * (root - base).
    assert np.array_equal(
        blended(base, np.ones_like(base), 1.0, "soft_light"), base + (root - base)
    )


@pytest.mark.parametrize("mode", sorted(MODES))
def test_a_factor_of_zero_leaves_the_base(mode: str) -> None:
    assert np.array_equal(blended(BASE, TOP, 0.0, mode), BASE)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", sorted(MODES))
def test_values_stay_between_0_and_1_whatever_goes_in(mode: str) -> None:
    wild = np.array([-np.inf, -3, 0.2, 7, np.inf, np.nan], np.float32).reshape(1, 2, 3, 1)
    result = blended(wild, wild[:, ::-1], 0.5, mode)
    rest = result[~np.isnan(result)]
    assert ((rest >= 0) & (rest <= 1)).all()
