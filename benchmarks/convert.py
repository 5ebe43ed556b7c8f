"""Conversion: how often exact, how fast and how it grows, beside comfy-cli in the same run.

    python benchmarks/convert.py [exact] [time] [scale] [command] [--peer PYTHON] [--runs 3]

exact    recorded workflows (--prompts) that become exactly what the real editor made of them
time     one conversion after start, over comfyui-workflow-templates-json==0.1.123 (--templates):
         median at most 3 ms, the largest (468 kB) at most 50 ms
scale    generated graphs of 1,000 to 20,000 nodes: 10,000 in at most 1 s, and the exponent of
         nodes that seconds grow with (1 is linear)
command  `runflow convert FILE` as a whole process, beside a bare doit: at most 1.5 x

Both converters get the same node definitions (--object-info), each in a process of its own that is
given one graph at a time, in turn. CPU times, since other work on the machine does not count in
them; wall times beside them. Comfy-cli needs an environment of its own:

    python -m venv peer && peer/bin/pip install 'comfy-cli==1.23.*'
    python benchmarks/convert.py --peer peer/bin/python
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from large_graphs import SHAPES
from noop import BARE_DODO

from runflow_build.project.catalogue import shipped

CASES = Path(__file__).parent.parent / "tests" / "cases" / "workflow" / "prompts.jsonl.gz"
EXAMPLE = Path(__file__).parent.parent / "examples" / "postcard"
TEMPLATES = "comfyui_workflow_templates_json"
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)
PATIENCE = 20  # seconds of one conversion, after which no larger graph is tried

OURS = """
from runflow_build.workflow.convert import convert as work
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Workflow

known = Definitions(None, raw)

def convert(graph, mode):
    with_definitions = Definitions(None, raw) if mode == "anew" else known
    return work(Workflow("graph.json", "graph", graph), with_definitions).prompt
"""
PEER = """
from comfy_cli.workflow_to_api import convert_ui_to_api

def convert(graph, mode):
    return convert_ui_to_api(graph, raw)
