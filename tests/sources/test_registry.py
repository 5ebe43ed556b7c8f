"""The Comfy Registry, asked over HTTP at the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from place import Fault, Pack

from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import mirrors_of
from runflow_build.sources.registry import HOST, ComfyRegistry
from runflow_build.sources.world import RegistryPack, Unanswered

KJ = Pack("https://github.com/kijai/ComfyUI-KJNodes.git", ("1.1.9", "1.1.8"), ("Resize KJ/+",))


@pytest.fixture
def registry(stand_in: Any) -> Iterator[ComfyRegistry]:
    stand_in.place.packs["comfyui-kjnodes"] = KJ
    http = Http(mirrors=mirrors_of(stand_in.environ))
    yield ComfyRegistry(http)
    http.close()


def answers(stand_in: Any, path: str, body: str) -> None:
    fault = Fault(times=None, status=200, body=body.encode(), kind="application/json")
    stand_in.place.faults[f"{HOST}{path}"] = fault


def test_a_pack_has_its_canonical_repository_and_its_versions(registry: ComfyRegistry) -> None:
    assert registry.pack("comfyui-kjnodes") == RegistryPack(
        "comfyui-kjnodes",
        "https://github.com/kijai/ComfyUI-KJNodes",
        "1.1.9",
        ["1.1.9", "1.1.8"],
    )
    assert registry.pack("no-such-pack") is None


def test_a_class_is_asked_for_by_its_quoted_name(registry: ComfyRegistry, stand_in: Any) -> None:
    (pack,) = registry.packs_of_class("Resize KJ/+")
    assert (pack.id, pack.latest) == ("comfyui-kjnodes", "1.1.9")
    assert stand_in.place.asked[-1].url == f"{HOST}/comfy-nodes/Resize%20KJ%2F%2B/node"
    assert registry.packs_of_class("NobodyKnows") == []


@pytest.mark.parametrize("id", ["", ".", "..", "../nodes", "a/b", "x" * 101, "a b", "a\nb"])
def test_what_can_be_no_id_is_not_asked_for(
    registry: ComfyRegistry, stand_in: Any, id: str
) -> None:
    assert registry.pack(id) is None
    assert stand_in.place.asked == []


def test_what_can_be_no_class_is_not_asked_for(registry: ComfyRegistry, stand_in: Any) -> None:
    assert [registry.packs_of_class(name) for name in ("", "..", " . ", "x" * 201)] == [[]] * 4
    assert stand_in.place.asked == []


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        '"text"',
        '{"message": "Node not found"}',
        '{"id": 5, "repository": "https://github.com/a/b"}',
        '{"id": "../evil", "repository": "https://github.com/a/b"}',
        '{"id": "another-one", "repository": "https://github.com/a/b"}',
        '{"id": "odd", "repository": "https://github.com/a/b", "status": "NodeStatusBanned"}',
        '{"id": "odd", "repository": "https://github.com/a/b", "status": "NodeStatusDeleted"}',
    ],
)
def test_an_answer_that_is_no_pack_of_that_id_is_none(
    registry: ComfyRegistry, stand_in: Any, body: str
) -> None:
    answers(stand_in, "/nodes/odd", body)
    assert registry.pack("odd") is None


def test_fields_of_another_form_count_as_not_said(registry: ComfyRegistry, stand_in: Any) -> None:
    latest = '"latest_version": {"version": "1 0; rm"}'
    url = '"repository": "https://github.com/a/.."'
    answers(stand_in, "/nodes/odd", f'{{"id": "odd", {url}, {latest}}}')
    answers(
        stand_in,
        "/nodes/odd/versions",
        '[{"version": "2.0.0", "status": "NodeVersionStatusBanned"}, 5, {"version": ["1"]},'
        ' {"version": "1.0.0", "status": "NodeVersionStatusFlagged"}, {"version": "../1"}]',
    )
    assert registry.pack("odd") == RegistryPack("odd", None, None, ["1.0.0"])


def test_a_registry_that_is_out_of_order_gives_no_answer(
    registry: ComfyRegistry, stand_in: Any
) -> None:
    stand_in.place.faults[f"{HOST}/nodes/odd"] = Fault(times=None, status=401)
    with pytest.raises(Unanswered, match=r"api\.comfy\.org"):
        registry.pack("odd")
