"""Sound and video files, opened with FFmpeg (the package av), and its errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .error import MediaError

# Other formats are not tried: some (hls, concat, dash, image2) are lists of further files, and a
# file that a stranger sent must not say what else is read.
_FORMATS = (
    "aac,ac3,aiff,amr,ape,apng,asf,au,avi,caf,dts,eac3,flac,flv,gif,h264,hevc,ivf,m4v,matroska,mov"
    ",mp3,mpeg,mpegts,mpegvideo,ogg,tta,w64,wav,webm,wv"
)
# For the container alone, and nothing for its streams: with `options` av before 18 frees options of
# streams that turned up only while it looked (mpegts has such), and the process crashes.
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}


@contextmanager
def opened(path: Path, name: str) -> Iterator[Any]:
    """The file's av container, for as long as it is read.

    What FFmpeg raises meanwhile becomes a MediaError with the file's `name`, and no path.
    """
    import av

    try:
        # Titles and artists do not matter here, so they need not be UTF-8.
        with av.open(str(path), container_options=_OPTIONS, metadata_errors="replace") as container:
            yield container
    except MediaError:
        raise
    except (av.FFmpegError, LookupError, ValueError) as error:  # not a full disk of the caller
        if not path.stat().st_size:
            raise MediaError(f"{name} is empty") from error
        raise MediaError(f"{name} is damaged, or no sound or video: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What FFmpeg says of it, without the file's path."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).partition(":")[0]