"""
# What both are asked through: lines of JSON, [mode, graph] in, [CPU s, wall s, prompt] out.
LOOP = """
import gc, json, sys, time
raw = json.loads(sys.stdin.readline())
{converter}
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    mode, graph = json.loads(line)
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        prompt = convert(graph, mode)
    except Exception:
        prompt = None
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps([cpu, wall, prompt]), flush=True)
"""


@dataclass(frozen=True)
class Took:
    cpu: float  # seconds
    wall: float
    prompt: dict[str, Any] | None  # None: it raised


class Converter:
    """A process that converts graphs."""

    def __init__(self, python: str, converter: str, definitions: Any) -> None:
        self._process = subprocess.Popen(
            [python, "-c", LOOP.format(converter=converter)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._send(definitions)
        self.ready = self._answer() == "ready"

    def convert(self, graph: Any, mode: str = "") -> Took:
        self._send([mode, graph])
        cpu, wall, prompt = self._answer()
        return Took(cpu, wall, prompt)

    def _send(self, value: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(value) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # it could not import; `_answer` tells
            pass

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline() or "null")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


Rows = Sequence[tuple[str, Converter, str]]  # label, converter, mode


def exact(rows: Rows, prompts: Path) -> None:
    """Count the recorded workflows that become the recorded prompt."""
    equal = dict.fromkeys((label for label, _, _ in rows), 0)
    cases = list(recorded(prompts))
    for case in cases:
        for label, converter, mode in rows:
            made = converter.convert(case["template"], mode).prompt
            equal[label] += made is not None and executed(made) == executed(case["prompt"])
    print(f"{'exactly the prompt of the editor':<38}{'of':>8}{len(cases):>8}")
    for label, count in equal.items():
        print(f"{label:<38}{count:>8}{count / len(cases):>8.1%}")


def executed(prompt: dict[str, Any]) -> dict[str, Any]:
    """Classes and inputs; titles are not compared."""
    return {id: (body.get("class_type"), body.get("inputs")) for id, body in prompt.items()}


def recorded(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def timing(rows: Rows, folder: Path, runs: int) -> None:
    """Time one conversion of each template: the median of `runs`, after one to warm up."""
    graphs = {path.name: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
    graphs = {name: graph for name, graph in graphs.items() if "nodes" in graph}
    largest = max(graphs, key=lambda name: (folder / name).stat().st_size)
    times: dict[str, dict[str, Took]] = {label: {} for label, _, _ in rows}
    raised = dict.fromkeys(times, 0)
    for name, graph in graphs.items():
        for label, converter, mode in rows:
            converter.convert(graph, mode)
            took = [converter.convert(graph, mode) for _ in range(runs)]
            times[label][name] = Took(
                statistics.median(one.cpu for one in took),
                statistics.median(one.wall for one in took),
                None,
            )
            raised[label] += took[0].prompt is None
    size = (folder / largest).stat().st_size / 1000
    print(
        f"{f'{len(graphs)} templates, ms of CPU':<38}{'median':>8}{'p95':>8}{'longest':>8}", end=""
    )
    print(f"{f'{size:.0f} kB':>8}{'wall':>8}{'raised':>8}")
    for label, found in times.items():
        cpu = sorted(took.cpu * 1000 for took in found.values())
        wall = statistics.median(took.wall * 1000 for took in found.values())
        row = [statistics.median(cpu), cpu[int(len(cpu) * 0.95)], cpu[-1]]
        row += [found[largest].cpu * 1000, wall]
        print(f"{label:<38}" + "".join(f"{one:>8.2f}" for one in row) + f"{raised[label]:>8}")


def scale(rows: Rows, runs: int) -> None:
    """Time generated graphs, and fit the exponent of their growth."""
    print(f"{'generated graphs, s of CPU':<38}", end="")
    print("".join(f"{size:>8}" for size in SIZES) + f"{'slope':>8}")
    for shape, drawn in SHAPES.items():
        found: dict[str, list[float]] = {label: [] for label, _, _ in rows}
        for size in SIZES:
            graph = drawn(size)
            for label, converter, mode in rows:
                times = found[label]
                if len(times) < SIZES.index(size) or (times and times[-1] > PATIENCE):
                    continue
                one = [converter.convert(graph, mode).cpu]
                if one[0] < PATIENCE / 10:
                    one += [converter.convert(graph, mode).cpu for _ in range(runs - 1)]
                times.append(statistics.median(one))
        for label, times in found.items():
            texts = [f"{one:>8.3f}" for one in times] + ["        "] * (len(SIZES) - len(times))
            print(f"{f'{shape}, {label}':<38}{''.join(texts)}{exponent(times):>8.2f}")


def exponent(times: Sequence[float]) -> float:
    """The slope of log seconds over log nodes, by least squares."""
    points = [(math.log(size), math.log(took)) for size, took in zip(SIZES, times, strict=False)]
    if len(points) < 2:
        return math.nan
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def command(prompts: Path, runs: int) -> None:
    """Time the whole command on a workflow of median size and on the largest."""
    texts = sorted((json.dumps(case["template"]) for case in recorded(prompts)), key=len)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dodo.py").write_text(BARE_DODO)
        (folder / "median.json").write_text(texts[len(texts) // 2])
        (folder / "largest.json").write_text(texts[-1])
        convert = ["runflow_build", "convert"]
        processes = {
            "bare doit, 2 tasks": (["doit"], folder),
            f"runflow convert, {len(texts[len(texts) // 2]) // 1000} kB": (
                [*convert, "median.json"],
                folder,
            ),
            f"runflow convert, {len(texts[-1]) // 1000} kB": ([*convert, "largest.json"], folder),
            "runflow convert, in a locked project": ([*convert, "postcard.json"], EXAMPLE),
        }
        took: dict[str, list[tuple[float, float]]] = {label: [] for label in processes}
        for _ in range(runs + 2):
            for label, (words, where) in processes.items():
                took[label].append(whole(words, where))
    print(f"{'whole process, ms':<38}{'wall':>8}{'x bare':>8}{'CPU':>8}{'x bare':>8}")
    base = [statistics.median(one) for one in zip(*took["bare doit, 2 tasks"][2:], strict=True)]
    for label, found in took.items():
        middle = [statistics.median(one) for one in zip(*found[2:], strict=True)]
        cells = [
            f"{one * 1000:>8.0f}{one / bare:>8.2f}" for one, bare in zip(middle, base, strict=True)
        ]
        print(f"{label:<38}{''.join(cells)}")


def whole(words: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    before, begun = children_cpu(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - begun, children_cpu() - before


def children_cpu() -> float:
    """Seconds that processes of ours, which have ended, worked in all."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("exact", "time", "scale", "command")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)}; or all")
    parser.add_argument("--peer", default=sys.executable, help="a Python that has comfy-cli")
    parser.add_argument("--prompts", type=Path, default=CASES, help="JSON lines: template, prompt")
    parser.add_argument("--templates", type=Path, help="folder of graphs (default: the package's)")
    parser.add_argument("--object-info", type=Path, help="definitions (default: those that ship)")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    if unknown := set(args.parts) - set(names):
        parser.error(f"no such part: {', '.join(unknown)}")
    parts = args.parts or names
    if args.object_info:
        opened = gzip.open if args.object_info.suffix == ".gz" else open
        with opened(args.object_info, "rb") as file:
            definitions = json.load(file)
    else:
        definitions = dict(shipped(None))
    ours, peer = (
        Converter(sys.executable, OURS, definitions),
        Converter(args.peer, PEER, definitions),
    )
    theirs = [("comfy-cli 1.23", peer, "")] if peer.ready else []
    try:
        if not peer.ready:
            print(f"{args.peer} has no comfy-cli, so there is no peer; --help tells how to get it")
        if "exact" in parts:
            exact([("Runflow Build", ours, ""), *theirs], args.prompts)
        if "time" in parts:
            package = find_spec(TEMPLATES)
            if args.templates or (package and package.origin):
                folder = args.templates or Path(str(package.origin)).parent / "templates"
                rows = [("Runflow Build", ours, ""), ("the same, definitions anew", ours, "anew")]
                timing([*rows, *theirs], folder, args.runs)
            else:
                print("no templates: pip install comfyui-workflow-templates-json==0.1.123")
        if "scale" in parts:
            scale([("Runflow Build", ours, ""), *theirs], args.runs)
        if "command" in parts:
            command(args.prompts, args.runs)
    finally:
        ours.close()
        peer.close()


if __name__ == "__main__":
    main()
