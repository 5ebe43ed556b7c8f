"""`runflow run`: call an endpoint, watch it, save what it made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..findings import Finding

if TYPE_CHECKING:
    from ..publish.call import Progress

NAME = "run"
HELP = "call an endpoint, show its progress, save its outputs"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="[OWNER/]SLUG", help="the endpoint")
    parser.add_argument(
        "-i",
        "--input",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value; KEY=@FILE sends a file, KEY=@@TEXT a text that begins with @",
    )
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for the end and save the outputs (default), or only start the run",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output"),
        metavar="DIR",
        help="where outputs are saved; nothing there is overwritten (default: output)",
    )
    parser.add_argument("--url", metavar="URL", help="the API (default: $RUNFLOW_API_URL)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "example:\n  runflow run poster -i prompt='a sea otter' -i photo=@otter.png -o out"
    )


def run(args: argparse.Namespace) -> int:
    from ..publish.call import call
    from ..tasks.session import connect

    owner, _, slug = args.endpoint.rpartition("/")
    called = call(
        connect(args.url),
        slug,
        typed_values(args.input),
        owner=owner or _organization(args.directory),
        into=args.output,
        wait=args.wait,
        as_text=True,
        report=_progress if sys.stderr.isatty() and not args.json else _silent,
    )
    if args.json:
        print(json.dumps(called.to_json()))
    else:
        print(f"run {called.run_id} {called.status}")
        for path in called.files:
            print(path.as_posix())
    return 0


def typed_values(pairs: list[str]) -> dict[str, str]:
    """`KEY=VALUE` each, by key. Raises UsageError `input-malformed`."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not key or not mark or key in values:
            what = "comes twice" if key in values else "is not of the form KEY=VALUE"
            fix = "give each input once: -i prompt='a sea otter' -i photo=@otter.png"
            raise UsageError(Finding("input-malformed", f"the input `{key}` {what}", fix=fix))
        values[key] = value
    return values


def _organization(root: Path) -> str | None:
    """Who owns the endpoints of the project here; a call needs no project."""
    from ..project.documents import load_spec
    from ..project.paths import ProjectPaths

    paths = ProjectPaths(root)
    return load_spec(paths).spec.organization if paths.spec.is_file() else None


def _progress(progress: Progress) -> None:
    nodes = f", {progress.completed}/{progress.total} nodes" if progress.total else ""
    print(f"run {progress.run_id} {progress.status}{nodes}", file=sys.stderr, flush=True)


def _silent(progress: Progress) -> None:
    """No terminal, no progress."""
