"""`runflow convert`: an editor graph to the prompt that ComfyUI executes."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..findings import Finding, has_errors, render

if TYPE_CHECKING:
    from ..tasks.convert import Converted
    from ..workflow.model import Prompt

NAME = "convert"
HELP = "turn editor graphs into prompts, as ComfyUI's Export (API) does, without ComfyUI"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "workflows",
        nargs="+",
        metavar="WORKFLOW",
        help="a workflow, a PNG or WebP picture that carries one, or - for standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="write the prompt to FILE, or each to DIR/<stem>.json (default: standard output)",
    )
    parser.add_argument(
        "--check",
        type=Path,
        metavar="PROMPT",
        help="write nothing; show where the prompt differs from this file, or from <stem>.json in "
        "this folder, and exit with 1 if it does",
    )
    parser.add_argument(
        "--definitions",
        type=Path,
        metavar="FILE",
        help="node definitions: a runflow.definitions.json, or an answer of /object_info "
        "(default: runflow.definitions.json beside the workflow, or in the project)",
    )
    parser.add_argument(
        "--comfyui",
        type=version,
        metavar="VERSION",
        help="for all other classes the definitions that ship, of this ComfyUI or the next older "
        "(default: the project's, or else the newest)",
    )
    parser.add_argument(
        "--executed",
        action="store_true",
        help="of a picture the prompt that ComfyUI executed, though it carries the graph too",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "Findings go to standard error; an error makes the exit code 1. A workflow that cannot be\n"
        "converted does not keep the others from it.\n\n"
        "examples:\n"
        "  runflow convert workflow.json > prompt.json\n"
        "  runflow convert workflows/*.json -o prompts/\n"
        "  runflow convert picture.png --check prompt.json\n"
        "  runflow convert - --definitions object_info.json < workflow.json"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.convert import convert, save, targets

    names = list(dict.fromkeys(args.workflows))
    _require_sense(args, len(names))
    files = targets(names, args.output) if args.output else {}
    done = convert(
        args.directory,
        names,
        definitions=args.definitions,
        comfyui=args.comfyui,
        executed=args.executed,
    )
    findings = [finding for one in done for finding in one.findings]
    if findings and not args.json:
        print(render(findings), file=sys.stderr)
    if args.check:
        return _check(done, args.check, args.json)
    prompts = {one.shown: one.prompt for one in done if one.prompt is not None}
    written = [path.as_posix() for path in save(done, files)]
    if args.json:
        outcome = {"written": written} if args.output else {"prompts": prompts}
        print(json.dumps({**outcome, "findings": [one.to_json() for one in findings]}))
    elif args.output:
        print("".join(f"{path}\n" for path in written), end="")
    else:
        _print(prompts)
    return 1 if has_errors(findings) else 0


def _require_sense(args: argparse.Namespace, count: int) -> None:
    """Raise UsageError for options that contradict each other."""
    message = ""
    if args.check and args.output:
        message, fix = "--check writes nothing", "leave out -o, or --check"
    elif args.check and count > 1 and not args.check.is_dir():
        message = f"--check names one prompt, and there are {count} workflows"
        fix = "name the folder that holds <stem>.json of each"
    elif count > 1 and not (args.check or args.output or args.json):
        message, fix = f"{count} prompts do not fit on standard output", "name a folder with -o"
    if message:
        raise UsageError(Finding("options-conflict", message, fix=fix))


def _print(prompts: Mapping[str, Prompt]) -> None:
    """The prompt on standard output, in the bytes that a file of it would have."""
    from ..workflow.prompt_text import prompt_text

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for prompt in prompts.values():
        print(prompt_text(prompt), end="")


def _check(done: Sequence[Converted], against: Path, as_json: bool) -> int:
    """Tell how the prompts differ from those that are expected; the exit code."""
    from ..tasks.convert import check

    checked = check(done, against)
    findings = [finding for one in done for finding in one.findings]
    findings += [finding for one in checked for finding in one.findings]
    if as_json:
        rows = [
            {"workflow": one.shown, "prompt": one.expected.as_posix(), "same": not one.findings}
            for one in checked
        ]
        print(json.dumps({"checks": rows, "findings": [one.to_json() for one in findings]}))
    else:
        for one in checked:
            same = f"{one.shown}: the same as {one.expected.as_posix()}"
            print(render(one.findings) if one.findings else same)
    return 1 if has_errors(findings) else 0


def version(text: str) -> str:
    """A version of ComfyUI as an option's value."""
    if not re.fullmatch(r"v?\d+\.\d+\.\d+", text):
        raise argparse.ArgumentTypeError("a version of ComfyUI is like 0.8.0")
    return text.removeprefix("v")
