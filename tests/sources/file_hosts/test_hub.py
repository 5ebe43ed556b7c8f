"""Hugging Face: what it says of a file, against a stand-in that answers as the hub does."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from place import Fault, File, Repo, declared

from runflow_build.sources.file_hosts.hub import hub_file, stored_token
from runflow_build.sources.file_hosts.online import FileHostsOnline, tokens_of
from runflow_build.sources.http.outage import Missing, Refused
from runflow_build.sources.world import RemoteFile, Unanswered

C1, C2 = "1" * 40, "2" * 40
SHA, OTHER = "a" * 64, "b" * 64
HUB = "https://huggingface.co"

Make = Callable[..., FileHostsOnline]


@pytest.fixture
def place(stand_in: Any) -> Any:
    stand_in.place.repos["acme/styles"] = Repo(
        {
            C1: {"ink.safetensors": declared(OTHER, 900)},
            C2: {
                "ink.safetensors": declared(SHA, 1000),
                "sub/x y.safetensors": declared(SHA, 1000),
                "notes.txt": File(b"small", lfs=False),
            },
        },
        refs={"v1": C1, "refs/pr/3": C1},
    )
    return stand_in.place


@pytest.mark.parametrize(
    "path",
    [
        "resolve/main/ink.safetensors",
        "resolve/main/ink.safetensors?download=true",
        "blob/main/ink.safetensors",
        "raw/main/ink.safetensors#top",
        f"resolve/{C2}/ink.safetensors",
    ],
)
def test_every_spelling_of_a_file_gives_its_commit_hash_and_size(
    path: str, place: Any, file_hosts: Make
) -> None:
    expected = RemoteFile(f"{HUB}/acme/styles/resolve/{C2}/ink.safetensors", SHA, 1000)
    assert file_hosts().file(f"{HUB}/acme/styles/{path}") == expected


@pytest.mark.parametrize("revision", ["v1", "refs/pr/3", "refs%2Fpr%2F3"])
def test_a_tag_and_a_pull_request_are_revisions(
    revision: str, place: Any, file_hosts: Make
) -> None:
    found = file_hosts().file(f"{HUB}/acme/styles/resolve/{revision}/ink.safetensors")
    assert found == RemoteFile(f"{HUB}/acme/styles/resolve/{C1}/ink.safetensors", OTHER, 900)


def test_nothing_is_downloaded_and_the_storage_is_not_asked(place: Any, file_hosts: Make) -> None:
    file_hosts().file(f"{HUB}/acme/styles/resolve/main/sub/x%20y.safetensors")
    assert [(one.method, one.url) for one in place.asked] == [
        ("HEAD", f"{HUB}/acme/styles/resolve/main/sub/x%20y.safetensors")
    ]


def test_a_file_in_xet_is_known_by_its_sha256_too(place: Any, file_hosts: Make) -> None:
    place.repos["acme/styles"].commits[C2]["xet.safetensors"] = File(b"data", xet="f" * 64)
    found = file_hosts().file(f"{HUB}/acme/styles/resolve/main/xet.safetensors")
    assert found is not None
    assert (found.sha256, found.size) == (hashlib.sha256(b"data").hexdigest(), 4)


def test_the_answer_is_that_of_huggingface_hub(place: Any, stand_in: Any, file_hosts: Make) -> None:
    library = pytest.importorskip("huggingface_hub")
    for name in ("ink.safetensors", "notes.txt", "sub/x y.safetensors"):
        url = library.hf_hub_url("acme/styles", name, endpoint=stand_in.at(HUB), revision="main")
        theirs = library.get_hf_file_metadata(url)
        ours = file_hosts().file(f"{HUB}/acme/styles/resolve/main/{name.replace(' ', '%20')}")
        assert ours is not None
        assert ours.size == theirs.size
        assert f"/resolve/{theirs.commit_hash}/" in ours.url
        if name != "notes.txt":
            assert ours.sha256 == theirs.etag


def test_a_small_file_outside_of_lfs_is_read_once_for_its_hash(
    place: Any, file_hosts: Make
) -> None:
    expected = RemoteFile(
        f"{HUB}/acme/styles/resolve/{C2}/notes.txt", hashlib.sha256(b"small").hexdigest(), 5
    )
    for _ in range(2):
        assert file_hosts().file(f"{HUB}/acme/styles/resolve/main/notes.txt") == expected
    # One GET, and where the hub sends it on to.
    assert sum(one.method == "GET" and "/resolve/" in one.url for one in place.asked) == 1


def test_a_large_file_outside_of_lfs_is_read_only_when_told_to(
    place: Any, file_hosts: Make
) -> None:
    data = bytes(11 << 20)
    place.repos["acme/styles"].commits[C2]["big.bin"] = File(data, lfs=False)
    url = f"{HUB}/acme/styles/resolve/main/big.bin"
    pinned = f"{HUB}/acme/styles/resolve/{C2}/big.bin"
    assert file_hosts().file(url) == RemoteFile(pinned, None, len(data))
    digest = hashlib.sha256(data).hexdigest()
    assert file_hosts().file(url, read=True) == RemoteFile(pinned, digest, len(data))


@pytest.mark.parametrize("name", ["ink.safetensors", "notes.txt"])
def test_what_was_answered_is_there_offline(name: str, place: Any, file_hosts: Make) -> None:
    for revision in ("main", C2):
        url = f"{HUB}/acme/styles/resolve/{revision}/{name}"
        online = file_hosts().file(url)
        asked = len(place.asked)
        assert file_hosts(offline=True).file(url) == online
        assert len(place.asked) == asked


def test_an_immutable_answer_is_never_asked_for_again(place: Any, file_hosts: Make) -> None:
    for _ in range(3):
        file_hosts().file(f"{HUB}/acme/styles/resolve/{C2}/ink.safetensors")
    assert len(place.asked) == 1


def test_a_branch_is_asked_each_time(place: Any, file_hosts: Make) -> None:
    url = f"{HUB}/acme/styles/resolve/main/ink.safetensors"
    file_hosts().file(url)
    place.repos["acme/styles"].refs["main"] = C1
    found = file_hosts().file(url)
    assert found is not None and found.sha256 == OTHER


def test_a_renamed_repository_is_pinned_by_its_new_name(place: Any, file_hosts: Make) -> None:
    place.repos["old/name"] = Repo({}, moved_to="acme/styles")
    for name in ("ink.safetensors", "notes.txt"):
        found = file_hosts().file(f"{HUB}/old/name/resolve/main/{name}")
        assert found is not None
        assert found.url == f"{HUB}/acme/styles/resolve/{C2}/{name}"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "acme/styles/resolve/main/inc.safetensors",
            "acme/styles at main has no file `inc.safetensors`; did you mean `ink.safetensors`?",
        ),
        (
            "acme/styles/resolve/v9/ink.safetensors",
            "the repository acme/styles has no revision `v9`",
        ),
    ],
)
def test_what_is_not_there_is_named(path: str, reason: str, place: Any, file_hosts: Make) -> None:
    with pytest.raises(Missing) as caught:
        file_hosts().file(f"{HUB}/{path}")
    assert caught.value.reason == reason
    assert caught.value.fix == f"correct the address: {HUB}/acme/styles/tree/main"


def test_a_repository_that_is_gone_is_missing_to_who_has_a_token(
    place: Any, file_hosts: Make
) -> None:
    place.tokens["huggingface.co"] = {"hf_known"}
    url = f"{HUB}/acme/gone/resolve/main/x.safetensors"
    with pytest.raises(Missing, match="has no repository acme/gone"):
        file_hosts(tokens={"huggingface.co": "hf_known"}).file(url)
    with pytest.raises(Refused) as caught:
        file_hosts().file(url)
    assert caught.value.reason == "acme/gone is private, or there is no such repository"
    assert f"{HUB}/acme/gone" in (caught.value.fix or "")


def test_a_gated_repository_says_where_to_ask_for_access(place: Any, file_hosts: Make) -> None:
    place.repos["acme/styles"].gated = True
    place.repos["acme/styles"].readers = ("hf_reader",)
    place.tokens["huggingface.co"] = {"hf_stranger", "hf_reader"}
    url = f"{HUB}/acme/styles/resolve/main/ink.safetensors"

    def refusal(tokens: Mapping[str, str]) -> Refused:
        with pytest.raises(Refused) as caught:
            file_hosts(tokens=tokens).file(url)
        return caught.value

    assert refusal({}).fix == (
        f"ask for access on {HUB}/acme/styles, and set HF_TOKEN to a token of that account"
    )
    stranger = refusal({"huggingface.co": "hf_stranger"})
    assert stranger.reason == "acme/styles is gated, and your token has no access to it"
    assert stranger.fix == f"ask for access on {HUB}/acme/styles"
    assert "hf_stranger" not in stranger.reason
    wrong = refusal({"huggingface.co": "hf_wrong"})
    assert wrong.reason == "huggingface.co does not know the token that it was shown"
    found = file_hosts(tokens={"huggingface.co": "hf_reader"}).file(url)
    assert found is not None and found.sha256 == SHA


def test_a_page_is_no_file(place: Any, file_hosts: Make) -> None:
    with pytest.raises(Unanswered, match="address of a page"):
        file_hosts().file(f"{HUB}/acme/styles")


def test_a_busy_hub_is_no_answer(place: Any, file_hosts: Make) -> None:
    url = f"{HUB}/acme/styles/resolve/main/ink.safetensors"
    place.faults[url] = Fault(times=None, status=503, retry_after="3600")
    with pytest.raises(Unanswered, match=r"huggingface\.co"):
        file_hosts().file(url)


def test_a_content_is_found_in_a_repository_called_like_the_file(
    place: Any, file_hosts: Make
) -> None:
    place.repos["someone/ink-styles"] = Repo({C1: {"other.safetensors": declared(OTHER, 3)}})
    place.repos["acme/ink"] = Repo({C2: {"renamed.safetensors": declared(SHA, 1000)}})
    found = file_hosts().places_of(SHA, "ink.safetensors", 1000)
    expected = f"{HUB}/acme/ink/resolve/{C2}/renamed.safetensors"
    assert [one.url for one in found] == [expected]


def test_a_name_alone_is_no_place(place: Any, file_hosts: Make) -> None:
    place.repos["acme/ink"] = Repo({C2: {"ink.safetensors": declared(OTHER, 1000)}})
    assert list(file_hosts().places_of(SHA, "ink.safetensors", 1000)) == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{HUB}/gpt2/resolve/main/model.safetensors", "gpt2"),
        (f"{HUB}/datasets/a/b/resolve/main/x.bin", "a/b"),
        (f"{HUB}/a/resolve/resolve/main/x.bin", "a/resolve"),
    ],
)
def test_repositories_without_owner_and_of_other_kinds_have_files(url: str, name: str) -> None:
    found = hub_file(url)
    assert found is not None
    assert (found.name, found.url) == (name, url)


@pytest.mark.parametrize(
    "path", ["", "a/b", "a/b/resolve/main", "a/b/tree/main/x", "a/b/resolve/main/../../x", "a//b"]
)
def test_other_addresses_name_no_file(path: str) -> None:
    assert hub_file(f"{HUB}/{path}") is None


def test_the_stored_token_is_that_of_huggingface_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub")
    (tmp_path / "token").write_text("hf_stored\n")
    environ = {"HF_HOME": str(tmp_path)}
    assert stored_token(environ) == "hf_stored"
    assert tokens_of(environ) == {"huggingface.co": "hf_stored"}
    assert tokens_of({**environ, "HF_TOKEN": "hf_set"}) == {"huggingface.co": "hf_set"}
    assert stored_token({"HF_HOME": str(tmp_path / "none")}) is None
    code = "import huggingface_hub; print(huggingface_hub.get_token())"
    clean = {"HF_HOME": str(tmp_path), "PATH": ""}
    said = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True)
    assert said.stdout.strip() == "hf_stored"


def test_asking_the_hub_imports_no_huggingface_hub() -> None:
    code = (
        "import sys, runflow_build.sources.file_hosts as f; "
        "print([m for m in ('huggingface_hub', 'httpx', 'httpx2') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
