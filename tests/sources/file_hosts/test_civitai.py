"""Civitai: versions, their files, and who may have them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from place import CivitaiVersion, Fault, File, Repo, declared

from runflow_build.sources.file_hosts.online import FileHostsOnline
from runflow_build.sources.http.outage import Missing
from runflow_build.sources.world import RemoteFile, Unanswered

SITE = "https://civitai.com"
SHA, VAE_SHA = "c" * 64, "d" * 64

Make = Callable[..., FileHostsOnline]


@pytest.fixture
def place(stand_in: Any) -> Any:
    files = {"ink.safetensors": declared(SHA, 12_345_678), "ink.vae.pt": declared(VAE_SHA, 1001)}
    stand_in.place.civitai[77] = CivitaiVersion(files, model=5)
    stand_in.place.civitai[78] = CivitaiVersion({"ink2.safetensors": declared("e" * 64, 9)}, 5)
    return stand_in.place


@pytest.mark.parametrize(
    "path",
    [
        "api/download/models/77",
        "api/download/models/77?type=Model&format=SafeTensor&size=pruned&fp=fp16",
        "models/5?modelVersionId=77",
        "models/5/ink-style?modelVersionId=77",
        "api/v1/model-versions/77",
    ],
)
def test_every_spelling_of_a_version_gives_its_file(
    path: str, place: Any, file_hosts: Make
) -> None:
    expected = RemoteFile(f"{SITE}/api/download/models/77", SHA, 12_345_678)
    assert file_hosts().file(f"{SITE}/{path}") == expected
    assert file_hosts().file(f"https://www.civitai.com/{path}") == expected


def test_a_model_without_version_means_its_newest(place: Any, file_hosts: Make) -> None:
    found = file_hosts().file(f"{SITE}/models/5")
    assert found is not None and found.url == f"{SITE}/api/download/models/78"


def test_the_query_chooses_among_the_files_of_a_version(place: Any, file_hosts: Make) -> None:
    url = f"{SITE}/api/download/models/77?type=VAE"
    assert file_hosts().file(url) == RemoteFile(url, VAE_SHA, 1001)


def test_the_token_of_a_query_is_not_kept(place: Any, file_hosts: Make) -> None:
    found = file_hosts().file(f"{SITE}/api/download/models/77?type=VAE&token=0123456789")
    assert found is not None and found.url == f"{SITE}/api/download/models/77?type=VAE"


def test_a_choice_that_fits_no_file_names_those_there_are(place: Any, file_hosts: Make) -> None:
    with pytest.raises(Missing) as caught:
        file_hosts().file(f"{SITE}/api/download/models/77?format=PickleTensor")
    assert caught.value.reason == (
        "version 77 at civitai.com has no file of format=PickleTensor: ink.safetensors; ink.vae.pt"
    )


@pytest.mark.parametrize(
    "path", ["api/download/models/99", "models/9", "models/9?modelVersionId=9"]
)
def test_a_version_that_is_gone_is_missing(path: str, place: Any, file_hosts: Make) -> None:
    with pytest.raises(Missing, match=r"civitai\.com has no (version|model)"):
        file_hosts().file(f"{SITE}/{path}")


def test_a_page_of_something_else_is_no_file(place: Any, file_hosts: Make) -> None:
    with pytest.raises(Unanswered, match="address of a page"):
        file_hosts().file(f"{SITE}/user/someone")


def test_a_content_is_found_by_its_hash(place: Any, file_hosts: Make) -> None:
    found = file_hosts().places_of(VAE_SHA, "whatever.pt", 1001)
    assert found == [RemoteFile(f"{SITE}/api/download/models/77?type=VAE", VAE_SHA, 1001)]
    assert place.count("huggingface.co") == 0


def test_a_hash_that_is_another_files_beginning_is_no_place(place: Any, file_hosts: Make) -> None:
    assert list(file_hosts().places_of("f" * 64, "whatever.pt", 1001)) == []


def test_what_one_host_cannot_say_another_may(place: Any, file_hosts: Make) -> None:
    by_hash = f"{SITE}/api/v1/model-versions/by-hash/{'f' * 64}"
    place.faults[by_hash] = Fault(times=None, status=403)
    with pytest.raises(Unanswered, match=r"civitai\.com"):
        file_hosts().places_of("f" * 64, "other.pt", 1001)
    place.repos["acme/ink"] = Repo({"1" * 40: {"x.pt": declared("f" * 64, 1001)}})
    found = file_hosts().places_of("f" * 64, "Ink.pt", 1001)
    assert [one.sha256 for one in found] == ["f" * 64]


def version(place: Any, **told: Any) -> None:
    row = {
        **{"id": 80, "modelId": 6, "files": [{"name": "a", "primary": True, "sizeKB": 1.0}]},
        **told,
    }
    url = f"{SITE}/api/v1/model-versions/80"
    place.faults[url] = Fault(
        times=None, status=200, body=json.dumps(row).encode(), kind="application/json"
    )


def test_early_access_says_until_when_and_where_to_get_it(place: Any, file_hosts: Make) -> None:
    version(place, availability="EarlyAccess", earlyAccessEndsAt="2031-05-01T00:00:00.000Z")
    place.faults[f"{SITE}/api/download/models/80"] = Fault(times=None, status=401)
    with pytest.raises(Unanswered) as caught:
        file_hosts().file(f"{SITE}/api/download/models/80")
    assert caught.value.reason == (
        "version 80 is in early access until 2031-05-01: civitai.com gives it to its buyers only"
    )
    assert f"{SITE}/models/6?modelVersionId=80" in (caught.value.fix or "")


def test_a_buyer_of_early_access_pins_it(place: Any, file_hosts: Make) -> None:
    hashes = {"SHA256": SHA.upper()}
    files = [{"name": "a", "primary": True, "sizeKB": 1.0, "hashes": hashes}]
    version(place, availability="EarlyAccess", files=files)
    place.faults[f"{SITE}/api/download/models/80"] = Fault(times=None, status=200)
    found = file_hosts().file(f"{SITE}/api/download/models/80")
    assert found is not None and found.sha256 == SHA


def test_what_civitai_only_runs_cannot_be_had(place: Any, file_hosts: Make) -> None:
    version(place, usageControl="InternalGeneration")
    with pytest.raises(Unanswered, match="and not downloaded"):
        file_hosts().file(f"{SITE}/api/download/models/80")


def test_a_file_without_hash_is_read_when_told_to(place: Any, file_hosts: Make) -> None:
    place.civitai[80] = CivitaiVersion({"a.safetensors": File(b"bytes")})
    version(place)
    url = f"{SITE}/api/download/models/80"
    assert file_hosts().file(url) == RemoteFile(url, None, 1024)
    digest = hashlib.sha256(b"bytes").hexdigest()
    assert file_hosts().file(url, read=True) == RemoteFile(url, digest, 5)


def test_a_log_in_page_is_never_hashed(place: Any, file_hosts: Make) -> None:
    place.civitai[80] = CivitaiVersion({"a.safetensors": File(b"bytes")}, needs_token=True)
    place.tokens["civitai.com"] = {"known"}
    version(place)
    url = f"{SITE}/api/download/models/80"
    with pytest.raises(Unanswered) as caught:
        file_hosts().file(url, read=True)
    assert caught.value.reason == "civitai.com wants an account for this file"
    assert "CIVITAI_API_TOKEN" in (caught.value.fix or "")
    found = file_hosts(tokens={"civitai.com": "known"}).file(url, read=True)
    assert found is not None and found.size == 5


@pytest.mark.parametrize(
    "row",
    [
        {"id": "80"},
        {"files": "none"},
        {"files": [None, {"hashes": [], "sizeKB": "many", "metadata": 3, "downloadUrl": 1}]},
        {"files": [{"sizeKB": -1, "hashes": {"SHA256": "odd"}}]},
    ],
)
def test_answers_of_an_unknown_form_are_no_crash(
    row: dict[str, Any], place: Any, file_hosts: Make
) -> None:
    version(place, **row)
    try:
        found = file_hosts().file(f"{SITE}/api/download/models/80")
    except Unanswered:
        return
    assert found == RemoteFile(f"{SITE}/api/download/models/80", None, None)


def test_a_rounded_size_counts_as_not_said(place: Any, file_hosts: Make) -> None:
    version(place, files=[{"name": "a", "sizeKB": 2.34, "hashes": {"SHA256": SHA.upper()}}])
    found = file_hosts().file(f"{SITE}/api/download/models/80")
    assert found == RemoteFile(f"{SITE}/api/download/models/80", SHA, None)


def test_a_download_address_elsewhere_is_not_followed(place: Any, file_hosts: Make) -> None:
    rows = [
        {"name": "a", "primary": True},
        {"name": "b", "type": "VAE", "downloadUrl": "https://evil.example/x"},
    ]
    version(place, files=rows)
    found = file_hosts().file(f"{SITE}/api/download/models/80?type=VAE")
    assert found is not None and found.url == f"{SITE}/api/download/models/80?type=VAE"
