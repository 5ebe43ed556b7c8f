"""Sound at another sample rate, to the last bit as torchaudio 2.11's functional.resample makes it.

`media/sample_rates.py` does the same with numpy; the last bit is torch's order of adding up.
"""

from __future__ import annotations

import math
from typing import Any

from ....media.pixels import Floats
from ..node_class import Run
from .tensors import through_torch

_WIDTH = 6  # zero crossings to each side
_ROLL_OFF = 0.99


def resampled(run: Run, waveform: Floats, rate: int, new_rate: int, what: str) -> Floats:
    """Sound [batch, channel, sample] of `rate` at `new_rate`; `what` says in an error what for.

    Raises NodeError without torch, and where two rates with no common divisor would need gigabytes.
    """
    common = math.gcd(rate, new_rate)
    old, new = rate // common, new_rate // common
    base = min(old, new) * _ROLL_OFF
    width = math.ceil(_WIDTH * old / base)
    batch, channels, samples = waveform.shape
    length = -(-samples * new // old)
    run.claim_values(4 * new * (2 * width + old) + 2 * batch * channels * (length + samples))

    def work(torch: Any, sound: Any) -> Any:
        times = torch.arange(-width, width + old, dtype=torch.float32) / old
        times = torch.arange(0, -new, -1, dtype=torch.float32)[:, None] / new + times
        times = (times * base).clamp(-_WIDTH, _WIDTH)
        window = torch.cos(times * math.pi / _WIDTH / 2) ** 2
        times *= math.pi
        kernel = torch.where(times == 0, torch.ones(()), times.sin() / times)
        kernel *= window * (base / old)
        sound = torch.nn.functional.pad(
            sound.reshape(batch * channels, 1, -1), (width, width + old)
        )
        sound = torch.nn.functional.conv1d(sound, kernel[:, None], stride=old)
        sound = sound.transpose(1, 2).reshape(batch, channels, -1)
        return sound[..., :length]

    return through_torch(work, waveform, what)
