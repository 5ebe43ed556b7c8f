"""The address and the key: which ones count, and which are refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from runflow_build.errors import ApiError, ApiRefusedError
from runflow_build.publish.settings import checked_url, config_path, connection

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
OTHER = "rf_live_zzzz56789abcdefghijklmnopqrstuvw"


def config(home: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    """A user's config file; the environment that finds it."""
    path = home / ".config" / "runflow" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"HOME": str(home)}


def test_without_anything_set_the_hosted_api_is_meant(tmp_path: Path) -> None:
    found = connection(environ={"HOME": str(tmp_path), "RUNFLOW_API_KEY": KEY})
    assert (found.base_url, found.api_key) == ("https://api.runflow.io", KEY)


def test_a_flag_beats_the_environment_and_that_the_config_file(tmp_path: Path) -> None:
    env = config(tmp_path, f"url: https://three.example\nkeys: {{three.example: {KEY}}}\n")
    assert connection(environ=env).base_url == "https://three.example"
    env |= {"RUNFLOW_API_URL": "https://two.example", "RUNFLOW_API_KEY": OTHER}
    assert connection(environ=env).base_url == "https://two.example"
    assert connection("https://one.example/", environ=env).base_url == "https://one.example"
    assert connection(environ=env).api_key == OTHER


def test_a_stored_key_belongs_to_one_host(tmp_path: Path) -> None:
    env = config(tmp_path, f"keys:\n  https://api.runflow.io/: {KEY}\n  127.0.0.1:8787: {OTHER}\n")
    assert connection(environ=env).api_key == KEY
    assert connection("http://127.0.0.1:8787", environ=env).api_key == OTHER
    with pytest.raises(ApiRefusedError) as refused:
        connection("https://evil.example", environ=env)
    assert str(refused.value) == (
        "error api-key-missing: there is no API key for evil.example\n"
        "  note      the config file has keys for 127.0.0.1:8787, api.runflow.io only\n"
        "  fix       make one in the Runflow app (for a server of your own: `runflow keys "
        "create`), then set RUNFLOW_API_KEY, or put it under `keys: {evil.example: …}` in "
        "~/.config/runflow/config.yaml (mode 0600)"
    )
    assert refused.value.exit_code == 4


def test_a_missing_key_for_the_own_server_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ApiRefusedError, match="make one with `runflow keys create`, then set"):
        connection("http://localhost:8787", environ={"HOME": str(tmp_path)})


def test_a_config_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    env = config(tmp_path, f"keys: {{api.runflow.io: {KEY}}}\n", mode=0o644)
    with pytest.raises(ApiRefusedError) as refused:
        connection(environ=env)
    assert str(refused.value) == (
        "~/.config/runflow/config.yaml: error config-not-private: others may read or change this "
        "file, which holds API keys (mode 0644)\n"
        "  fix       chmod 600 ~/.config/runflow/config.yaml"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"keys: {KEY}", "`keys` is not a mapping from host to key"),
        (f"key:\n  a: {KEY}", "unknown key `key`; did you mean `keys`?"),
        (f"- {KEY}", "the file is not a mapping"),
        (f"keys: {{a: {KEY}", "the file is not YAML"),
        ("url: 5", "`url` is not text"),
        (f"keys: {{'a:b:c': {KEY}}}", "`keys` has a host that is none"),
        ("keys: {a: 5}", "`keys.a` is not text"),
    ],
)
def test_a_wrong_config_file_is_explained_without_its_keys(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        connection(environ=config(tmp_path, text))
    (finding,) = refused.value.findings
    assert (finding.code, finding.message) == ("config-invalid", message)
    assert KEY not in str(refused.value)


def test_an_empty_config_file_says_nothing(tmp_path: Path) -> None:
    env = config(tmp_path, "# nothing yet\n") | {"RUNFLOW_API_KEY": KEY}
    assert connection(environ=env).base_url == "https://api.runflow.io"


def test_a_folder_in_place_of_the_config_file_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "runflow" / "config.yaml").mkdir(parents=True)
    (tmp_path / "runflow" / "config.yaml").chmod(0o700)
    with pytest.raises(ApiError, match="file-unreadable"):
        connection(environ={"XDG_CONFIG_HOME": str(tmp_path)})


def test_the_config_file_lies_where_the_platform_wants_it() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/runflow/config.yaml")
    assert config_path({"HOME": "/h"}) == Path("/h/.config/runflow/config.yaml")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example",
        "https://API.example:443/",
        "https://api.example/runflow/",
        "http://127.0.0.1:8787",
        "http://localhost",
        "http://[::1]:8787",
    ],
)
def test_an_address_that_a_key_may_go_to(url: str) -> None:
    assert checked_url(url) == url.lower().replace(":443", "").rstrip("/")


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Bücher.example", "https://xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "https://BÜCHER.example"),
        ("A.example:443", "https://a.example"),
        ("localhost:80", "http://localhost"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("127.0.0.1:443", "http://127.0.0.1:443"),
    ],
)
def test_a_key_is_found_however_its_host_is_spelled(
    tmp_path: Path, written: str, asked: str
) -> None:
    assert connection(asked, config(tmp_path, f"keys: {{'{written}': {KEY}}}\n")).api_key == KEY


@pytest.mark.parametrize("end", ["/v1", "/v1/", "//v1"])
def test_the_version_in_an_address_is_not_said_twice(end: str) -> None:
    assert checked_url(f"https://api.example/runflow{end}") == "https://api.example/runflow"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("api.example", "does not begin with https:// and a host"),
        ("ftp://api.example", "does not begin with https:// and a host"),
        ("https://", "does not begin with https:// and a host"),
        ("https://api.example:port", "is not a URL"),
        ("https://a..ü", "is not a URL"),
        ("http://api.example", "is plain http, which would show the API key to the network"),
        ("http://127.0.0.1.evil.example", "is plain http"),
        ("https://me:secret@api.example", "holds a user name or password"),
        ("https://me:secret@api.example:99999", "is not a URL"),
        ("ftp://me:secret@api.example", "does not begin with https:// and a host"),
        ("https://api.example/?token=secret", "goes on with a query"),
    ],
)
def test_an_address_that_no_key_goes_to(url: str, why: str) -> None:
    with pytest.raises(ApiError) as refused:
        checked_url(url)
    assert why in str(refused.value)
    assert refused.value.findings[0].code == "api-url-invalid"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["rf_live_a-b", "Bearer rf_live_abc", "rf_live_ä", "a\nb"])
def test_a_key_with_other_characters_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(ApiRefusedError) as refused:
        connection(environ={"HOME": str(tmp_path), "RUNFLOW_API_KEY": key})
    assert refused.value.findings[0].code == "api-key-malformed"
    assert key not in str(refused.value)


def test_a_connection_does_not_show_its_key(tmp_path: Path) -> None:
    found = connection(environ={"HOME": str(tmp_path), "RUNFLOW_API_KEY": KEY})
    assert repr(found) == "Connection(base_url='https://api.runflow.io')"
