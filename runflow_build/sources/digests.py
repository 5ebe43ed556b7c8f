"""What files of this machine hold, remembered: a file is read again only when it changed."""

from __future__ import annotations


class DigestCache:
    """To be written."""
