"""Sound in files <-> arrays, as ComfyUI's load() and AudioSaveHelper at 3cd7b32f do it."""

from __future__ import annotations

from dataclasses import dataclass

from .pixels import Floats


@dataclass(frozen=True)
class Audio:
    """One batch of sounds, all of one length; ComfyUI's AUDIO value."""

    waveform: Floats  # [batch, channel, sample], -1..1, though nothing keeps louder ones out
    sample_rate: int  # samples per second
