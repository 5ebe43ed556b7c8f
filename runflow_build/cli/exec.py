"""`runflow exec`: prompts executed here and now, without a server and without ComfyUI."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..findings import printable, render
from .convert import version
from .run import typed_values

if TYPE_CHECKING:
    from rich.status import Status

    from ..engines.base import Progress
    from ..engines.embedded import Limits
    from ..tasks.exec import Executed

NAME = "exec"
HELP = "execute prompts in this process, with no server and no ComfyUI"

_GIB = 1 << 30
_BYTES_PER_PIXEL = 12  # RGB, each a float32


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "prompts",
        nargs="+",
        metavar="PROMPT",
        help="a prompt, an editor graph, a PNG or WebP picture that carries one, or - for standard "
        "input",
    )
    parser.add_argument(
        "-i",
        "--value",
        dest="values",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value for the Runflow input of this id; KEY=@FILE gives a file, KEY=@@TEXT a text "
        "that begins with @",
    )
    parser.add_argument(
        "--input",
        type=Path,
        metavar="DIR",
        help="the folder that file names in the prompt are relative to (default: `input` beside "
        "the prompt, or else in the project's folder)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output"),
        metavar="DIR",
        help="where files are saved, of several prompts in DIR/<stem>; nothing there is "
        "overwritten (default: output)",
    )
    parser.add_argument(
        "--definitions",
        type=Path,
        metavar="FILE",
        help="node definitions to convert graphs with, as for `runflow convert`",
    )
    parser.add_argument(
        "--comfyui",
        type=version,
        metavar="VERSION",
        help="whose definitions to convert graphs with otherwise, as for `runflow convert`",
    )
    parser.add_argument(
        "--seed",
        metavar="TEXT",
        help="what choices in texts, {red|green}, are drawn from (default: each time anew)",
    )
    parser.add_argument(
        "--time-limit", type=_positive, metavar="SECONDS", help="for each prompt (default: none)"
    )
    parser.add_argument(
        "--memory-limit",
        type=_positive,
        default=4.0,
        metavar="GIB",
        help="for all pictures and sounds that a prompt holds at once (default: 4)",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.epilog = (
        "Prints a line for each file: node, title and path, with tabs between. Of a picture that\n"
        "prompt is taken which made it. A prompt that fails does not keep the others from it, and\n"
        "makes the exit code 1. Ctrl-C ends the work after the node that runs, a second one at "
        "once.\n\n"
        "examples:\n"
        "  runflow exec prompt.json\n"
        "  runflow exec poster.json -i prompt='a sea otter' -i photo=@otter.png -o pictures\n"
        "  runflow exec workflows/*.json --input assets --json\n"
        "  runflow exec picture.png -o again"
    )


def run(args: argparse.Namespace) -> int:
    from ..tasks.convert import convert
    from ..tasks.exec import Execution, folders

    names = list(dict.fromkeys(args.prompts))
    values = typed_values(args.values)
    places = folders(names, args.output)
    execution = Execution(
        args.directory,
        input_folder=args.input,
        values=values,
        seed=args.seed,
        limits=_limits(args),
    )
    converted = convert(
        args.directory,
        names,
        definitions=args.definitions,
        comfyui=args.comfyui,
        executed=None,
    )
    progress = _Progress(shown=sys.stderr.isatty() and not args.json)
    done: list[Executed] = []
    for one in converted:
        with _until_interrupted() as cancelled, progress:
            done.append(execution.execute(one, places[one.name], progress.report, cancelled))
            interrupted = cancelled()
        if not args.json and not (interrupted and done[-1].failed):
            _tell(done[-1])
        if interrupted:
            raise KeyboardInterrupt
    if args.json:
        print(json.dumps({"prompts": [one.to_json() for one in done]}))
    return 1 if any(one.failed for one in done) else 0


def _tell(done: Executed) -> None:
    for file in done.files:
        print(_row(file.node, file.title, file.path.as_posix()), flush=True)
    if done.findings:
        print(render(done.findings), file=sys.stderr, flush=True)


def _row(*cells: str) -> str:
    """The cells with tabs between them, and none within."""
    return "\t".join(printable(cell) for cell in cells)


def _limits(args: argparse.Namespace) -> Limits:
    from ..engines.embedded import Limits

    held = int(args.memory_limit * _GIB)
    return Limits(pixels=held // _BYTES_PER_PIXEL, held_bytes=held, seconds=args.time_limit)


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed since; a second one raises KeyboardInterrupt at once."""
    pressed = threading.Event()

    def press(_signal: int, _frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    former = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, former)


class _Progress:
    """What is being worked on, in a line that goes away; nothing where nobody watches."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._line: Status | None = None

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.stop()
            self._line = None

    def report(self, title: str, progress: Progress) -> None:
        """Called by the engine before and after each node."""
        if not self._shown:
            return
        from rich.text import Text

        text = Text(f"{progress.completed}/{progress.total}  {printable(title)}")
        if self._line is None:
            from rich.console import Console

            self._line = Console(stderr=True).status(text)
            self._line.start()
        self._line.update(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (0 < number < math.inf):
        raise argparse.ArgumentTypeError("a number greater than 0")
    return number
