"""What a file that was downloaded in the place of a model seems to be."""

from __future__ import annotations

import json

import pytest

from runflow_build.restore.first_bytes import is_text, kind_of

HEADER = json.dumps({"w": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}).encode()
SAFETENSORS = len(HEADER).to_bytes(8, "little") + HEADER
TOO_LONG = (100 << 20).to_bytes(8, "little") + HEADER  # no header is


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (SAFETENSORS, "a safetensors file"),
        (b"PK\x03\x04\x14\x00", "a zip archive or a PyTorch file"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c\x00", "a 7z archive"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"RIFF\x24\x00\x00\x00WEBP", "a WebP picture or a recording"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x80\x02}q\x00", "a Python pickle"),
        (TOO_LONG, "a file of bytes"),
        (b"\x00\x01\x02", "a file of bytes"),
        ("ü".encode(), "a file of bytes"),
    ],
)
def test_other_files_are_named_and_may_be_a_model(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
    assert not is_text(head)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf\r\n\t <HTML lang='en'>", "a web page"),
        (b"<script>", "a web page"),
        (b"<?xml version='1.0'?><Error/>", "an XML document"),
        (b"<Error><Code>AccessDenied</Code></Error>", "an XML document"),
        (b'\n{"error": "gated"}', "a JSON document"),
        (b"[]", "a JSON document"),
        (b"Access denied.\r\n", "a text"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a pointer of Git LFS, not what it points to",
        ),
    ],
)
def test_pages_and_messages_are_no_model(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
    assert is_text(head)
