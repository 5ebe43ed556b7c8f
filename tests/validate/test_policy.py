"""The lock holds only what the policy allows, and a breach is as severe as the policy says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.findings import Finding, render
from runflow_build.validate.policy import PICKLE_SUFFIXES, host_of

Checked = Callable[..., list[Finding]]


def a_prompt(model: str = "ae.safetensors") -> dict[str, Any]:
    return {
        "1": {"class_type": "VAELoader", "inputs": {"vae_name": model}},
        "2": {"class_type": "LoadLatent", "inputs": {"latent": "a.latent"}},
        "3": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["1", 0]}},
        "4": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "o", "output_name": "", "value": ["3", 0]},
        },
    }


def a_lock(model: str = "ae.safetensors", used: bool = True, **more: Any) -> dict[str, Any]:
    slugs = ["poster"] if used else []
    pin = {"sha256": "a" * 64, "url": "https://huggingface.co/m", "used_by": slugs, **more}
    return {
        "models": {f"vae/{model}": pin},
        "resources": {"input/a.latent": {"sha256": "b" * 64, "used_by": ["poster"]}},
    }


def test_a_lock_that_keeps_the_policy(checked: Checked) -> None:
    assert checked(a_prompt(), lock=a_lock()) == []


@pytest.mark.parametrize(
    ("choice", "severities"), [("deny", ["error"]), ("warn", ["warning"]), ("allow", [])]
)
@pytest.mark.parametrize(
    ("policy", "code", "model", "pins"),
    [
        ("pickle_models", "model-pickle", "ae.ckpt", a_lock("ae.ckpt")),
        ("unsourced_models", "model-no-source", "ae.safetensors", a_lock(url=None)),
        (
            "dirty_repositories",
            "repository-dirty",
            "ae.safetensors",
            {
                **a_lock(),
                "nodes": {
                    "Pack": {
                        "repository": "https://github.com/a/b",
                        "commit": "c" * 40,
                        "dirty": True,
                        "required_by": ["poster"],
                    }
                },
            },
        ),
    ],
)
def test_a_breach_is_as_severe_as_the_policy_says(
    checked: Checked,
    choice: str,
    severities: list[str],
    policy: str,
    code: str,
    model: str,
    pins: dict[str, Any],
) -> None:
    found = checked(a_prompt(model), spec={"policy": {policy: choice}}, lock=pins)
    assert [(one.code, one.severity) for one in found] == [(code, one) for one in severities]


def test_a_model_that_may_run_code(checked: Checked) -> None:
    assert render(checked(a_prompt("ae.ckpt"), lock=a_lock("ae.ckpt"))) == (
        "runflow.yaml: error model-pickle: vae/ae.ckpt is of a kind (.ckpt) that can run code when "
        "it is loaded\n"
        "  used by   poster.json, node 1 (VAELoader), field vae_name\n"
        "  fix       use a .safetensors of it, or if you trust it add under models:  vae/ae.ckpt: "
        "{pickle: allow}"
    )
    allowed = {"models": {"vae/ae.ckpt": {"pickle": "allow"}}}
    assert checked(a_prompt("ae.ckpt"), spec=allowed, lock=a_lock("ae.ckpt")) == []


def test_upper_case_suffixes_are_no_way_round(checked: Checked) -> None:
    codes = [one.code for one in checked(a_prompt("ae.PT"), lock=a_lock("ae.PT"))]
    assert codes == ["model-pickle"]
    assert ".safetensors" not in PICKLE_SUFFIXES


def test_a_model_without_a_source(checked: Checked) -> None:
    assert render(checked(a_prompt(), lock=a_lock(url=None))) == (
        "runflow.yaml: error model-no-source: vae/ae.safetensors has no source to download it "
        "from\n"
        "  used by   poster.json, node 1 (VAELoader), field vae_name\n"
        "  fix       add under models:  vae/ae.safetensors: {url: https://…}"
    )


def test_a_comfyui_with_local_changes(checked: Checked) -> None:
    pin = {
        "repository": "https://github.com/a/b",
        "ref": "v0.8.0",
        "commit": "a" * 40,
        "dirty": True,
    }
    found = checked(a_prompt(), lock={**a_lock(), "comfyui": pin})
    assert [one.code for one in found] == ["repository-dirty"]


def test_what_no_endpoint_uses_is_not_held_against_it(checked: Checked) -> None:
    pins = a_lock()
    pins["models"]["vae/other.ckpt"] = {"sha256": "a" * 64, "used_by": ["another"]}
    assert checked(a_prompt(), lock=pins) == []


def test_a_host_that_is_not_trusted(checked: Checked) -> None:
    pins = a_lock(url="https://user:secret@Files.Example.com:8443/ae.safetensors?token=x")
    found = render(checked(a_prompt(), lock=pins))
    assert found == (
        "runflow.yaml: error host-not-trusted: vae/ae.safetensors comes from "
        "files.example.com:8443, which is none of the trusted hosts\n"
        "  used by   poster.json, node 1 (VAELoader), field vae_name\n"
        "  fix       add files.example.com:8443 to trusted_hosts under policy:, or take the file "
        "from another host"
    )
    trusted = {"policy": {"trusted_hosts": ["files.example.com:8443"]}}
    assert checked(a_prompt(), spec=trusted, lock=pins) == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://huggingface.co/x", "huggingface.co"),
        ("https://huggingface.co:443/x", "huggingface.co"),
        ("http://huggingface.co:443/x", "huggingface.co:443"),
        ("https://huggingface.co@evil.example/x", "evil.example"),
        ("https://huggingface.co.evil.example/x", "huggingface.co.evil.example"),
        ("https://[::1", ""),
        ("https://a:99999999/x", ""),
        ("nonsense", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host
