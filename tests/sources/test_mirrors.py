"""Local stand-ins for public hosts."""

from __future__ import annotations

import pytest

from runflow_build.errors import UsageError
from runflow_build.sources.mirrors import mirrors_of

MIRRORS = mirrors_of(
    {
        "HF_ENDPOINT": "http://hub.local/",
        "RUNFLOW_MIRRORS": " https://civitai.com=http://m.local/civitai/  "
        "https://civitai.com/api/v1=http://api.local ",
    }
)


@pytest.mark.parametrize(
    ("public", "local"),
    [
        ("https://huggingface.co/o/n", "http://hub.local/o/n"),
        ("https://huggingface.co", "http://hub.local"),
        ("https://huggingface.co?a=b", "http://hub.local?a=b"),
        ("https://civitai.com/x", "http://m.local/civitai/x"),
        ("https://civitai.com/api/v1/models/1", "http://api.local/models/1"),  # the longest counts
        ("https://civitai.com/api/v12", "http://m.local/civitai/api/v12"),
    ],
)
def test_a_url_below_a_public_prefix_is_asked_of_its_mirror_and_back(
    public: str, local: str
) -> None:
    assert MIRRORS.local(public) == local
    assert MIRRORS.public(local) == public


@pytest.mark.parametrize(
    "url",
    ["https://huggingface.com/x", "https://huggingface.co.evil/x", "http://huggingface.co/x"],
)
def test_another_host_has_no_mirror(url: str) -> None:
    assert MIRRORS.local(url) == MIRRORS.public(url) == url


def test_texts_hold_public_urls() -> None:
    text = 'url = "http://hub.local/o/n", index = "http://m.local/civitai"'
    public = 'url = "https://huggingface.co/o/n", index = "https://civitai.com"'
    assert MIRRORS.public_text(text) == public


def test_a_variable_names_the_hub_more_closely_than_its_own_one() -> None:
    both = {"HF_ENDPOINT": "http://a", "RUNFLOW_MIRRORS": "https://huggingface.co=http://b"}
    assert mirrors_of(both).local("https://huggingface.co/x") == "http://b/x"


def test_an_endpoint_that_is_the_hub_itself_is_no_mirror() -> None:
    assert mirrors_of({"HF_ENDPOINT": "https://huggingface.co"}).pairs == ()
    assert mirrors_of({}).pairs == ()


@pytest.mark.parametrize("value", ["civitai.com=http://m", "https://civitai.com", "https://a=b"])
def test_what_is_no_pair_of_urls_is_said(value: str) -> None:
    with pytest.raises(UsageError, match="is no pair of URLs"):
        mirrors_of({"RUNFLOW_MIRRORS": value})


def test_a_password_in_it_is_not_shown() -> None:
    with pytest.raises(UsageError) as raised:
        mirrors_of({"RUNFLOW_MIRRORS": "https://u:hunter2@a"})
    assert "hunter2" not in str(raised.value)
