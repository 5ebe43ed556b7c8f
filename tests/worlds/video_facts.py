"""What a video file is, in numbers that tests compare."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import av
import numpy as np


def facts(data: bytes, copied: bool = False) -> dict[str, Any]:
    """Container, duration in seconds, and each stream; `copied`: the digests of packets, too."""
    with av.open(io.BytesIO(data)) as container:
        streams = [_stream(stream) for stream in container.streams]
        for number, told in enumerate(streams):
            if told["type"] in ("video", "audio"):
                container.seek(0)
                decoded = list(container.decode(container.streams[number]))
                told["frames"] = len(decoded)
        if copied:
            digests = [hashlib.sha256() for _ in streams]
            container.seek(0)
            for packet in container.demux():
                digests[packet.stream_index].update(bytes(packet))
            for told, digest in zip(streams, digests, strict=True):
                told["packets"] = digest.hexdigest()
        return {
            "container": container.format.name,
            "seconds": round((container.duration or 0) / 1e6, 2),
            "streams": streams,
        }


def _stream(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    told = {"type": stream.type, "codec": context.codec.name if context else None}
    if stream.type == "video":
        told |= {
            "size": [stream.width, stream.height],
            "pixels": stream.pix_fmt,
            "rate": str(stream.average_rate),
        }
    elif stream.type == "audio":
        told |= {"rate": stream.sample_rate, "channels": len(context.layout.channels)}
    return told


def pixels(data: bytes) -> Any:
    """The decoded frames [frame, height, width, 3]."""
    with av.open(io.BytesIO(data)) as container:
        return np.stack([one.to_ndarray(format="rgb24") for one in container.decode(video=0)])


def sound(data: bytes) -> Any:
    """The decoded sound [channel, sample]."""
    with av.open(io.BytesIO(data)) as container:
        return np.concatenate([one.to_ndarray() for one in container.decode(audio=0)], axis=1)
