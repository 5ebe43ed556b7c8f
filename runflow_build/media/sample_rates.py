"""Sound at another sample rate, as torchaudio 2.11's functional.resample makes it, with numpy.

A windowed sinc: low-pass width 6, roll-off 0.99, Hann window. torch adds the products up in an
order of its own, so values agree to about 1e-6, not to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .pixels import Floats

_WIDTH = 6  # zero crossings to each side
_ROLL_OFF = 0.99


def resampled(
    waveform: Floats,
    rate: int,
    new_rate: int,
    claim: Callable[[int], None],
    check: Callable[[], None],
) -> Floats:
    """Sound [channel, sample] of `rate` at `new_rate`, ceil(samples * new_rate / rate) samples.

    `claim` is told the values to be allocated, `check` is called during the work; both may raise.
    """
    common = math.gcd(rate, new_rate)
    old, new = rate // common, new_rate // common
    samples = waveform.shape[1]
    length = -(-samples * new // old)
    base = min(old, new) * _ROLL_OFF
    width = math.ceil(_WIDTH * old / base)
    taps = min(2 * width + 1, 2 * width + old)
    claim(len(waveform) * (length + samples + 2 * taps) + new * taps)
    weights = _weights(old, new, base, width, taps)
    padded = np.pad(waveform, ((0, 0), (width, width + old)))
    result = np.empty((len(waveform), length), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps, axis=1)
    for phase in range(min(new, length)):
        check()
        result[:, phase::new] = (
            windows[:, phase * old // new :: old][:, : -(-(length - phase) // new)] @ weights[phase]
        )
    return result


def _weights(old: int, new: int, base: float, width: int, taps: int) -> Floats:
    """[phase, tap]: what each of `new` outputs takes of the samples around its place.

    The kernel of a phase is as wide as `old` samples and more, and all 0 but for these taps, which
    begin at `phase * old // new`. Computed in float32, in torchaudio's order.
    """
    phases = np.arange(new)
    places = (phases * old // new)[:, np.newaxis] + np.arange(taps) - width
    one = np.float32
    times = one(0) - phases.astype(np.float32)[:, np.newaxis] / one(new)
    times = times + places.astype(np.float32) / one(old)
    times = np.clip(times * one(base), one(-_WIDTH), one(_WIDTH))
    window = np.cos(times * one(math.pi) / one(_WIDTH) / one(2)) ** 2
    times *= one(math.pi)
    with np.errstate(invalid="ignore"):
        sinc = np.where(times == 0, one(1), np.sin(times) / times)
    weights: Floats = sinc * (window * one(base / old))
    return weights
