"""Pictures are made as ComfyUI 0.8.0 and common node packs make them, with Pillow."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from runflow_build.errors import WorkflowError
from runflow_build.findings import Finding
from runflow_build.workflow import pictures
from runflow_build.workflow.formats import picture_kind
from runflow_build.workflow.pictures import read_picture

GRAPH = {"nodes": [{"id": 1, "type": "EmptyImage"}], "links": [], "version": 0.4}
PROMPT = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}}}
TEXTS = {"prompt": json.dumps(PROMPT), "workflow": json.dumps(GRAPH)}
PIXELS = Image.new("RGB", (8, 8), "teal")


def saved(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    PIXELS.save(stream, kind, **options)
    return stream.getvalue()


def png(texts: dict[str, str], **options: Any) -> bytes:
    """As SaveImage: `tEXt` chunks in front of the pixels."""
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, **options)
    return saved("PNG", pnginfo=info)


def animated_png(texts: dict[str, str]) -> bytes:
    """As SaveAnimatedPNG: chunks of ComfyUI's own, behind the first picture."""
    info = PngInfo()
    for name, text in texts.items():
        info.add(b"comf", name.encode() + b"\0" + text.encode(), after_idat=True)
    return saved("PNG", pnginfo=info, save_all=True, append_images=[PIXELS.rotate(90)])


def webp(texts: dict[str, str], **options: Any) -> bytes:
    """As SaveAnimatedWEBP: the prompt under Model, the graph under Make."""
    exif = Image.Exif()
    for tag, (name, text) in zip((0x0110, 0x010F), texts.items(), strict=False):
        exif[tag] = f"{name}:{text}"
    return saved("WEBP", exif=exif, **options)


def animated_webp(texts: dict[str, str]) -> bytes:
    return webp(texts, save_all=True, append_images=[PIXELS.rotate(90)])


MAKERS = [png, animated_png, webp, animated_webp]
each_kind = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def read(data: bytes, executed: bool = False) -> Any:
    """What the picture carries, where nothing is to be said about it."""
    workflow, findings = read_picture(data, "p.png", executed)
    assert findings == []
    return workflow.data


def refused(data: bytes, executed: bool = False) -> Finding:
    with pytest.raises(WorkflowError) as caught:
        read_picture(data, "p.png", executed)
    (finding,) = caught.value.findings
    assert (finding.where.file, finding.where.line) == ("p.png", None)
    return finding


# -- what is taken


@each_kind
def test_the_graph_goes_before_the_prompt(make: Callable[..., bytes]) -> None:
    assert read(make(TEXTS)) == GRAPH


@each_kind
def test_the_prompt_can_be_asked_for(make: Callable[..., bytes]) -> None:
    assert read(make(TEXTS), executed=True) == PROMPT


@each_kind
def test_without_a_graph_the_prompt_is_taken(make: Callable[..., bytes]) -> None:
    assert read(make({"prompt": TEXTS["prompt"]})) == PROMPT


@each_kind
def test_a_graph_that_is_asked_for_its_prompt_says_that_there_is_none(
    make: Callable[..., bytes],
) -> None:
    finding = refused(make({"workflow": TEXTS["workflow"]}), executed=True)
    assert finding.code == "picture-no-workflow"
    assert finding.message.endswith("carries the graph alone, not the prompt that was executed")


@each_kind
def test_a_picture_without_a_workflow_is_an_error(make: Callable[..., bytes]) -> None:
    finding = refused(make({"parameters": "a cat, steps: 20"}))
    assert finding.code == "picture-no-workflow"
    assert finding.message.endswith("picture carries no workflow")


@each_kind
def test_a_broken_graph_falls_back_to_the_prompt_as_in_the_editor(
    make: Callable[..., bytes],
) -> None:
    workflow, (finding,) = read_picture(make({**TEXTS, "workflow": '{"nodes": ['}), "p.png")
    assert workflow.data == PROMPT
    assert (finding.code, finding.severity) == ("picture-graph-broken", "warning")
    assert finding.also == (("because", "its `workflow`: the JSON is cut off"),)


@pytest.mark.parametrize("nothing", ["", "null", "{}"])
def test_a_graph_of_nothing_falls_back_too(nothing: str) -> None:
    workflow, (finding,) = read_picture(png({**TEXTS, "workflow": nothing}), "p.png")
    assert (workflow.data, finding.code) == (PROMPT, "picture-graph-broken")


