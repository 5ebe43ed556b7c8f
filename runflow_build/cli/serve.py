"""`runflow serve`: the API on one's own machine."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from ..errors import UsageError
from ..findings import Finding

NAME = "serve"
HELP = "answer the API on this machine"


def add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Keys, endpoints, runs and files lie in the data folder: --data, $RUNFLOW_DATA, or\n"
        "`runflow` in the user's data folder (~/.local/share).\n\n"
        "example:\n  runflow keys create\n  runflow serve"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, help="port to listen on, 0 for any free one (8787)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data folder")
    parser.add_argument(
        "--public-url", metavar="URL", help="where clients reach the server, when behind a proxy"
    )
    parser.add_argument("--workers", type=_workers, metavar="N", help="runs at a time (2)")
    parser.add_argument("--log", action="store_true", help="a line for each request and run")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    require_server()
    from ..server.serve import serve
    from ..server.settings import Settings

    if args.log:
        import logging

        logging.basicConfig(format="%(asctime)s %(message)s")
        logging.getLogger("runflow_build.server").setLevel(logging.INFO)
    chosen = {
        "data_dir": args.data,
        "port": args.port,
        "workers": args.workers,
        "public_url": args.public_url,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    serve(Settings(host=args.host, **given))
    return 0


def require_server() -> None:
    """Raise UsageError `server-not-installed` where only the base of the package is."""
    parts = ("fastapi", "sqlalchemy", "uvicorn")
    missing = [part for part in parts if importlib.util.find_spec(part) is None]
    if missing:
        raise UsageError(
            Finding(
                "server-not-installed",
                f"the server is not installed: {', '.join(missing)} missing",
                fix="pip install 'runflow-build[server]'",
            )
        )


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError("1 to 64 runs at a time")
    return int(text)
