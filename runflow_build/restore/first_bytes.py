"""What kind of file the first bytes belong to, in words for a person."""

from __future__ import annotations

_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a PyTorch file"),
    (b"GGUF", "a GGUF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"RIFF", "a WebP picture or a recording"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x02", "a Python pickle"),
    (b"version https://git-lfs", "a pointer of Git LFS, not what it points to"),
)
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


def kind_of(head: bytes) -> str:
    """`head`: the first few hundred bytes, fewer if the file is shorter."""
    if not head:
        return "an empty file"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100 << 20:
        return "a safetensors file"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_PAGES):
        return "a web page"
    if start.startswith((b"<?xml", b"<")):
        return "an XML document"
    if start.startswith((b"{", b"[")):
        return "a JSON document"
    plain = all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head)
    return "a text" if plain else "a file of bytes"


def is_text(head: bytes) -> bool:
    """Whether a file is of a kind that no model is: a page, a message, nothing at all."""
    return kind_of(head) in (
        *("an empty file", "a web page", "an XML document", "a JSON document", "a text"),
        "a pointer of Git LFS, not what it points to",
    )
