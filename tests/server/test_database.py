"""Opening a data folder: new, known, newer, damaged, refused."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runflow_build.errors import RunflowError
from runflow_build.server.database import open_database, signing_secret


def secret(file: Path) -> bytes:
    database = open_database(file)
    try:
        return signing_secret(database)
    finally:
        database.close()


def test_a_new_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "data" / "runflow.db"
    secret(file)
    assert (file.parent.stat().st_mode & 0o777) == 0o700
    assert (file.stat().st_mode & 0o777) == 0o600


def test_the_signing_secret_is_random_and_stays(tmp_path: Path) -> None:
    first = secret(tmp_path / "a.db")
    assert len(first) == 32
    assert secret(tmp_path / "a.db") == first
    assert secret(tmp_path / "b.db") != first


def test_many_that_open_a_new_folder_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: secret(tmp_path / "a.db"), range(8)))) == 1


def test_a_folder_of_a_newer_release_says_so(tmp_path: Path) -> None:
    file = tmp_path / "runflow.db"
    secret(file)
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE meta SET value = '7' WHERE name = 'schema'")
    connection.close()
    with pytest.raises(RunflowError) as caught:
        open_database(file)
    (finding,) = caught.value.findings
    assert finding.code == "server-data-newer"
    assert finding.message == "the data folder is of schema 7; this release knows up to 1"
    assert finding.fix is not None and "install the newer runflow-build" in finding.fix


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but text" * 40, b"SQLite format"]
)
def test_a_damaged_database_is_said_in_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "runflow.db"
    file.write_bytes(content)
    with pytest.raises(RunflowError) as caught:
        open_database(file)
    (finding,) = caught.value.findings
    assert finding.code == "server-data-unusable"
    assert finding.message == "the data folder cannot be used: file is not a database"
    assert file.read_bytes() == content


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(RunflowError) as caught:
        open_database(tmp_path / "data" / "runflow.db")
    assert caught.value.findings[0].code == "server-data-unusable"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_must_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunflowError) as caught:
        open_database(tmp_path / "data" / "runflow.db")
    tmp_path.chmod(0o700)
    assert "Permission denied" in caught.value.findings[0].message
