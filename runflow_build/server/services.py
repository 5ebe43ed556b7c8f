"""Everything that answers requests, put together for one data folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from filelock import FileLock, Timeout
from sqlalchemy.exc import DBAPIError

from ..errors import RunflowError
from ..findings import Finding, Where
from .asset_store import AssetStore
from .database import DATABASE_FILE, Database, open_database, signing_secret, unusable
from .dispatch import Dispatcher
from .execution import Execution
from .file_store import FileStore
from .presign import Signer
from .run_input import InputFiles
from .run_store import RunStore
from .settings import Settings
from .workflow_store import WorkflowStore


@dataclass(frozen=True)
class Services:
    """One open data folder; nobody else serves it until `close`."""

    settings: Settings
    lock: FileLock
    database: Database
    workflows: WorkflowStore
    assets: AssetStore
    files: FileStore
    input_files: InputFiles
    runs: RunStore
    dispatcher: Dispatcher
    signer: Signer

    def close(self) -> None:
        """Stop the workers and let go of the data folder."""
        self.dispatcher.stop()
        self.database.close()
        self.lock.release()

    def file_url(self, base_url: str, file_id: str, name: str) -> str:
        """A fresh link to a file, good for a while and for anybody who has it."""
        expires = int(self.settings.now()) + self.settings.url_lifetime_s
        return base_url + self.signer.download_path(file_id, name, expires)

    def upload_url(self, base_url: str, asset_id: str) -> str:
        """A fresh link to put an asset's bytes to."""
        expires = int(self.settings.now()) + self.settings.upload_lifetime_s
        return base_url + self.signer.upload_path(asset_id, expires)


def open_services(settings: Settings) -> Services:
    """Open the data folder. The workers wait for `dispatcher.start`.

    Raises RunflowError: `server-data-in-use`, `server-data-newer`, `server-data-unusable`.
    """
    data_dir = settings.data_dir.absolute()
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _locked(data_dir)
        try:
            return _assembled(settings, data_dir, lock)
        except BaseException:
            lock.release()
            raise
    except (OSError, DBAPIError) as error:
        raise RunflowError(unusable(data_dir, error)) from error


def _locked(data_dir: Path) -> FileLock:
    lock = FileLock(data_dir / "server.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunflowError(
            Finding(
                "server-data-in-use",
                "another server is running on this data folder",
                Where(file=str(data_dir)),
                fix="stop it first, or name another folder with --data DIR",
            )
        ) from None
    return lock


def _assembled(settings: Settings, data_dir: Path, lock: FileLock) -> Services:
    files = FileStore(data_dir / "files")
    files.prepare()
    work_dir = data_dir / "work"  # a folder for each run in hand; what lies here belongs to none
    shutil.rmtree(work_dir, ignore_errors=True)
    work_dir.mkdir(mode=0o700)
    database = open_database(data_dir / DATABASE_FILE)
    assets = AssetStore(database, settings.now)
    workflows = WorkflowStore(database, settings.now)
    runs = RunStore(database, settings.now)
    execution = Execution(settings.engine, runs, assets, files, work_dir)
    return Services(
        settings=settings,
        lock=lock,
        database=database,
        workflows=workflows,
        assets=assets,
        files=files,
        input_files=InputFiles(assets, files),
        runs=runs,
        dispatcher=Dispatcher(runs, workflows, execution, settings.workers),
        signer=Signer(signing_secret(database)),
    )


def services_of(request: Request) -> Services:
    """The services of the app that the request came to."""
    services: Services = request.app.state.services
    return services


def base_url_of(request: Request) -> str:
    """Where the client reaches this server, without a slash at the end."""
    public_url = services_of(request).settings.public_url
    return (public_url or str(request.base_url)).rstrip("/")


ServicesOf = Annotated[Services, Depends(services_of)]
BaseUrl = Annotated[str, Depends(base_url_of)]
