"""Keys and the address in the user's config file: more or less of them, and all else as it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from runflow_build.errors import ApiError, ApiRefusedError, RunflowError
from runflow_build.publish.settings import config_path, connection, connection_to, settled
from runflow_build.publish.settings_edit import forget_key, keep_key, set_url

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
OTHER = "rf_live_zzzz56789abcdefghijklmnopqrstuvw"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def text_of(env: dict[str, str]) -> str:
    return config_path(env).read_text(encoding="utf-8")


def write(env: dict[str, str], text: str) -> None:
    path = config_path(env)
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def test_the_first_key_makes_a_file_for_its_owners_eyes_only(env: dict[str, str]) -> None:
    assert keep_key("https://API.runflow.io/v1", KEY, env) == "api.runflow.io"
    assert text_of(env) == f"keys:\n  api.runflow.io: {KEY}\n"
    assert stat.S_IMODE(config_path(env).stat().st_mode) == 0o600
    assert [one.name for one in config_path(env).parent.iterdir()] == ["config.yaml"]
    assert connection(environ=env).api_key == KEY


def test_what_else_stands_there_stays_as_it_was(env: dict[str, str]) -> None:
    write(env, f"# mine\nkeys:  # all\n    https://a.example/: {OTHER}  # of the team\n")
    keep_key("http://127.0.0.1:8787", KEY, env)
    assert text_of(env) == (
        f'# mine\nkeys:  # all\n    "127.0.0.1:8787": {KEY}\n'
        f"    https://a.example/: {OTHER}  # of the team\n"
    )
    keep_key("https://a.example", KEY, env)
    set_url("http://127.0.0.1:8787/", env)
    assert text_of(env) == (
        f'url: "http://127.0.0.1:8787"\n# mine\nkeys:  # all\n    "127.0.0.1:8787": {KEY}\n'
        f"    https://a.example/: {KEY}  # of the team\n"
    )
    forget_key("a.example", env)
    forget_key("127.0.0.1:8787", env)
    forget_key("127.0.0.1:8787", env)
    assert text_of(env) == 'url: "http://127.0.0.1:8787"\n# mine\n'
    set_url(None, env)
    assert text_of(env) == "# mine\n"
    assert settled(env).base_url == "https://api.runflow.io"


@pytest.mark.parametrize(
    "text",
    [
        f"keys: {{a.example: {OTHER}}}\n",
        f"url: https://a.example\nkeys:\n  a.example:\n    {OTHER}\n",
        f'{{"keys": {{"a.example": "{OTHER}"}}}}',
        "keys:\n",
        "keys: {}\n",
        "",
    ],
)
def test_a_layout_that_lines_cannot_change_is_written_anew(env: dict[str, str], text: str) -> None:
    write(env, text)
    keep_key("https://b.example", KEY, env)
    keep_key("https://a.example", KEY, env)
    assert settled(env).hosts == {"a.example": "config", "b.example": "config"}
    assert connection_to("https://a.example", env).api_key == KEY
    forget_key("b.example", env)
    assert settled(env).hosts == {"a.example": "config"}


def test_a_key_of_digits_alone_is_text_all_the_same(env: dict[str, str]) -> None:
    keep_key("https://b.example", "0123", env)
    assert connection_to("https://b.example", env).api_key == "0123"


def test_a_link_to_a_file_elsewhere_stays_a_link(env: dict[str, str], tmp_path: Path) -> None:
    write(env, "")
    elsewhere = tmp_path / "dotfiles.yaml"
    config_path(env).rename(elsewhere)
    config_path(env).symlink_to(elsewhere)
    keep_key("https://b.example", KEY, env)
    assert config_path(env).is_symlink()
    assert KEY in elsewhere.read_text()


def test_a_file_that_others_may_read_gets_no_key(env: dict[str, str]) -> None:
    write(env, "")
    config_path(env).chmod(0o644)
    with pytest.raises(ApiRefusedError) as refused:
        keep_key("https://b.example", KEY, env)
    assert refused.value.findings[0].code == "config-not-private"


@pytest.mark.parametrize(("url", "key"), [("ftp://x", KEY), ("https://b.example", "a b")])
def test_what_is_no_url_or_no_key_is_not_kept(env: dict[str, str], url: str, key: str) -> None:
    with pytest.raises(ApiError):
        keep_key(url, key, env)
    assert not config_path(env).exists()


def test_a_broken_file_is_left_alone(env: dict[str, str]) -> None:
    write(env, "keys: [")
    with pytest.raises(RunflowError):
        keep_key("https://b.example", KEY, env)
    assert text_of(env) == "keys: ["


def test_a_folder_that_cannot_be_made_is_said(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("")
    with pytest.raises(RunflowError) as refused:
        keep_key("https://b.example", KEY, env)
    assert KEY not in str(refused.value)


def test_the_key_of_the_environment_is_for_the_api_that_is_meant_alone(
    env: dict[str, str],
) -> None:
    env |= {"RUNFLOW_API_KEY": KEY}
    assert settled(env).hosts == {"api.runflow.io": "environment"}
    assert connection_to("https://api.runflow.io", env).api_key == KEY
    with pytest.raises(ApiRefusedError) as refused:
        connection_to("https://evil.example", env)
    assert refused.value.findings[0].code == "api-key-missing"
    env |= {"RUNFLOW_API_URL": "https://own.example"}
    assert settled(env).hosts == {"own.example": "environment"}
    assert settled(env).url_from == "environment"
    with pytest.raises(ApiRefusedError):
        connection_to("https://api.runflow.io", env)
