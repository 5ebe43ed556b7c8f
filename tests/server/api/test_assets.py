"""Uploading a file in three steps, and reading it back through its link."""

from __future__ import annotations

import hashlib
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from waiting import until

Api = Any

UPLOADS = "/v1/asset-uploads"


def announce(api: Api, size: int = 3, mime_type: str = "image/png", name: str = "a.png") -> Any:
    return api.post(UPLOADS, {"filename": name, "mime_type": mime_type, "size_bytes": size})


def confirm(api: Api, asset_id: str, status: int = 201) -> Any:
    return api.post(f"{UPLOADS}/{asset_id}/confirmations", {"folder_id": None}, status)


def test_a_file_comes_back_as_it_was_sent(shared: Api, png: bytes) -> None:
    asset = shared.upload(png, "holiday.png")
    assert asset["name"] == "holiday.png"
    assert (asset["mime_type"], asset["asset_type"]) == ("image/png", "image")
    assert asset["size_bytes"] == len(png)
    assert asset["sha256"] == hashlib.sha256(png).hexdigest()
    again = shared.get(f"/v1/assets/{asset['id']}")
    for url in (asset["url"], again["url"]):
        answer = shared.web.get(url)
        assert answer.status_code == 200
        assert answer.content == png
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == 'inline; filename="holiday.png"'


@pytest.mark.parametrize("content_type", ["image/png", "IMAGE/PNG"])
def test_the_bytes_go_without_a_key_and_may_be_sent_again(content_type: str, shared: Api) -> None:
    announced = announce(shared)
    assert shared.put(announced["upload_url"], b"one", content_type).status_code == 200
    assert shared.put(announced["upload_url"], b"two", content_type).status_code == 200
    asset = confirm(shared, announced["asset_id"])
    assert shared.web.get(asset["url"]).content == b"two"


def test_a_second_confirmation_gives_the_same_asset(shared: Api) -> None:
    announced = announce(shared)
    shared.put(announced["upload_url"], b"one")
    first, second = (confirm(shared, announced["asset_id"]) for _ in range(2))
    assert {**first, "url": ""} == {**second, "url": ""}


def test_a_confirmed_asset_never_changes(shared: Api) -> None:
    announced = announce(shared)
    shared.put(announced["upload_url"], b"one")
    asset = confirm(shared, announced["asset_id"])
    assert shared.put(announced["upload_url"], b"one").status_code == 200
    assert shared.put(announced["upload_url"], b"two").status_code == 409
    assert shared.web.get(asset["url"]).content == b"one"


def test_whichever_of_many_uploads_comes_last_file_and_digest_agree(shared: Api) -> None:
    announced = announce(shared, size=200_000)
    bodies = [bytes([number]) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: shared.put(announced["upload_url"], body), bodies))
    assert {answer.status_code for answer in answers} == {200}
    asset = confirm(shared, announced["asset_id"])
    content = shared.web.get(asset["url"]).content
    assert hashlib.sha256(content).hexdigest() == asset["sha256"]


def test_an_asset_is_confirmed_only_when_its_bytes_are_here(shared: Api) -> None:
    announced = announce(shared)
    assert "PUT them" in confirm(shared, announced["asset_id"], 409)["message"]
    shared.put(announced["upload_url"], b"one")
    shared.get(f"/v1/assets/{announced['asset_id']}", 404)
    confirm(shared, announced["asset_id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "a" * 501}, "filename"),
        ({"mime_type": "png"}, "mime_type"),
        ({"mime_type": "image/png\r\nSet-Cookie: a=b"}, "mime_type"),
        ({"size_bytes": 0}, "size_bytes"),
        ({"size_bytes": 50 * 1024 * 1024 + 1}, "size_bytes"),
        ({"size_bytes": "3"}, "size_bytes"),
        ({"folder": None}, "folder"),
    ],
)
def test_an_upload_that_cannot_be_is_refused(body: dict[str, Any], field: str, shared: Api) -> None:
    shape = {"filename": "a.png", "mime_type": "image/png", "size_bytes": 3, **body}
    assert shared.post(UPLOADS, shape, 422)["errors"][0]["loc"] == ["body", field]


def test_there_are_no_folders(shared: Api) -> None:
    announced = announce(shared)
    path = f"{UPLOADS}/{announced['asset_id']}/confirmations"
    shared.post(path, {"folder_id": announced["asset_id"]}, 422)


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"four", "image/png", "is larger than the announced 3 bytes"),
        (b"ab", "image/png", "is 2 bytes, not the announced 3"),
        (b"", "image/png", "is 0 bytes, not the announced 3"),
        (b"abc", "image/jpeg", "must be image/png, as announced"),
    ],
)
def test_other_bytes_than_announced_are_refused(
    content: bytes, content_type: str, message: str, shared: Api
) -> None:
    announced = announce(shared)
    answer = shared.put(announced["upload_url"], content, content_type)
    assert answer.status_code == 422
    assert message in answer.json()["message"]
    confirm(shared, announced["asset_id"], 409)