def test_a_broken_graph_alone_is_an_error() -> None:
    finding = refused(png({"workflow": '{"nodes": ['}))
    assert (finding.code, finding.message) == (
        "workflow-syntax",
        "its `workflow`: the JSON is cut off",
    )


def test_what_comfyui_notes_while_it_executes_is_no_part_of_the_prompt() -> None:
    noted = json.dumps({"1": {**PROMPT["1"], "is_changed": float("nan")}})
    assert "NaN" in noted
    assert read(png({"prompt": noted})) == PROMPT


def test_nan_as_a_value_is_an_error() -> None:
    odd = json.dumps({"1": {"class_type": "EmptyImage", "inputs": {"width": float("nan")}}})
    assert "NaN stands where a number should be" in refused(png({"prompt": odd})).message


# -- how it may be written


@pytest.mark.parametrize("packed", [True, False])
def test_texts_of_png_in_every_form(packed: bool) -> None:
    graph = {**GRAPH, "title": "Größe 中"}
    text = json.dumps(graph, ensure_ascii=False)  # not Latin-1: Pillow writes iTXt
    assert read(png({"workflow": text}, zip=packed)) == graph
    assert read(png({"workflow": TEXTS["workflow"]}, zip=packed)) == GRAPH  # zTXt or tEXt


def test_a_text_in_latin_1_is_read_as_the_standard_says() -> None:
    graph = {**GRAPH, "title": "Größe"}
    text = json.dumps(graph, ensure_ascii=False)
    assert read(png({"workflow": text})) == graph
    utf8 = chunk(b"tEXt", b"workflow\0" + text.encode("utf-8"))
    assert read(SIGNATURE + utf8) == graph


def test_the_editor_takes_an_itxt_chunk_without_its_fields_and_so_do_we() -> None:
    data = SIGNATURE + chunk(b"iTXt", b"workflow\0" + TEXTS["workflow"].encode())
    assert read(data) == GRAPH


def test_of_two_texts_of_one_name_the_last_is_taken_as_in_the_editor() -> None:
    first = chunk(b"tEXt", b"workflow\0{}")
    second = chunk(b"tEXt", b"workflow\0" + TEXTS["workflow"].encode())
    assert read(SIGNATURE + first + second + chunk(b"IEND")) == GRAPH


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 2, 7])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("name", ["workflow", "Workflow"])
def test_exif_texts_in_every_form(order: str, kind: int, prefix: bytes, name: str) -> None:
    text = f"{name}:{TEXTS['workflow']}".encode() + b"\0"
    assert read(riff(prefix + tiff([(0x010E, kind, text)], order))) == GRAPH


def test_chunks_of_odd_length_are_padded() -> None:
    exif = tiff([(0x010F, 2, f"workflow:{TEXTS['workflow']}".encode())])
    assert read(riff(exif, before=b"XYZW" + struct.pack("<I", 3) + b"abc\0")) == GRAPH


# -- damaged and hostile


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(entries: list[tuple[int, int, bytes]], order: str = "<") -> bytes:
    """An EXIF directory: (tag, type, value) each."""
    start = 8 + 2 + 12 * len(entries) + 4
    rows, values = b"", b""
    for tag, kind, value in entries:
        rows += struct.pack(f"{order}HHII", tag, kind, len(value), start + len(values))
        values += value
    head = b"II*\0" if order == "<" else b"MM\0*"
    count = struct.pack(f"{order}H", len(entries))
    return head + struct.pack(f"{order}I", 8) + count + rows + bytes(4) + values


def riff(exif: bytes, before: bytes = b"") -> bytes:
    body = b"WEBP" + before + b"EXIF" + struct.pack("<I", len(exif)) + exif
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_picture_that_is_cut_off_behind_its_texts_is_still_read() -> None:
    whole = png(TEXTS)
    assert read(whole[: whole.index(b"IDAT") + 6]) == GRAPH


@each_kind
def test_a_picture_that_is_cut_off_before_its_texts_says_so(make: Callable[..., bytes]) -> None:
    whole = make(TEXTS)
    first = min(whole.index(b"prompt"), whole.index(b"workflow"))
    finding = refused(whole[:first])
    assert finding.code == "picture-no-workflow"
    assert "is cut off, and what there is of it carries no workflow" in finding.message


