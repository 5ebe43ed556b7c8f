"""GitHub: files of releases, with and without a digest, and of repositories."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from place import Fault, File, declared

from runflow_build.sources.file_hosts.github import Asset, asset_of
from runflow_build.sources.file_hosts.online import FileHostsOnline
from runflow_build.sources.http.outage import Missing
from runflow_build.sources.world import RemoteFile, Unanswered

SITE, API = "https://github.com", "https://api.github.com"
URL = f"{SITE}/acme/faces/releases/download/v1.0/face.pth"
SHA = "9" * 64

Make = Callable[..., FileHostsOnline]


@pytest.fixture
def place(stand_in: Any) -> Any:
    assets = {"face.pth": declared(SHA, 400), "eyes.pth": File(b"eyes")}
    stand_in.place.releases["acme/faces"] = {"v1.0": assets, "nested/tag": assets}
    return stand_in.place


def release(place: Any, api: str, *assets: dict[str, Any]) -> None:
    body = json.dumps({"assets": assets}).encode()
    place.faults[api] = Fault(times=None, status=200, body=body, kind="application/json")


def test_a_release_says_digest_and_size(place: Any, file_hosts: Make) -> None:
    assert file_hosts().file(URL) == RemoteFile(URL, SHA, 400)
    assert place.count("github.com/acme") == 0


def test_a_tag_may_hold_slashes(place: Any, file_hosts: Make) -> None:
    url = f"{SITE}/acme/faces/releases/download/nested/tag/face.pth"
    assert file_hosts().file(url) == RemoteFile(url, SHA, 400)


def test_the_latest_release_is_pinned_to_its_tag(place: Any, file_hosts: Make) -> None:
    row = {
        **{"name": "face.pth", "size": 400, "digest": f"sha256:{SHA}"},
        "browser_download_url": URL,
    }
    release(place, f"{API}/repos/acme/faces/releases/latest", row)
    latest = f"{SITE}/acme/faces/releases/latest/download/face.pth"
    assert file_hosts().file(latest) == RemoteFile(URL, SHA, 400)


def test_an_older_release_has_to_be_read(place: Any, file_hosts: Make) -> None:
    row = {"name": "eyes.pth", "size": 4, "digest": None}
    release(place, f"{API}/repos/acme/faces/releases/tags/v1.0", row)
    url = f"{SITE}/acme/faces/releases/download/v1.0/eyes.pth"
    assert file_hosts().file(url) == RemoteFile(url, None, 4)
    digest = hashlib.sha256(b"eyes").hexdigest()
    assert file_hosts().file(url, read=True) == RemoteFile(url, digest, 4)
    # From now on the ETag tells that it is the same file.
    assert file_hosts().file(url) == RemoteFile(url, digest, 4)


def test_a_file_that_is_not_there_names_the_nearest(place: Any, file_hosts: Make) -> None:
    with pytest.raises(Missing) as caught:
        file_hosts().file(URL.replace("face.pth", "faces.pth"))
    assert caught.value.reason == (
        "release v1.0 of acme/faces has no file `faces.pth`; did you mean `face.pth`?"
    )


def test_a_release_that_is_not_there_is_missing(place: Any, file_hosts: Make) -> None:
    with pytest.raises(Missing, match="acme/faces has no release v9"):
        file_hosts().file(URL.replace("v1.0", "v9"))


def test_a_renamed_repository_is_pinned_by_its_new_name(place: Any, file_hosts: Make) -> None:
    now = URL.replace("acme/faces", "acme/all-faces")
    row = {"name": "face.pth", "digest": f"sha256:{SHA}", "browser_download_url": now}
    release(place, f"{API}/repos/acme/faces/releases/tags/v1.0", row)
    assert file_hosts().file(URL) == RemoteFile(now, SHA, None)


def test_an_address_elsewhere_in_the_answer_is_not_believed(place: Any, file_hosts: Make) -> None:
    evil = "https://evil.example/acme/faces/releases/download/v1.0/face.pth"
    row = {"name": "face.pth", "digest": f"sha256:{SHA}", "browser_download_url": evil}
    release(place, f"{API}/repos/acme/faces/releases/tags/v1.0", row)
    assert file_hosts().file(URL) == RemoteFile(URL, SHA, None)


def test_where_the_api_refuses_us_github_still_says_the_size(place: Any, file_hosts: Make) -> None:
    api = f"{API}/repos/acme/faces/releases/tags/v1.0"
    place.faults[api] = Fault(times=None, status=401)
    assert file_hosts().file(URL) == RemoteFile(URL, None, 400)


def test_many_files_of_a_release_cost_one_question(place: Any, file_hosts: Make) -> None:
    hosts = file_hosts()
    for name in ("face.pth", "eyes.pth"):
        assert hosts.file(URL.replace("face.pth", name)) is not None
    assert place.count("api.github.com") == 1


def test_other_addresses_name_no_asset() -> None:
    assert asset_of(f"{SITE}/a/b/releases/tag/v1") is None
    assert asset_of(f"{SITE}/a/b/raw/main/x.pth") is None
    assert asset_of(f"{SITE}/a/b/releases/download/x.pth") is None
    assert asset_of(f"{SITE}/a/b/releases/download/v%2F1/x%20y.pth") == Asset(
        "a/b", "v/1", "x y.pth"
    )


def test_the_page_that_shows_a_file_stands_for_the_file(place: Any, file_hosts: Make) -> None:
    raw = f"{SITE}/acme/faces/raw/main/tiny.pth"
    place.files[raw] = File(b"tiny")
    page = f"{SITE}/acme/faces/blob/main/tiny.pth"
    assert file_hosts().file(page) == RemoteFile(raw, None, 4)


def test_a_page_of_a_repository_is_no_file(place: Any, file_hosts: Make) -> None:
    place.files[f"{SITE}/acme/faces"] = File(b"<html>", kind="text/html; charset=utf-8")
    with pytest.raises(Unanswered, match="a web page instead of a file"):
        file_hosts().file(f"{SITE}/acme/faces")


@pytest.mark.parametrize(
    "url",
    [
        f"{SITE}/acme/tiny/raw/main/sub/a%20b.pth",
        f"{SITE}/acme/tiny/raw/refs/heads/main/sub/a%20b.pth",
        f"{SITE}/acme/tiny/blob/main/sub/a%20b.pth",
        "https://raw.githubusercontent.com/acme/tiny/main/sub/a%20b.pth",
    ],
)
def test_a_file_of_a_branch_is_pinned_to_its_commit(url: str, place: Any, file_hosts: Make) -> None:
    body = json.dumps({"object": {"type": "commit", "sha": "c" * 40}}).encode()
    api = f"{API}/repos/acme/tiny/git/ref/heads/main"
    place.faults[api] = Fault(times=None, status=200, body=body, kind="application/json")
    at_commit = f"{SITE}/acme/tiny/raw/{'c' * 40}/sub/a%20b.pth"
    place.files[at_commit] = File(b"tiny")
    assert file_hosts().file(url) == RemoteFile(at_commit, None, 4)
    digest = hashlib.sha256(b"tiny").hexdigest()
    assert file_hosts().file(url, read=True) == RemoteFile(at_commit, digest, 4)


def test_a_file_at_a_commit_needs_no_look_up(place: Any, file_hosts: Make) -> None:
    url = f"{SITE}/acme/tiny/raw/{'c' * 40}/a.pth"
    place.files[url] = File(b"tiny")
    assert file_hosts().file(url) == RemoteFile(url, None, 4)
    assert place.count("api.github.com") == 0
