"""The `runflow` command: finds the sub-command, imports only that one, renders what went wrong."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from .. import __version__
from ..errors import RunflowError
from ..findings import render

# In the order in which a person meets them. Each is a module of this package (`_` for `-`) with
# NAME, HELP, add(parser) and run(args) -> exit code.
COMMANDS = (
    "init",
    "convert",
    "exec",
    "record",
    "models",
    "lock",
    "check",
    "diff",
    "git-setup",
    "build",
    "publish",
    "delete",
    "status",
    "run",
    "restore",
    "verify",
    "serve",
    "keys",
    "demo",
)

EXIT_CODES = (
    "exit codes: 0 done, 1 failed, 2 wrong use, 3 stale lock (--frozen), 4 refused by the API"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `args.directory` is the project's folder.

    A RunflowError is rendered on standard error, or as JSON on standard output with `--json`;
    any other exception is a defect of ours and keeps its traceback.
    """
    args = _parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # names may hold what its encoding does not have
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(args.run(args))
    except RunflowError as error:
        if getattr(args, "json", False):
            print(json.dumps({"findings": [finding.to_json() for finding in error.findings]}))
        elif error.findings:
            print(render(error.findings), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) went away. Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The whole parser, or for a known command just its part: the others are not imported."""
    parser = argparse.ArgumentParser(
        prog="runflow",
        description="Compile ComfyUI workflows into locked, reviewable, published API endpoints.",
        epilog=f"{EXIT_CODES}. `runflow COMMAND --help` shows an example of each command.",
    )
    parser.add_argument("--version", action="version", version=f"runflow {__version__}")
    _add_directory(parser, Path("."))
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    wanted = [argv[0]] if argv and argv[0] in COMMANDS else COMMANDS
    for name in wanted:
        _add(commands, importlib.import_module(f".{name.replace('-', '_')}", __package__))
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    module: ModuleType,
) -> None:
    parser = commands.add_parser(
        module.NAME,
        help=module.HELP,
        description=module.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Before the command or behind it, as with git and make; a default here would win over both.
    _add_directory(parser, argparse.SUPPRESS)
    parser.set_defaults(run=module.run)
    module.add(parser)


def _add_directory(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "-C",
        "--directory",
        type=Path,
        default=default,
        metavar="DIR",
        help="the folder of runflow.yaml (default: this one)",
    )