def carried(data: bytes) -> Any:
    """The workflow, or None where a finding says why there is none."""
    try:
        return read_picture(data, "p.png")[0].data
    except WorkflowError as error:
        assert error.findings
        return None


@pytest.mark.parametrize("make", [png, webp], ids=["png", "webp"])
def test_wherever_a_picture_is_cut_off_there_is_an_answer(make: Callable[..., bytes]) -> None:
    whole = make(TEXTS)
    for end in range(12, len(whole)):
        assert carried(whole[:end]) in (GRAPH, PROMPT, None)


@settings(deadline=None)
@given(st.sampled_from([png(TEXTS), animated_png(TEXTS), webp(TEXTS)]), st.data())
def test_bytes_that_changed_never_crash_the_reader(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    if picture_kind(bytes(damaged)):
        carried(bytes(damaged))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_behind_a_signature_is_a_picture_without_a_workflow(noise: bytes) -> None:
    for start in (SIGNATURE, b"RIFF\xff\xff\0\0WEBP", b"RIFF\xff\xff\0\0WEBPEXIF\xff\0\0\0II*\0"):
        with pytest.raises(WorkflowError):
            read_picture(start + noise, "p.png")


def test_a_text_that_unpacks_to_more_than_any_workflow_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b" " * 50_000_000 + b"{}", 9))
    assert len(bomb) < 60_000
    monkeypatch.setattr(pictures, "LARGEST_TEXT", 1_000_000)
    assert refused(SIGNATURE + bomb).message == "its `workflow` is empty, or cannot be unpacked"


def test_only_the_last_of_many_packed_texts_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []

    def counted(packed: bytes) -> bytes:
        unpacked.append(packed)
        return zlib.decompress(packed)

    monkeypatch.setattr(pictures, "_inflated", counted)
    one = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(TEXTS["workflow"].encode()))
    assert read(SIGNATURE + one * 1000 + chunk(b"IEND")) == GRAPH
    assert len(unpacked) == 1


def test_a_packed_text_that_is_broken_does_not_keep_from_the_other() -> None:
    broken = chunk(b"zTXt", b"workflow\0\0" + b"no zlib")
    executed = chunk(b"tEXt", b"prompt\0" + TEXTS["prompt"].encode())
    workflow, (finding,) = read_picture(SIGNATURE + broken + executed, "p.png")
    assert (workflow.data, finding.code) == (PROMPT, "picture-graph-broken")


@pytest.mark.parametrize(
    "start", [SIGNATURE + chunk(b"tEXt") * 9, b"RIFF\xff\xff\0\0WEBP" + b"XYZW\0\0\0\0" * 9]
)
def test_a_picture_of_more_chunks_than_any_is_not_read_to_its_end(
    start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"workflow:{TEXTS['workflow']}".encode()
    end = chunk(b"tEXt", text.replace(b":", b"\0", 1)) if start.startswith(SIGNATURE) else b""
    end = end or riff(tiff([(0x010F, 2, text)]))[12:]
    assert read(start + end) == GRAPH
    monkeypatch.setattr(pictures, "MOST_CHUNKS", 9)
    assert refused(start + end).code == "picture-no-workflow"


def test_a_directory_of_many_entries_on_one_large_text_is_read_once() -> None:
    text = f"workflow:{TEXTS['workflow']}".encode() + b" " * 1_000_000
    start = 8 + 2 + 12 * 65535 + 4
    row = struct.pack("<HHII", 0x010F, 2, len(text), start)
    exif = b"II*\0" + struct.pack("<IH", 8, 65535) + row * 65535 + bytes(4) + text
    assert read(riff(exif)) == GRAPH


def test_sizes_that_point_out_of_the_file_are_its_end() -> None:
    exif = b"II*\0" + struct.pack("<IH", 8, 3) + struct.pack("<HHII", 0x010F, 2, 2**32 - 1, 2**31)
    assert refused(riff(exif)).code == "picture-no-workflow"
    assert "is cut off" in refused(SIGNATURE + struct.pack(">I", 2**32 - 1) + b"tEXt").message


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG", "PNG"),
        (b"RIFF\0\0\0\0WEBP", "WebP"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"{}", None),
        (b"", None),
    ],
)
def test_a_picture_is_known_by_how_it_begins(data: bytes, kind: str | None) -> None:
    assert picture_kind(data) == kind
