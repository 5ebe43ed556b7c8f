"""A secret is found wherever it hides; what only looks a little like one is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from runflow_build.redact import redacted
from runflow_build.secret_patterns import PATTERNS, secret_kind, secrets_in, without_secrets

RANDOM = "Zq7Rw2Lk9Tn4Vb6Xc1Mf8Jh3Gd5Ps0YeUaBiCoDuEzFyHvKxNwOmQlSrTpVt" * 8
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f09ab8c7d6e5f40312fedcba9876543201" * 4
UPPER = "Q7RW2LK4TNVB6XC3MFJHGDPS5YEUAZTI" * 2
KEY = "rf_live_" + "a1b2c3d4" * 4


def jwt() -> str:
    return f"eyJ{RANDOM[:30]}.eyJ{RANDOM[5:60]}.{RANDOM[9:52]}"


SECRETS = {
    "an API key": [
        KEY,
        KEY.replace("live", "svc"),
        KEY.replace("live", "admin"),
        KEY.replace("_live", ""),
        "rfk_" + "Zz9" * 6,
        "rf_live_" + "abcdefgh",
    ],
    "a Hugging Face token": ["hf_" + RANDOM[:34], "api_org_" + RANDOM[:34]],
    "an Anthropic API key": ["sk-ant-" + "api03-" + RANDOM[:90] + "-" + RANDOM[:4]],
    "an OpenAI API key": [
        "sk-" + "proj-" + RANDOM[:70] + "T3Blb" + "kFJ" + RANDOM[:60],
        "sk-" + "svcacct-" + RANDOM[:40],
    ],
    "an OpenRouter API key": ["sk-" + "or-v1-" + HEX[:64]],
    "an API key of the form sk-…": [
        "sk-" + RANDOM[:20] + "T3Blb" + "kFJ" + RANDOM[:20],
        "sk-" + HEX[:32],
    ],
    "a GitHub token": [
        *(f"gh{kind}_" + RANDOM[:36] for kind in "pousr"),
        "github_" + "pat_" + RANDOM[:22] + "_" + RANDOM[:59],
    ],
    "a GitLab token": ["glpat-" + RANDOM[:20], "glpat-" + RANDOM[:26] + ".01." + RANDOM[:8]],
    "an AWS access key": ["AKIA" + UPPER[:16], "ASIA" + UPPER[3:19]],
    "an AWS secret key": [
        f"aws_{'secret'}_access_key = {RANDOM[:20]}/+{RANDOM[:18]}",
        f'"{"Secret"}AccessKey": "{RANDOM[:20]}/+{RANDOM[:18]}"',
        f"export AWS_{'SECRET'}_ACCESS_KEY={RANDOM[:20]}/+{RANDOM[:18]}",
    ],
    "a Google API key": ["AIza" + RANDOM[:35]],
    "a Google token": ["ya29." + RANDOM[:120]],
    "a Slack token": [f"xox{kind}-" + "123456789012-" + RANDOM[:24] for kind in "abp"],
    "a Slack webhook": [f"https://hooks.slack.com/services/{'T'}0Q7RW2LK/B0Q7RW2LK/{RANDOM[:24]}"],
    "a Discord webhook": ["https://discord.com/api/webhooks/" + "12345678901234567/" + RANDOM[:68]],
    "a Telegram token": ["9182736450:" + "AA" + RANDOM[:33]],
    "a Stripe key": ["sk_" + "live_" + RANDOM[:24], "rk_" + "live_" + RANDOM[:99]],
    "a Replicate token": ["r8_" + RANDOM[:37]],
    "a fal key": [f"{HEX[:8]}-{HEX[:4]}-{HEX[4:8]}-{HEX[8:12]}-{HEX[:12]}:{HEX[:32]}"],
    "a ComfyUI account key": ["comfyui-" + HEX[:64]],
    "a Groq API key": ["gsk_" + RANDOM[:52]],
    "an xAI API key": ["xai-" + RANDOM[:80]],
    "a RunPod API key": ["rpa_" + RANDOM[:46]],
    "an npm token": ["npm_" + RANDOM[:36]],
    "a PyPI token": ["pypi-" + "AgEIcHlwaS5vcmc" + RANDOM[:150]],
    "a SendGrid key": ["SG." + RANDOM[:22] + "." + RANDOM[:43]],
    "an Azure storage key": ["AccountKey=" + RANDOM[:86] + "=="],
    "a JSON Web Token": [jwt()],
    "a bearer token": [
        f"Authorization: Bearer {RANDOM[:40]}",
        f'{{"authorization": "Basic {RANDOM[:30]}=="}}',
        f"-H 'Authorization: token {RANDOM[:40]}'",
    ],
    "a private key": [
        f"-----BEGIN {kind}PRIVATE KEY-----\n{RANDOM}\n{RANDOM}\n-----END {kind}PRIVATE KEY-----"
        for kind in ("", "RSA ", "OPENSSH ", "EC ")
    ],
    "a URL with a password": [
        f"https://me:{RANDOM[:12]}@example.org/x",
        f"postgres://app:{RANDOM[:9]}@db.internal:5432/app",
        f"redis://:{RANDOM[:9]}@cache:6379",
    ],
    "a URL with a token": [
        f"https://civitai.com/api/download/models/1?token={HEX[:32]}",
        f"https://h.example.org/x?a=1&X-Amz-Signature={HEX[:64]}",
    ],
}  # fmt: skip
ALL = [(kind, text) for kind, texts in SECRETS.items() for text in texts]


def test_every_row_of_the_list_has_a_case() -> None:
    assert set(SECRETS) == {one.kind for one in PATTERNS}


@pytest.mark.parametrize(("kind", "text"), ALL, ids=[kind for kind, _ in ALL])
@pytest.mark.parametrize(
    "around", ["{}", "use {} here", 'key="{}"', "{}.", "a\n{}\nb", "({})", "a, {}, b", "<{}>"]
)
def test_a_secret_is_found_and_taken_out(kind: str, text: str, around: str) -> None:
    whole = around.format(text)
    assert secret_kind(whole) == kind
    for clean in (without_secrets(whole), redacted(whole)):
        assert secret_kind(clean) is None
        assert RANDOM[10:18] not in clean
        assert HEX[10:18] not in clean
    assert secrets_in({"a": [1, whole]}) == [(("a", 1), kind)]


@pytest.mark.parametrize(("kind", "text"), ALL, ids=[kind for kind, _ in ALL])
def test_a_secret_is_found_behind_any_character_that_json_escapes(kind: str, text: str) -> None:
    for odd in ("\n", "\t", "\x1b", '"', "\\", "\u2028", "é"):
        assert secrets_in([f"{odd}{text}{odd}"]) == [((0,), kind)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rf_",
        "rf_live_…",
        "rf_live_*",
        "rf_inversion",
        "rf_inversion_strength_2",
        "rf_detr_base_medium_2025.safetensors",
        "a surf_live_abcdefghijk wave",
        "RF_LIVE_ABCDEFGHIJK",
        "hf_hub_download and hf_transfer",
        "hf_" + "x" * 34,
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "hf_YourTokenHereYourTokenHereYourTok",
        "task-" + RANDOM[:40],
        "risk-assessment-of-models",
        "sk-...",
        "sk-" + "x" * 40,
        "mask-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "ghp_" + "*" * 36,
        "AKIAIOSFODNN7EXAMPLE",
        "MAKIAQ7RW2LK4TNVB6XC3",
        "comfyui-kjnodes-" + HEX[:40],
        "pypi-AgEx",
        "ssh://git@github.com/owner/name",
        "git@github.com:owner/name.git",
        "https://huggingface.co/a/b@c:d/resolve/main/x",
        "https://example.org:8443/a@b",
        "https://user:$PASSWORD@example.org",
        "https://user:${PASSWORD}@example.org",
        "https://h/x?token=YOUR_TOKEN",
        "https://h/x?token=HF_TOKEN",
        "https://h/x?token={token}&y=1",
        "https://h/x?token=$CIVITAI_API_TOKEN",
        "https://h/x?tokenizer=bert-base-uncased",
        "https://h/x?signature=",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $HF_TOKEN",
        "authorization by bearer tokens",
        "-----BEGIN PUBLIC KEY-----",
        "the PRIVATE KEY is private",
        HEX[:64],
        f"sha256:{HEX[:64]}",
        f"{HEX[:8]}-{HEX[:4]}-{HEX[4:8]}-{HEX[8:12]}-{HEX[:12]}",
        f"{HEX[:8]}-{HEX[:4]}-{HEX[4:8]}-{HEX[8:12]}-{HEX[:12]}:12",
        "data:image/png;base64," + RANDOM,
    ],
)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert secret_kind(text) is None
    assert secrets_in([text]) == []


def test_every_place_is_named_and_none_twice() -> None:
    document: Any = {"a": ["x", {"b": KEY}], "c": KEY, KEY: [KEY], "d": {"e": 5, "f": None}}
    kind = "an API key"
    assert secrets_in(document) == [
        ((), kind),
        (("a", 1, "b"), kind),
        (("c",), kind),
        (("…", 0), kind),
    ]


def test_nesting_has_no_limit() -> None:
    deep: Any = KEY
    for _ in range(5000):
        deep = [deep]
    assert len(secrets_in(deep)) == 1


def test_no_repetition_is_without_a_bound() -> None:
    for one in PATTERNS[1:]:
        form = one.form.pattern.replace(r"\+", "").replace(r"\*", "")
        while "[" in form:  # what stands in a class repeats nothing
            start = form.index("[")
            form = form[:start] + form[form.index("]", start + 2) + 1 :]
        assert "*" not in form.replace("(?:", ""), one
        assert "+" not in form, one


def templates() -> Iterator[Path]:
    found = find_spec("comfyui_workflow_templates_json")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent.rglob("*.json")


def test_no_published_template_of_comfyui_is_said_to_hold_a_secret() -> None:
    paths = sorted(templates())
    assert len(paths) > 600
    found = {path.name: secrets_in(json.loads(path.read_bytes())) for path in paths}
    assert {name: places for name, places in found.items() if places} == {}