def test_an_endless_upload_is_cut_off(shared: Api) -> None:
    announced = announce(shared, size=1000)
    answer = shared.put(announced["upload_url"], (b"x" * 1000 for _ in range(10_000)))
    assert answer.status_code == 422


def test_an_upload_that_breaks_off_leaves_nothing(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    announced = announce(api, size=100_000)
    link = urlsplit(announced["upload_url"])
    with socket.create_connection((link.hostname or "", link.port or 0)) as connection:
        head = f"PUT {link.path}?{link.query} HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n"
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + b"x" * 50_000)
        incoming = api.data_dir / "files" / "incoming"
        until(lambda: list(incoming.iterdir()))
    until(lambda: not list(incoming.iterdir()))
    confirm(api, announced["asset_id"], 409)
    assert "defect" not in caplog.text


def test_a_disk_that_takes_nothing_is_said(api: Api) -> None:
    announced = announce(api)
    (api.data_dir / "files" / "incoming").rmdir()
    answer = api.put(announced["upload_url"], b"one")
    assert answer.status_code == 503
    assert answer.json()["message"] == "the data folder is busy or full"


def test_links_expire(api: Api, png: bytes) -> None:
    announced = announce(api)
    asset = api.upload(png)
    api.clock.ahead_s = 3601
    assert api.put(announced["upload_url"], b"one").status_code == 403
    assert api.web.get(asset["url"]).status_code == 200
    api.clock.ahead_s = 24 * 3600 + 1
    answer = api.web.get(asset["url"])
    assert answer.status_code == 403
    assert answer.json()["code"] == "PERMISSION_DENIED"
    assert api.web.get(api.get(f"/v1/assets/{asset['id']}")["url"]).status_code == 200


def test_a_link_opens_one_file_by_one_method(shared: Api, png: bytes) -> None:
    asset, other = shared.upload(png), shared.upload(b"other")
    parts = urlsplit(asset["url"])
    base = f"{parts.scheme}://{parts.netloc}"
    elsewhere = [
        f"{base}/v1/files/{other['id']}/photo.png?{parts.query}",
        f"{base}{parts.path}?{parts.query.replace('expires=1', 'expires=2')}",
        f"{base}{parts.path}?{parts.query[:-1]}",
        f"{base}{parts.path}",
        f"{base}/v1/files/..%2f..%2frunflow.db/a?{parts.query}",
        f"{base}/v1/files/%2e%2e/runflow.db?{parts.query}",
    ]
    assert {shared.web.get(url).status_code for url in elsewhere} <= {403, 404}
    upload = f"{base}/v1/uploads/{asset['id']}?{parts.query}"
    assert shared.put(upload, png).status_code == 403
    assert shared.web.head(asset["url"]).headers["content-length"] == str(len(png))


@pytest.mark.parametrize(
    ("mime_type", "disposition"),
    [
        ("image/webp", "inline"),
        ("video/mp4", "inline"),
        ("audio/flac", "inline"),
        ("text/html", "attachment"),
        ("image/svg+xml", "attachment"),
        ("application/octet-stream", "attachment"),
    ],
)
def test_only_pictures_films_and_sounds_open_in_a_browser(
    mime_type: str, disposition: str, shared: Api
) -> None:
    asset = shared.upload(b"<script>", "a", mime_type)
    headers = shared.web.get(asset["url"]).headers
    assert headers["content-disposition"].startswith(disposition)
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\a.png", "a.png"),
        ("été\r\nX: y.png", "été\r\nX: y.png"),
        ("a/", "file"),
        ("50%/?#&.png", "?#&.png"),
    ],
)
def test_any_name_is_only_a_name(given: str, kept: str, shared: Api) -> None:
    asset = shared.upload(b"abc", given)
    assert asset["name"] == kept
    answer = shared.web.get(asset["url"])
    assert answer.content == b"abc"
    assert "x" not in answer.headers


def test_the_bytes_of_an_asset_lie_only_in_the_data_folder(api: Api, png: bytes) -> None:
    asset = api.upload(png, "../../up.png")
    files = [path for path in api.data_dir.parent.rglob("*") if path.is_file()]
    assert [path for path in files if path.read_bytes() == png] == [
        api.data_dir / "files" / asset["id"][-2:] / asset["id"]
    ]
    assert (api.data_dir.stat().st_mode & 0o777) == 0o700


def test_an_asset_is_its_organizations_alone(shared: Api, png: bytes) -> None:
    asset = shared.upload(png)
    announced = announce(shared)
    shared.put(announced["upload_url"], b"one")
    other = shared.with_key(organization="acme")
    other.get(f"/v1/assets/{asset['id']}", 404)
    confirm(other, announced["asset_id"], 404)
    other.client.close()


def test_a_public_address_stands_in_every_link(serve: Any, tmp_path: Any) -> None:
    with serve(tmp_path, public_url="https://api.example.com/") as api:
        announced = announce(api)
        assert announced["upload_url"].startswith("https://api.example.com/v1/uploads/")
