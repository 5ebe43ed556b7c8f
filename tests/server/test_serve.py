"""Binding an address, and what a server says when it cannot."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from runflow_build.errors import RunflowError
from runflow_build.server.app import create_app
from runflow_build.server.keys import create_key, revoke_key
from runflow_build.server.serve import running, serve
from runflow_build.server.settings import Settings, default_data_dir


def settings(data_dir: Path, engine: Any, **more: Any) -> Settings:
    return Settings(**{"data_dir": data_dir, "engine": engine, "port": 0, **more})


def code(caught: pytest.ExceptionInfo[RunflowError]) -> str:
    (finding,) = caught.value.findings
    assert finding.fix
    return finding.code


def test_port_0_is_a_free_port_that_the_url_names(tmp_path: Path, scripted: Any) -> None:
    with (
        running(settings(tmp_path / "a", scripted())) as one,
        running(settings(tmp_path / "b", scripted())) as other,
    ):
        assert one != other
        for url in (one, other):
            assert url.startswith("http://127.0.0.1:")
            assert httpx.get(f"{url}/v1/health").is_success
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{one}/v1/health")


def test_the_same_folder_is_served_again_once_it_is_free(tmp_path: Path, scripted: Any) -> None:
    for _ in range(2):
        with running(settings(tmp_path, scripted())) as url:
            assert httpx.get(f"{url}/v1/readiness").is_success


def test_two_servers_never_share_a_data_folder(tmp_path: Path, scripted: Any) -> None:
    with (
        running(settings(tmp_path, scripted())) as url,
        pytest.raises(RunflowError) as caught,
        running(settings(tmp_path, scripted())),
    ):
        pass
    assert code(caught) == "server-data-in-use"
    assert url


def test_a_port_in_use_is_said(tmp_path: Path, scripted: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RunflowError) as caught:
            serve(settings(tmp_path, scripted(), port=port))
    assert code(caught) == "server-address"
    assert f"cannot listen on 127.0.0.1 port {port}: " in caught.value.findings[0].message
    assert not tmp_path.joinpath("runflow.db").exists()


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_that_is_not_here_is_said(host: str, tmp_path: Path, scripted: Any) -> None:
    create_key(tmp_path)
    with pytest.raises(RunflowError) as caught:
        serve(settings(tmp_path, scripted(), host=host))
    assert code(caught) == "server-address"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_without_a_key_only_loopback_is_served(host: str, tmp_path: Path, scripted: Any) -> None:
    with pytest.raises(RunflowError) as caught:
        serve(settings(tmp_path, scripted(), host=host))
    assert code(caught) == "server-no-key"
    create_key(tmp_path, label="gone")
    revoke_key(tmp_path, "gone")
    with pytest.raises(RunflowError):
        serve(settings(tmp_path, scripted(), host=host))


def test_with_a_key_any_address_is_served(tmp_path: Path, scripted: Any) -> None:
    create_key(tmp_path)
    with running(settings(tmp_path, scripted(), host="0.0.0.0")) as url:
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/v1/health").is_success


def test_localhost_is_loopback(tmp_path: Path, scripted: Any) -> None:
    with running(settings(tmp_path, scripted(), host="localhost")) as url:
        assert httpx.get(f"{url}/v1/health").is_success


def test_a_failed_start_leaves_the_folder_free(tmp_path: Path, scripted: Any) -> None:
    (tmp_path / "runflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(RunflowError) as caught:
        create_app(settings(tmp_path, scripted()))
    assert code(caught) == "server-data-unusable"
    (tmp_path / "runflow.db").unlink()
    with running(settings(tmp_path, scripted())) as url:
        assert url


def test_the_data_folder_is_the_same_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNFLOW_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "runflow"
    monkeypatch.setenv("RUNFLOW_DATA", str(tmp_path / "mine"))
    assert default_data_dir() == tmp_path / "mine"
