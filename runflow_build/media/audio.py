"""Sound in files <-> arrays, as ComfyUI's comfy_extras/nodes_audio.py load() and AudioSaveHelper
in comfy_api/latest/_ui.py do it, both at 3cd7b32f. av is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np

from .container import opened, reason
from .error import MediaError
from .pixels import Floats
from .sample_rates import resampled

Claim: TypeAlias = Callable[[int], None]
"""Told the number of float32 values before they are allocated; may raise."""
Check: TypeAlias = Callable[[], None]
"""Called again and again during long work; may raise to stop it."""


@dataclass(frozen=True)
class Audio:
    """One batch of sounds, all of one length; ComfyUI's AUDIO value."""

    waveform: Floats  # [batch, channel, sample], -1..1, though nothing keeps louder ones out
    sample_rate: int  # samples per second


def read_audio(path: Path, name: str, claim: Claim, check: Check) -> Audio:
    """The first sound stream of a sound or video file, as one batch of one.

    Samples of 16 and 32 bits become -1..1; floats stay what they are, also beyond that, and doubles
    are rounded to float32. Bounded by `claim` while it decodes, whatever the file says of its
    length. Raises MediaError, with the file's `name`.
    """
    with opened(path, name) as container:
        sound = first_sound(container, name, claim, check)
    if sound is None:
        raise MediaError(f"{name} has no sound in it")
    return sound


def first_sound(container: Any, name: str, claim: Claim, check: Check) -> Audio | None:
    """The same of a file that is open; None when there is no sound, or nothing in it."""
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    if stream.codec_context is None:  # of a kind that FFmpeg does not know
        return None
    blocks: list[Any] = []
    values = 0
    for frame in container.decode(streams=stream.index):
        check()
        blocks.append(_samples(frame, name))
        if blocks[-1].shape[0] != blocks[0].shape[0]:
            raise MediaError(f"{name} changes its number of channels midway")
        values += blocks[-1].size
        claim(2 * values)  # the blocks, and the whole that is made of them
    if not values:
        return None
    rate = stream.codec_context.sample_rate
    if rate <= 0:
        raise MediaError(f"{name} does not say its sample rate")
    return Audio(_to_floats(np.concatenate(blocks, axis=1), name)[np.newaxis], rate)


def _samples(frame: Any, name: str) -> Any:
    """[channel, sample], in the type of the file."""
    samples = frame.to_ndarray()
    channels = len(frame.layout.channels)
    if not frame.format.is_planar:
        return samples.reshape(-1, channels).T
    return samples


def _to_floats(samples: Any, name: str) -> Floats:
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):  # doubles that no float32 can be are infinite
            floats: Floats = samples.astype(np.float32, copy=False)
        return floats
    if samples.dtype not in (np.int16, np.int32):
        bits = 8 * samples.dtype.itemsize
        raise MediaError(
            f"{name} has samples of {bits} bits, which ComfyUI does not read",
            "convert it to 16 bits",
        )
    floats = samples.astype(np.float32)
    floats *= np.float32(1 / (1 << (8 * samples.dtype.itemsize - 1)))  # a power of 2: exact
    return floats


@dataclass(frozen=True)
class AudioFormat:
    """A kind of sound file that is written here."""

    name: str  # FFmpeg's container, and the suffix
    title: str
    codec: str
    rates: tuple[int, ...] = ()  # sample rates that it can hold; empty: any that FFmpeg takes
    resamples: bool = False  # to the next higher of its rates, where others would be refused
    options: tuple[tuple[str, str], ...] = ()

    def rate_for(self, rate: int) -> int:
        """The rate at which a sound of this one is saved."""
        if not self.resamples or rate in self.rates:
            return rate
        return min((one for one in self.rates if one > rate), default=max(self.rates))


_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# The serial number of an Ogg stream is drawn at random, unless it is to be bit-exact.
_BIT_EXACT = (("fflags", "+bitexact"),)
FLAC = AudioFormat("flac", "FLAC", "flac")
MP3 = AudioFormat("mp3", "MP3", "libmp3lame", _MP3_RATES)
OPUS = AudioFormat("opus", "Opus", "libopus", (8000, 12000, 16000, 24000, 48000), True, _BIT_EXACT)

_QUALITIES: Mapping[str, int] = {
    "64k": 64_000,
    "96k": 96_000,
    "128k": 128_000,
    "192k": 192_000,
    "320k": 320_000,
}
_BLOCK = 1 << 16  # samples that are encoded between two checks


def write_audio(
    file: IO[bytes],
    waveform: Floats,
    sample_rate: int,
    form: AudioFormat,
    quality: str | None,
    claim: Claim,
    check: Check,
) -> None:
    """Write one sound [channel, sample], mono or stereo, into a file that may seek.

    `quality` is `V0` (MP3 of variable rate) or a bit rate such as `128k`; FLAC takes none, and has
    16 bits.
    Raises MediaError for what the format cannot hold. ComfyUI would save more than two channels as
    noise, pairs of samples for those of left and right.
    """
    import av

    channels, samples = waveform.shape
    if not samples:
        raise MediaError("the sound has no samples, so there is nothing to save")
    if channels > len(_LAYOUTS):
        raise MediaError(
            f"the sound has {channels} channels, and 1 or 2 can be saved", "mix it down to stereo"
        )
    rate = form.rate_for(sample_rate)
    if form.rates and rate not in form.rates:
        known = ", ".join(map(str, form.rates))
        raise MediaError(f"{form.title} cannot hold a sample rate of {rate}", f"use one of {known}")
    if rate != sample_rate:
        waveform = resampled(waveform, sample_rate, rate, claim, check)
    try:
        with av.open(file, "w", format=form.name, options=dict(form.options)) as container:
            _encode(container, waveform, rate, form, quality, check)
    except av.FFmpegError as error:
        raise MediaError(
            f"a sound of {rate} samples a second cannot be saved as {form.title}: {reason(error)}"
        ) from error


_LAYOUTS = ("mono", "stereo")


def _encode(
    container: Any,
    waveform: Floats,
    rate: int,
    form: AudioFormat,
    quality: str | None,
    check: Check,
) -> None:
    import av

    layout = _LAYOUTS[len(waveform) - 1]
    stream = container.add_stream(form.codec, rate=rate, layout=layout)
    if quality == "V0":
        stream.codec_context.qscale = True  # the scale itself stays at 0, the best
    elif quality is not None:
        stream.bit_rate = _QUALITIES[quality]
    for start in range(0, waveform.shape[1], _BLOCK):
        check()
        block = waveform[:, start : start + _BLOCK].T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "flt", layout)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
