"""What an endpoint uses must be in the lock, or it is another thing where the API runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.findings import Finding, render

Checked = Callable[..., list[Finding]]

PROMPT: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "cats/a.png"}},
    "2": {
        "class_type": "VAELoader",
        "inputs": {"vae_name": "ae.safetensors"},
        "_meta": {"title": "The VAE"},
    },
    "3": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["2", 0]}},
    "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["2", 0]}},
    "5": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "o", "output_name": "", "value": ["4", 0]},
    },
    "6": {"class_type": "VAELoader", "inputs": {"vae_name": "not-served.safetensors"}},
}
USED = {"used_by": ["poster"]}
LOCKED = {
    "models": {"vae/ae.safetensors": {"sha256": "a" * 64, "url": "https://github.com/m", **USED}},
    "resources": {"input/cats/a.png": {"sha256": "b" * 64, **USED}},
}


def test_everything_is_locked(checked: Checked) -> None:
    assert checked(PROMPT, lock=LOCKED) == []


def test_without_a_lock_nothing_is_said_of_it(checked: Checked) -> None:
    assert checked(PROMPT, lock=None) == []


def test_what_is_not_locked_is_named_with_the_nodes_that_use_it(checked: Checked) -> None:
    assert render(checked(PROMPT, lock={"comfyui": None})) == (
        "runflow.yaml: warning comfyui-unlocked: the lock does not say which commit of ComfyUI to "
        "run on\n"
        "  fix       write a full commit as `ref`, or lock from an installation, then run "
        "`runflow lock`\n"
        "runflow.yaml: error model-unlocked: vae/ae.safetensors is not in the lock\n"
        '  used by   poster.json, node 2 "The VAE" (VAELoader), field vae_name\n'
        "  fix       add under models:  vae/ae.safetensors: {url: https://…, sha256: …}  then run "
        "`runflow lock`\n"
        "runflow.yaml: error resource-unlocked: input/cats/a.png is not in the lock\n"
        "  used by   poster.json, node 1 (LoadImage), field image\n"
        "  fix       put the file at input/cats/a.png, or add its url and sha256 under "
        "resources:, then run `runflow lock`"
    )


@pytest.mark.parametrize(
    ("more", "last"), [(2, "used by"), (3, "and 1 more"), (5, "and 3 more")], ids=str
)
def test_three_uses_are_named_and_the_others_counted(
    checked: Checked, more: int, last: str
) -> None:
    data, keep = dict(PROMPT), [str(20 + number) for number in range(more)]
    for number, encoder in enumerate(keep, start=10):
        data[str(number)] = PROMPT["2"]
        inputs = {"pixels": ["1", 0], "vae": [str(number), 0]}
        data[encoder] = {"class_type": "VAEEncode", "inputs": inputs}
    (found,) = (one for one in checked(data, lock={}, keep=keep) if one.code == "model-unlocked")
    assert [label for label, _ in found.also[:3]] == ["used by"] * 3
    assert [label or text for label, text in found.also][-1] == last
    assert len(found.also) == min(more + 1, 4)


def test_two_endpoints_over_one_workflow_use_a_file_at_one_place(checked: Checked) -> None:
    two = {slug: {"workflow": "poster.json"} for slug in ("poster", "again")}
    found = checked(PROMPT, spec={"endpoints": two}, lock={})
    (model,) = (one for one in found if one.code == "model-unlocked")
    assert model.also == (("used by", 'poster.json, node 2 "The VAE" (VAELoader), field vae_name'),)


def a_graph(properties: dict[str, str]) -> dict[str, Any]:
    return {
        "version": 0.4,
        "nodes": [
            {
                "id": 1,
                "type": "MakeNoise",
                "inputs": [],
                "outputs": [{"type": "IMAGE", "links": [1]}],
                "properties": properties,
            },
            {
                "id": 2,
                "type": "RunflowOutputImage",
                "inputs": [{"name": "value", "type": "IMAGE", "link": 1}],
                "widgets_values": ["picture", ""],
            },
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    }


PACK = {
    "repository": "https://github.com/someone/ComfyUI-Noise",
    "commit": "a" * 40,
    "required_by": ["poster"],
}


def pack_findings(checked: Checked, properties: dict[str, str], nodes: dict[str, Any]) -> str:
    found = checked(a_graph(properties), lock={"nodes": nodes})
    return render(one for one in found if one.code == "pack-unlocked")


def test_a_pack_that_a_node_names_must_be_locked(checked: Checked) -> None:
    assert pack_findings(checked, {"cnr_id": "comfyui-noise"}, {}) == (
        "poster.json: error pack-unlocked: the node pack comfyui-noise, which brings MakeNoise, is "
        "not in the lock\n"
        "  at        node 1 (MakeNoise)\n"
        "  fix       add its folder under nodes: with `repository` and a full commit as `ref`, "
        "then run `runflow lock`"
    )
    assert pack_findings(checked, {"cnr_id": "comfyui-noise"}, {"ComfyUI-Noise": PACK}) == ""


def test_a_class_that_nobody_is_known_to_bring_is_a_warning(checked: Checked) -> None:
    assert pack_findings(checked, {}, {}).startswith(
        "poster.json: warning pack-unlocked: no node pack in the lock is known to bring MakeNoise"
    )
    assert pack_findings(checked, {}, {"Some-Pack": PACK}) == ""


def test_a_class_that_a_look_up_gave_to_a_locked_pack_is_covered(checked: Checked) -> None:
    other = {"cnr_id": "a-name-that-only-the-registry-knows"}
    found = {**PACK, "repository": "https://github.com/someone/Else", "classes": ["MakeNoise"]}
    assert "error pack-unlocked" in pack_findings(
        checked, other, {"Else": {**found, "classes": []}}
    )
    assert pack_findings(checked, other, {"Else": found}) == ""
    assert pack_findings(checked, {}, {"Else": found}) == ""
