"""The workflow in a picture that ComfyUI saved: the graph it was made with, and what was executed.

PNG, animated or not: the texts `workflow` and `prompt`. WebP: EXIF texts that begin with
``workflow:`` and ``prompt:``, under any tag, since savers do not agree on the tags. Nothing else of
a picture is looked at, and no pixel is decoded.

Source: ComfyUI 0.8.0, comfy_api/latest/_ui.py; what its editor (frontend 1.35.9) reads from a
picture that is dropped on it, and compressed texts besides.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import WorkflowError
from ..findings import Finding, Where
from .formats import picture_kind, read_workflow
from .model import Workflow

LARGEST_TEXT = 64 * 1024 * 1024  # bytes, as a file of its own may have
MOST_CHUNKS = 500_000  # a picture of 512 MiB has about 65,000

_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"comf")  # the last is ComfyUI's own, in animated PNGs
_LONGEST_KEYWORD = 79  # bytes, by the PNG standard
_TEXT_TYPES = (1, 2, 7)  # EXIF: bytes, ASCII, undefined; the standard one is ASCII


def read_picture(data: bytes, path: str, executed: bool = False) -> tuple[Workflow, list[Finding]]:
    """The workflow in the bytes of a picture: the graph, or without one the executed prompt.

    `executed`: the prompt even so. As in the editor, a graph that cannot be read falls back to the
    prompt, with the warning `picture-graph-broken`.

    Raises WorkflowError: `picture-no-workflow`, and what `read_workflow` finds in its text.
    """
    kind = picture_kind(data)
    texts, cut = _png_texts(data) if kind == "PNG" else _webp_texts(data)
    names = [name for name in ("workflow", "prompt") if name in texts]
    if executed and "prompt" in names:
        names = ["prompt"]
    elif not names or executed:
        raise WorkflowError(_nothing(path, f"the {kind} picture", names, cut))
    try:
        return _workflow(texts, names[0], path), []
    except WorkflowError as error:
        if len(names) == 1:
            raise
        broken = error.findings
    try:
        return _workflow(texts, "prompt", path), [_broken_graph(path, broken)]
    except WorkflowError as error:
        raise WorkflowError(*broken, *error.findings) from None


def _workflow(texts: Mapping[str, bytes], name: str, path: str) -> Workflow:
    if not texts[name].strip():
        message = f"its `{name}` is empty, or cannot be unpacked"
        raise WorkflowError(Finding("workflow-syntax", message, Where(path), fix=_FIX))
    try:
        return read_workflow(texts[name], path)
    except WorkflowError as error:
        raise WorkflowError(*(_inside(one, name) for one in error.findings)) from None


def _inside(finding: Finding, name: str) -> Finding:
    """The finding about a text as one about the picture, which has no lines."""
    where = replace(finding.where, line=None, column=None)
    return replace(finding, message=f"its `{name}`: {finding.message}", where=where, fix=_FIX)


_FIX = (
    "take the very file that ComfyUI saved: editing a picture, and most websites, change or drop "
    "what it carries"
)


def _nothing(path: str, picture: str, names: Sequence[str], cut: bool) -> Finding:
    if names:
        message = f"{picture} carries the graph alone, not the prompt that was executed"
        return Finding("picture-no-workflow", message, Where(path), fix="leave out --executed")
    message = f"{picture} carries no workflow"
    if cut:
        message = f"{picture} is cut off, and what there is of it carries no workflow"
    return Finding("picture-no-workflow", message, Where(path), fix=_FIX)


def _broken_graph(path: str, broken: Sequence[Finding]) -> Finding:
    return Finding(
        "picture-graph-broken",
        "the picture's graph cannot be read; the prompt that was executed is taken instead",
        Where(path),
        also=tuple(("because", one.message) for one in broken),
    )


# -- PNG


def _png_texts(data: bytes) -> tuple[dict[str, bytes], bool]:
    """(name -> text, whether the file ends too early); of two texts with one name the last."""
    places: dict[str, tuple[bytes, int, int]] = {}
    offset, kind = 8, b""
    for _ in range(MOST_CHUNKS):
        kind = data[offset + 4 : offset + 8]
        start = offset + 8
        end = start + int.from_bytes(data[offset : offset + 4], "big")
        if kind == b"IEND" or end > len(data):
            break
        if kind in _TEXT_CHUNKS:
            keyword_end = data.find(b"\0", start, min(end, start + _LONGEST_KEYWORD + 1))
            name = data[start:keyword_end].decode("latin-1")
            if keyword_end >= 0 and name in ("workflow", "prompt"):
                places[name] = (kind, keyword_end + 1, end)
        offset = end + 4  # behind the checksum
    texts = {name: _png_text(form, data[a:b]) for name, (form, a, b) in places.items()}
    return texts, kind != b"IEND"


def _png_text(kind: bytes, text: bytes) -> bytes:
    """The text of a chunk, without its keyword, as UTF-8."""
    if kind == b"zTXt":
        return _utf8(_inflated(text[1:]))
    if kind == b"iTXt" and not text.startswith(b"{"):  # the editor knows no fields before the text
        packed, fields = text[:1] == b"\1", text[2:].split(b"\0", 2)
        text = fields[-1]
        return _inflated(text) if packed else text
    return _utf8(text)


def _inflated(packed: bytes) -> bytes:
    """The zlib stream unpacked; nothing if it is broken, cut off, or too large for a workflow."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, LARGEST_TEXT)
    except zlib.error:
        return b""
    return text if inflater.eof else b""


def _utf8(text: bytes) -> bytes:
    """A text that the standard wants in Latin-1, and most writers give in UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1").encode("utf-8")
    return text


# -- WebP


def _webp_texts(data: bytes) -> tuple[dict[str, bytes], bool]:
    """(name -> text, whether the file ends too early), from the first EXIF chunk."""
    offset = 12
    for _ in range(MOST_CHUNKS):
        start = offset + 8
        if start > len(data):
            break
        size = int.from_bytes(data[offset + 4 : start], "little")
        if data[offset : offset + 4] == b"EXIF":
            return _exif_texts(data[start : start + size]), start + size > len(data)
        offset = start + size + size % 2
    return {}, offset > len(data) or int.from_bytes(data[4:8], "little") + 8 > len(data)


def _exif_texts(exif: bytes) -> dict[str, bytes]:
    """The texts in the first directory of a TIFF structure."""
    exif = exif.removeprefix(b"Exif\0\0")
    big = exif[:2] == b"MM"

    def number(offset: int, size: int) -> int:
        return int.from_bytes(exif[offset : offset + size], "big" if big else "little")

    places: dict[str, tuple[int, int]] = {}
    directory = number(4, 4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if entry + 12 > len(exif):
            break
        start = number(entry + 8, 4)
        head, found, _ = exif[start : start + len("workflow:")].partition(b":")
        name = head.decode("latin-1").lower()  # `Workflow:` and `Prompt:` are written too
        if number(entry + 2, 2) in _TEXT_TYPES and found and name in ("workflow", "prompt"):
            places[name] = (start + len(head) + 1, start + number(entry + 4, 4))
    return {name: _utf8(exif[start:end].rstrip(b"\0")) for name, (start, end) in places.items()}
