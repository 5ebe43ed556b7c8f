"""Names for files that come from a browser: safe on every system, still to be recognised. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 120  # bytes of UTF-8, with the suffix
_EMPTY = "file"
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)  # of Windows
# ComfyUI reads "x.png [output]" from another folder, so a name has no brackets.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\[\]]')


def safe_name(sent: str) -> str:
    """The last part of what the browser calls the file, without what any system would trip over.

    `..` and the like become `file`, `con.png` becomes `_con.png`; letters of all scripts stay.
    """
    text = unicodedata.normalize("NFC", sent.replace("\\", "/")).rpartition("/")[2]
    text = text.encode("utf-8", "ignore").decode()  # no half surrogate pairs
    text = "".join("" if unicodedata.category(one) in ("Cf", "Cs", "Co") else one for one in text)
    text = _NOT_IN_NAMES.sub("_", text).strip().lstrip(".").rstrip(". ")
    stem, dot, suffix = text.rpartition(".")
    if not dot:
        stem, suffix = text, ""
    if not stem.strip("._ "):
        stem = _EMPTY
    if _DEVICE.fullmatch(stem.partition(".")[0].strip()):
        stem = f"_{stem}"
    end = f".{_cut(suffix, 20)}" if suffix else ""
    return _cut(stem, LONGEST - len(end.encode())).rstrip(". ") + end


def numbered(name: str) -> Iterator[str]:
    """The name, then `name (2)` and so on, for where it is taken."""
    yield name
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    number = 2
    while True:
        yield f"{stem} ({number}){dot}{suffix}"
        number += 1


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")
