from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runflow_build.media.sample_rates import resampled

RECORDED = np.load(Path(__file__).parents[1] / "cases" / "audio" / "resampled.npz")
PAIRS = [name for name in RECORDED.files if not name.endswith("_in")]


def at(sound: Any, rate: int, new_rate: int) -> Any:
    return resampled(sound, rate, new_rate, lambda count: None, lambda: None)


@pytest.mark.parametrize("pair", PAIRS)
def test_sound_equals_that_of_torchaudio_to_the_last_bits(pair: str) -> None:
    rate, new_rate = map(int, pair.split("_"))
    ours = at(RECORDED[f"{pair}_in"], rate, new_rate)
    assert ours.dtype == np.float32
    assert ours.shape == RECORDED[pair].shape
    assert np.abs(ours - RECORDED[pair]).max() <= 5e-7


@pytest.mark.parametrize(("rate", "new_rate"), [(44101, 48000), (7, 48000), (48000, 7), (3, 2)])
@pytest.mark.parametrize("samples", [1, 2, 1000])
def test_any_two_rates_and_lengths_go(rate: int, new_rate: int, samples: int) -> None:
    """torchaudio's kernel would take gigabytes for the first."""
    result = at(np.full((1, samples), 0.5, np.float32), rate, new_rate)
    assert result.shape == (1, math.ceil(samples * new_rate / rate))
    assert np.isfinite(result).all()


def test_a_tone_stays_the_tone_that_it_is() -> None:
    rate, new_rate = 44101, 48000
    tone = np.sin(2 * np.pi * 440 * np.arange(rate // 4) / rate).astype(np.float32)[np.newaxis]
    expected = np.sin(2 * np.pi * 440 * np.arange(new_rate // 4) / new_rate)
    middle = slice(100, -200)
    assert np.abs(at(tone, rate, new_rate)[0, middle] - expected[:12000][middle]).max() < 0.01


def test_memory_is_asked_for_before_it_is_taken() -> None:
    def claim(count: int) -> None:
        raise MemoryError(count)

    with pytest.raises(MemoryError) as caught:
        resampled(np.zeros((2, 10), np.float32), 2**31 - 1, 48000, claim, lambda: None)
    assert caught.value.args[0] > 10**9
