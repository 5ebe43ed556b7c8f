"""`runflow demo`: the whole way on embedded defaults, as an API user would go it."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RunflowError, SaveError
from ..file_names import STATE_FOLDER
from ..findings import Finding, Where
from ..project.outline import outline
from ..tasks.slugs import chosen
from .serve import require_server

if TYPE_CHECKING:
    from ..publish.call import Called

NAME = "demo"
HELP = "take an example from its files to a picture over HTTP, on embedded defaults"

SLUG = "postcard"
PHOTO = "input/photo.png"


def add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Takes the example that comes with runflow: in a checkout examples/postcard itself,\n"
        "elsewhere a copy of it in ./runflow-demo. Run it twice: only the call is done again.\n\n"
        "example:\n  runflow demo"
    )
    parser.add_argument(
        "example", nargs="?", type=Path, help="a folder with a copy of that example"
    )


def run(args: argparse.Namespace) -> int:
    """Lock, validate, rewrite, serve, publish, call; tell what each did, and its time."""
    require_server()
    root = args.example or _example()
    chosen(outline(root).endpoints, [SLUG])
    data = root / ".runflow" / "demo"
    begun = time.perf_counter()
    for task in ("lock", f"validate:{SLUG}", f"rewrite:{SLUG}"):
        _build(root, task)
    with _served(data) as (url, key):
        _build(root, f"publish:{SLUG}")
        called = _call(root, url, key)
    print(f"\nall of it took {time.perf_counter() - begun:.1f} s\n")
    print(f"endpoint  {called.endpoint}")
    print(f"picture   {called.files[0]}\n")
    print(_again(data, called))
    return 0


def _example() -> Path:
    """The example in this checkout, or a copy of it where it is shipped or may not be written."""
    checkout = Path(__file__).parents[2] / "examples" / SLUG
    if checkout.is_dir() and os.access(checkout, os.W_OK):
        return _short(checkout)
    shipped = Path(sysconfig.get_path("data"), "share", "runflow-build", "examples", SLUG)
    copy = Path("runflow-demo") / SLUG
    if not copy.exists():
        _copy(checkout if checkout.is_dir() else shipped, copy)
    return copy


def _copy(example: Path, copy: Path) -> None:
    """The example's own files; a copy is there whole or not at all."""
    half = copy.with_name(f".{copy.name}.{os.getpid()}.tmp")
    try:
        # File by file, without their modes: in a read-only checkout the folders are read-only too.
        for path in sorted(path for path in example.rglob("*") if path.is_file()):
            inner = path.relative_to(example)
            if inner.parts[0] != STATE_FOLDER:
                (half / inner).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, half / inner)
        half.rename(copy)
    except OSError as error:
        raise SaveError(
            Finding(
                "file-not-written",
                f"the example cannot be copied here: {error.strerror}",
                Where(copy.as_posix()),
                fix="go to a folder that you can write, and run the command again",
            )
        ) from None
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _short(path: Path) -> Path:
    """The path as a person here would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _build(root: Path, task: str) -> None:
    """One stage through the task graph, so that what is done already is not done again."""
    from ..tasks.run import run as run_tasks

    begun = time.perf_counter()
    outcomes = run_tasks(root, [task])
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if failed:
        for outcome in failed:
            print(outcome.text)
        raise RunflowError()
    text = outcomes[-1].text.splitlines()[0] if outcomes[-1].text else "up to date"
    _tell(task.partition(":")[0], text, begun)


def _tell(step: str, text: str, begun: float) -> None:
    print(f"{step:<9} {text} ({time.perf_counter() - begun:.2f} s)", flush=True)


@contextmanager
def _served(data: Path) -> Iterator[tuple[str, str]]:
    """A server of one's own on a free loopback port: its URL, and a fresh key for it."""
    from ..server.keys import renew_key
    from ..server.serve import running
    from ..server.settings import Settings

    begun = time.perf_counter()
    former = {name: os.environ.get(name) for name in ("RUNFLOW_API_URL", "RUNFLOW_API_KEY")}
    with running(Settings(data_dir=data, port=0)) as url:
        key = renew_key(data, label="demo")
        _tell("serve", url, begun)
        os.environ.update(RUNFLOW_API_URL=url, RUNFLOW_API_KEY=key)
        try:
            yield url, key
        finally:
            for name, value in former.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _call(root: Path, url: str, key: str) -> Called:
    from ..publish.call import call
    from ..publish.client import Client

    begun = time.perf_counter()
    with Client(url, key) as client:
        called = call(client, SLUG, {"photo": root / PHOTO}, into=root / ".runflow" / "output")
    _tell("call", f"run {called.run_id} succeeded", begun)
    return called


def _again(data: Path, called: Called) -> str:
    """How to repeat the call later. The key itself is never shown: a terminal is read by others."""
    address = "http://127.0.0.1:8787"
    path = "/".join(called.endpoint.split("/")[3:])
    folder = shlex.quote(str(data))
    return f"""To call it again, here and in another terminal:
  runflow serve --data {folder} --port 8787
  RUNFLOW_API_KEY=$(runflow keys create --data {folder}) && \\
  curl {address}/{path} -H "Authorization: Bearer $RUNFLOW_API_KEY" \\
    -H 'Content-Type: application/json' -d '{{"input": {called.input_json}}}'"""
