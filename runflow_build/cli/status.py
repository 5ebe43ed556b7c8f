"""`runflow status`: how each endpoint stands, here and at the API."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ..findings import render

if TYPE_CHECKING:
    from ..publish.status import EndpointStatus, Status

NAME = "status"
HELP = "each endpoint: is its lock fresh, is it published, did somebody change it at the API?"

_LOCK = {
    "fresh": "lock fresh",
    "stale": "lock stale",
    "missing": "no lock",
    "broken": "workflow broken",
    "gone": "not in runflow.yaml",
}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", metavar="URL", help="the API (default: $RUNFLOW_API_URL)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "Without a network it still tells how the locks stand.\n\nexample:\n  runflow status"
    )


def run(args: argparse.Namespace) -> int:
    from ..project.load import load
    from ..publish.status import status
    from ..tasks.session import connect

    found = status(load(args.directory), lambda: connect(args.url))
    print(json.dumps(found.to_json()) if args.json else _text(found))
    return 0


def _text(found: Status) -> str:
    width = max((len(one.slug) for one in found.endpoints), default=0)
    lines = [line for one in found.endpoints for line in _lines(one, width)]
    if found.remote:
        lines += ["", "the API could not be asked, so what is published is not known:"]
        lines.append(render(found.remote))
    return "\n".join(lines)


def _lines(one: EndpointStatus, width: int) -> list[str]:
    rows = [f"{one.slug:<{width}}  {_LOCK[one.lock]:<19}  {one.remote}"]
    rows += [f"  {change}" for change in one.changes if one.remote in ("drifted", "outdated")]
    return [*rows, render(one.findings)] if one.findings else rows
