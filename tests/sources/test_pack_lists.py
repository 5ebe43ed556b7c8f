"""ComfyUI-Manager's lists, served as they were in March 2025 (a few rows of them)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from place import Fault, File

from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import mirrors_of
from runflow_build.sources.pack_lists import LISTS, ManagerLists
from runflow_build.sources.world import ListedModel, ListedPack, Unanswered

REAL = Path(__file__).parent / "manager"
PACKS, MODELS = f"{LISTS}/extension-node-map.json", f"{LISTS}/model-list.json"
HUB = "https://huggingface.co"
RANDOMIZER = "comfyui-text-randomizer"


@pytest.fixture
def lists(stand_in: Any) -> Iterator[ManagerLists]:
    for url in (PACKS, MODELS):
        serve(stand_in, url, (REAL / url.rpartition("/")[2]).read_bytes())
    http = Http(mirrors=mirrors_of(stand_in.environ))
    yield ManagerLists(http)
    http.close()


def serve(stand_in: Any, url: str, data: bytes | str | Any) -> None:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    stand_in.place.files[url] = File(text, kind="text/plain; charset=utf-8")


def repositories(lists: ManagerLists, class_type: str) -> list[str]:
    return [one.repository for one in lists.packs_of_class(class_type)]


def test_all_packs_that_list_a_class_are_named(lists: ManagerLists) -> None:
    assert lists.packs_of_class("ShowText") == [
        ListedPack("https://github.com/fairy-root/ComfyUI-Show-Text", "ComfyUI-Show-Text", 1),
        ListedPack("https://github.com/MarkoCa1/ComfyUI-Text", "ComfyUI-Text", 4),
        ListedPack(
            "https://github.com/nosiu/comfyui-text-randomizer", "comfyui-text-randomizer", 5
        ),
    ]
    assert lists.packs_of_class("NobodyKnows") == []


def test_a_pattern_counts_where_nobody_lists_the_class(lists: ManagerLists) -> None:
    assert repositories(lists, "Power Lora Loader (rgthree)") == [
        "https://github.com/rgthree/rgthree-comfy"
    ]
    assert repositories(lists, "Anything //Inspire") == [
        "https://github.com/ltdrdata/comfyui-connection-helper",
        "https://github.com/ltdrdata/ComfyUI-Inspire-Pack",
    ]
    (only,) = repositories(lists, "ApplyRegionalIPAdapters //Inspire")
    assert only == "https://github.com/ltdrdata/ComfyUI-Inspire-Pack"


def test_a_single_file_is_no_repository(lists: ManagerLists) -> None:
    assert repositories(lists, "SDXLAspectRatio") == []


def test_models_lie_where_their_row_or_their_type_says(lists: ManagerLists) -> None:
    def paths(name: str) -> list[str]:
        return [one.path for one in lists.models_called(name)]

    assert lists.models_called("taef1_decoder.pth") == [
        ListedModel(
            "vae_approx/taef1_decoder.pth",
            "https://github.com/madebyollin/taesd/raw/main/taef1_decoder.pth",
            "TAEF1 Decoder",
        )
    ]
    assert paths("4x-UltraSharp.pth") == ["upscale_models/4x-UltraSharp.pth"]
    assert "text_encoders/clip_l.safetensors" in paths("clip_l.safetensors")
    assert paths("cosmos_cv8x8x8_1.0.safetensors") == ["vae/cosmos_cv8x8x8_1.0.safetensors"]
    assert paths("<huggingface>") == paths("nobody.safetensors") == []


def test_files_of_one_name_are_all_given(lists: ManagerLists) -> None:
    assert [(one.path, one.url.split("/")[4]) for one in lists.models_called("ip-adapter.bin")] == [
        ("instantid/ip-adapter.bin", "InstantID"),
        ("instantid/SDXL/ip-adapter.bin", "InstantID"),
        ("ipadapter-flux/ip-adapter.bin", "FLUX.1-dev-IP-Adapter"),
    ]


def test_rows_of_another_form_are_left_out(lists: ManagerLists, stand_in: Any) -> None:
    good = {"filename": "a.pth", "url": f"{HUB}/a", "save_path": "loras/x", "type": "lora"}
    odd = [
        5,
        {},
        {**good, "filename": "../a.pth"},
        {**good, "filename": "b\\a.pth"},
        {**good, "filename": ".."},
        {**good, "url": "file:///etc/passwd"},
        {**good, "url": "https://user:password@host/a"},
        {**good, "save_path": "../custom_nodes"},
        {**good, "save_path": "custom_nodes/x/models"},
        {**good, "save_path": "default", "type": "unheard of"},
        {**good, "save_path": None},
    ]
    serve(stand_in, MODELS, {"models": [*odd, good]})
    assert lists.models_called("a.pth") == [ListedModel("loras/x/a.pth", f"{HUB}/a", "a.pth")]
    rows = {
        "https://github.com/a/b": [["Fine", 5, None], {"title_aux": 5}],
        "https://github.com/A/B.git": [["More"], {}],
        "https://github.com/a/c": "text",
        "https://github.com/a/d": [],
        "https://github.com/a/e": [{"Fine": 1}],
        "/home/someone/pack": [["Fine"], {}],
    }
    serve(stand_in, PACKS, rows)
    assert lists.packs_of_class("Fine") == [ListedPack("https://github.com/a/b", "a/b", 2)]
    assert lists.packs_of_class("More") == [ListedPack("https://github.com/a/b", "a/b", 2)]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(", "x" * 201, r"(a)\1", 5])
def test_a_pattern_that_could_take_for_ever_is_not_tried(
    lists: ManagerLists, stand_in: Any, pattern: Any
) -> None:
    row: Any = [[], {"nodename_pattern": pattern}]
    serve(stand_in, PACKS, {"https://github.com/a/b": row})
    assert lists.packs_of_class("a" * 60 + "!") == []


def test_a_list_is_fetched_once_for_all_who_ask(lists: ManagerLists, stand_in: Any) -> None:
    assert stand_in.place.asked == []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lists.packs_of_class, ["ShowText"] * 16))
    assert found == [found[0]] * 16
    assert [one.url for one in stand_in.place.asked] == [PACKS]


@pytest.mark.parametrize("fault", [Fault(times=None, status=404), Fault(times=None, status=403)])
def test_a_list_that_cannot_be_had_is_no_empty_list(
    lists: ManagerLists, stand_in: Any, fault: Fault
) -> None:
    stand_in.place.faults[PACKS] = fault
    for _ in range(3):
        with pytest.raises(Unanswered):
            lists.packs_of_class("ShowText")
    assert stand_in.place.count(PACKS) == 1
