"""The client on a real socket: what it tries again, what it never sends, what it says."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from waiting import until

from runflow_build.errors import ApiError, ApiRefusedError
from runflow_build.findings import Finding
from runflow_build.publish import client as client_module
from runflow_build.publish.client import Client, backoff

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"


def finding(error: pytest.ExceptionInfo[ApiError]) -> Finding:
    return error.value.findings[0]


def test_a_request_carries_the_key_and_says_who_asks(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/x", reply({"a": 1}))
    assert client.get("/v1/x", q="slug.eq:'ä b'", limit=1, pq=None) == {"a": 1}
    (seen,) = api.seen
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"].startswith("runflow-build/")
    assert seen.query == {"q": "slug.eq:'ä b'", "limit": "1"}


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_get_is_tried_again_until_it_works(
    api: Any, client: Client, reply: Any, pauses: list[float], status: int
) -> None:
    api.on("GET", "/v1/x", reply({}, status), reply(None, fault="reset"), reply({"a": 1}))
    assert client.get("/v1/x") == {"a": 1}
    assert len(pauses) == 2


@pytest.mark.parametrize("fault", ["reset", "cut", "silence", "drip"])
def test_a_fault_that_stays_is_told_after_five_attempts(
    api: Any, reply: Any, pauses: list[float], fault: str
) -> None:
    api.on("GET", "/v1/x", reply({"long": "x" * 90}, fault=fault))
    with (
        Client(api.url, KEY, timeout_s=0.04, pause=pauses.append) as client,
        pytest.raises(ApiError) as error,
    ):
        client.get("/v1/x")
    wanted = "api-timeout" if fault in ("silence", "drip") else "api-unreachable"
    assert finding(error).code == wanted
    assert finding(error).message.endswith("(5 attempts)")
    assert len(pauses) == 4
    until(lambda: len(api.seen) == 5)  # the API may come to a request after nobody waits for it


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422])
def test_a_refusal_is_never_asked_again(api: Any, client: Client, reply: Any, status: int) -> None:
    api.on("GET", "/v1/x", reply({"code": "X", "message": "m", "errors": None}, status))
    with pytest.raises(ApiError):
        client.get("/v1/x")
    assert len(api.seen) == 1


def test_every_attempt_of_a_post_has_the_same_idempotency_key(
    api: Any, client: Client, reply: Any
) -> None:
    api.on("POST", "/v1/x", reply(None, fault="reset"), reply({}, 503), reply({"id": "1"}, 201))
    assert client.post("/v1/x", {"a": "ä\ud800"}) == {"id": "1"}
    assert len({seen.headers["idempotency-key"] for seen in api.seen}) == 1
    assert [seen.json for seen in api.seen] == [{"a": "ä\ud800"}] * 3


def test_two_posts_have_two_idempotency_keys(api: Any, client: Client, reply: Any) -> None:
    api.on("POST", "/v1/x", reply({}))
    client.post("/v1/x", {})
    client.post("/v1/x", {})
    assert len({seen.headers["idempotency-key"] for seen in api.seen}) == 2


def test_a_post_with_one_attempt_is_sent_once(api: Any, client: Client, reply: Any) -> None:
    api.on("POST", "/v1/x", reply(None, fault="reset"))
    with pytest.raises(ApiError) as error:
        client.post("/v1/x", {}, attempts=1)
    assert (len(api.seen), error.value.status) == (1, None)


def test_a_delete_whose_answer_got_lost_has_worked(api: Any, client: Client, reply: Any) -> None:
    api.on("DELETE", "/v1/x", reply(None, fault="reset"), reply({"message": "gone"}, 404))
    client.delete("/v1/x")


def test_retry_after_is_respected_up_to_a_minute(
    api: Any, client: Client, reply: Any, pauses: list[float]
) -> None:
    api.on(
        "GET",
        "/v1/x",
        reply({}, 429, {"Retry-After": "7"}),
        reply({}, 429, {"Retry-After": "86400"}),
        reply({}, 503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        reply({}, 503, {"Retry-After": "soon"}),
        reply({"a": 1}),
    )
    client.get("/v1/x")
    assert 7 <= pauses[0] <= 10.5
    assert pauses[1] == 60
    assert 2 <= pauses[2] <= 3  # long past, so the usual wait
    assert 4 <= pauses[3] <= 6


def test_pauses_double_and_have_jitter() -> None:
    for attempt, least in ((1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)):
        waits = {backoff(attempt) for _ in range(20)}
        assert len(waits) > 1
        assert least <= min(waits) <= max(waits) <= 1.5 * least


def test_a_redirect_to_another_host_does_not_get_the_key(
    api: Any, other_api: Any, client: Client, reply: Any
) -> None:
    api.on("GET", "/v1/x", reply({}, 302, {"Location": f"{other_api.url}/v1/x"}))
    with pytest.raises(ApiError) as error:
        client.get("/v1/x")
    assert finding(error).code == "api-redirected"
    assert "sends to http://127.0.0.1, where the API key does not go" in str(error.value)
    assert other_api.seen == []


def test_a_redirect_within_the_api_is_followed(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/x", reply({}, 307, {"Location": "/v1/x/"}))
    api.on("GET", "/v1/x/", reply({"a": 1}))
    assert client.get("/v1/x") == {"a": 1}


def test_a_redirect_that_would_turn_a_patch_into_a_get_is_none(
    api: Any, client: Client, reply: Any
) -> None:
    api.on("PATCH", "/v1/x", reply({}, 302, {"Location": "/v1/y"}))
    with pytest.raises(ApiError) as error:
        client.patch("/v1/x", {})
    assert finding(error).code == "api-redirected"


def test_redirects_in_a_circle_end(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/x", reply({}, 307, {"Location": "/v1/x"}))
    with pytest.raises(ApiError) as error:
        client.get("/v1/x")
    assert finding(error).code == "api-unexpected"


def test_an_endless_answer_is_cut_off(
    api: Any, client: Client, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "LARGEST_ANSWER", 100_000)
    api.on("GET", "/v1/x", reply({"long": "x" * 200_000}))
    with pytest.raises(ApiError) as error:
        client.get("/v1/x")
    assert finding(error).code == "api-too-large"


def test_a_web_page_is_no_api(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/x", reply(b"<html>hello</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(ApiError) as error:
        client.get("/v1/x")
    assert "answered with a web page; is the address right?" in finding(error).message


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    yield port


def test_a_server_that_is_not_there_is_told_at_once(closed_port: int, pauses: list[float]) -> None:
    with (
        Client(f"http://127.0.0.1:{closed_port}", KEY, pause=pauses.append) as client,
        pytest.raises(ApiError) as error,
    ):
        client.get("/v1/x")
    assert str(error.value) == (
        f"error api-unreachable: nothing answers at 127.0.0.1:{closed_port}\n"
        "  request   GET /v1/x\n"
        "  fix       start the server (`runflow serve`), or check the port in the API's address "
        "(RUNFLOW_API_URL; in ComfyUI its settings, or the Deploy node)"
    )
    assert pauses == []


def test_a_host_that_does_not_exist(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with (
        Client("https://nowhere.invalid", KEY, pause=pauses.append) as client,
        pytest.raises(ApiError) as error,
    ):
        client.get("/v1/x")
    assert str(error.value) == (
        "error api-unreachable: there is no host nowhere.invalid on this network (5 attempts)\n"
        "  request   GET /v1/x\n"
        "  fix       check the network (DNS) and the API's address "
        "(RUNFLOW_API_URL; in ComfyUI its settings, or the Deploy node)"
    )


def test_a_certificate_that_nobody_signed(
    untrusted_api: Any, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with (
        Client(untrusted_api.url, KEY, pause=pauses.append) as client,
        pytest.raises(ApiError) as error,
    ):
        client.get("/v1/x")
    assert finding(error).code == "api-tls"
    assert "is not trusted: self" in finding(error).message  # "self-signed", by OpenSSL's version
    assert (pauses, untrusted_api.seen) == ([], [])


def test_https_to_a_server_that_speaks_http(
    api: Any, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with (
        Client(api.url.replace("http", "https"), KEY, pause=pauses.append) as client,
        pytest.raises(ApiError) as error,
    ):
        client.get("/v1/x")
    assert finding(error).code == "api-tls"
    assert finding(error).message.endswith("does not speak TLS as it should")


def test_a_proxy_is_never_shown_a_loopback_request(
    api: Any, other_api: Any, client: Client, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", other_api.url)
    api.on("GET", "/v1/x", reply({"a": 1}))
    assert client.get("/v1/x") == {"a": 1}
    assert other_api.seen == []


# -- storage


def test_bytes_go_to_storage_without_the_key(
    api: Any, other_api: Any, client: Client, reply: Any
) -> None:
    other_api.on("PUT", "/put", reply(None, fault="reset"), reply(b"", 200))
    client.upload(f"{other_api.url}/put?sig=abc", b"bytes", "image/png")
    seen = other_api.seen[-1]
    assert (seen.body, seen.headers["content-type"]) == (b"bytes", "image/png")
    assert all("authorization" not in seen.headers for seen in other_api.seen)


def test_a_refused_upload_names_no_signature(
    api: Any, other_api: Any, client: Client, reply: Any
) -> None:
    other_api.on("PUT", "/put", reply(b"<Error>expired</Error>", 403))
    with pytest.raises(ApiError) as error:
        client.upload(f"{other_api.url}/put?sig=abc", b"bytes", "image/png")
    assert "abc" not in str(error.value)


def test_no_log_has_the_signature_of_an_upload(
    api: Any,
    other_api: Any,
    client: Client,
    reply: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(logging.getLogger("httpx"), "filters", [])  # those of other tests
    other_api.on("PUT", "/put", reply(b"", 200))
    client.upload(f"{other_api.url}/put?X-Amz-Signature=0123abcd", b"bytes", "image/png")
    assert "/put?X-Amz-Signature=…" in caplog.text
    assert "0123abcd" not in caplog.text


@pytest.mark.parametrize("url", ["http://storage.example/put", "ftp://x/y", "/put", "http://[", ""])
def test_storage_in_the_clear_or_nowhere_is_refused(client: Client, url: str) -> None:
    with pytest.raises(ApiError) as error:
        client.upload(url, b"bytes", "image/png")
    assert "a URL that is no https" in finding(error).message


def test_a_download_follows_redirects_without_the_key(
    api: Any, other_api: Any, client: Client, reply: Any
) -> None:
    api.on("GET", "/get", reply({}, 302, {"Location": f"{other_api.url}/there"}))
    other_api.on("GET", "/there", reply(b"picture"))
    with client.download(f"{api.url}/get") as chunks:
        assert b"".join(chunks) == b"picture"
    assert all("authorization" not in seen.headers for seen in api.seen + other_api.seen)


def test_a_download_that_breaks_off_is_a_finding(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/get", reply(b"half", fault="cut"))
    with pytest.raises(ApiError) as error, client.download(f"{api.url}/get") as chunks:
        list(chunks)
    assert finding(error).code == "api-unreachable"


# -- organizations


def me(*slugs: str) -> dict[str, Any]:
    orgs = [{"org": {"id": f"id-{slug}", "slug": slug}, "scopes": []} for slug in slugs]
    return {"memberships": orgs}


def test_a_key_of_another_organization_is_refused(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/auth/me", reply(me("other")))
    with pytest.raises(ApiRefusedError) as error:
        client.act_for("acme")
    assert str(error.value) == (
        "error organization-mismatch: runflow.yaml is for the organization acme, and the key for "
        f"{client.host} is of other\n"
        "  fix       use a key of acme, or change `organization:` in runflow.yaml"
    )
    assert error.value.exit_code == 4


def test_of_several_organizations_the_one_that_is_meant_is_named_in_requests(
    api: Any, client: Client, reply: Any
) -> None:
    api.on("GET", "/v1/auth/me", reply(me("acme", "other")))
    api.on("GET", "/v1/x", reply({}))
    client.act_for("other")
    client.act_for("other")
    client.get("/v1/x")
    assert [seen.headers.get("x-organization-id") for seen in api.seen] == [None, "id-other"]


def test_the_owner_is_the_keys_organization_when_there_is_one(
    api: Any, client: Client, reply: Any
) -> None:
    api.on("GET", "/v1/auth/me", reply(me("acme")))
    assert (client.owner(), client.owner("given")) == ("acme", "given")


def test_of_several_organizations_none_is_guessed(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/auth/me", reply(me("acme", "other")))
    with pytest.raises(ApiRefusedError, match="acme, other"):
        client.owner()


# -- the key


def test_a_request_id_is_shown_and_no_key_in_it(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/x", reply({}, 404, {"Runflow-Request-Id": f"id-{KEY}"}))
    with pytest.raises(ApiError) as error:
        client.get("/v1/x")
    assert ("id", "id-<the key>") in finding(error).also


def test_the_key_is_in_no_repr_error_or_log(
    api: Any, client: Client, reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = [repr(client), str(client)]
    for status in (400, 401, 402, 403, 404, 409, 422, 429, 500):
        echo = {
            "code": f"BAD {KEY}",
            "message": f"what is {KEY}?",
            "errors": [{"loc": ["body", KEY], "msg": f"not {KEY}"}],
        }
        api.on("GET", "/v1/x", reply(echo, status))
        with pytest.raises(ApiError) as error:
            client.get("/v1/x")
        told += [str(error.value), repr(error.value), error.value.code]
        told += [str(finding.to_json()) for finding in error.value.findings]
    told += [record.getMessage() for record in caplog.records]
    assert len(caplog.records) > 0
    assert not [text for text in told if KEY in text]
