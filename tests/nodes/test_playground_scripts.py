"""What the playground's page and the editor compute by themselves: numbers, and a graph's mark."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from canvas import Canvas

ROOT = Path(__file__).parent.parent.parent


def in_node(script: str, value: Any) -> Any:
    """What the script makes of `value`, as JSON."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the PATH")
    whole = f"{script}\nconsole.log(JSON.stringify(answer(JSON.parse(process.argv[1]))));"
    command = [node, "--no-warnings", "--input-type=module", "-e", whole, json.dumps(value)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_typed_number_keeps_its_digits_and_what_is_none_goes_as_text() -> None:
    script = """
    import { numberText } from "./nodes/playground/numbers.js";
    const answer = (texts) => texts.map(numberText);
    """
    wanted = {
        "": None,
        " 7 ": "7",
        "+7": "7",
        "-007": "-7",
        "18446744073709551615": "18446744073709551615",
        "7.9": "7.9",
        ".5": "0.5",
        "7.0": "7",
        "1e3": "1000",
        "1e999": '"1e999"',
        "NaN": '"NaN"',
        "Infinity": '"Infinity"',
        "0x10": '"0x10"',
        "1,5": '"1,5"',
        "9" * 5000: json.dumps("9" * 5000),
    }
    found = in_node(script, list(wanted))
    assert found == list(wanted.values())


def test_the_arrows_stay_within_the_limits() -> None:
    script = """
    import { stepped } from "./nodes/playground/numbers.js";
    const answer = (rows) => rows.map(([text, way, type, minimum, maximum, step]) =>
      stepped(text, way, { type, minimum, maximum, step }));
    """
    cases = {
        ("1", 1, "INT", None, None, None): "2",
        ("", 1, "INT", "5", None, None): "6",
        ("10", 1, "INT", "0", "10", None): "10",
        ("0", -1, "INT", "0", None, None): "0",
        ("18446744073709551614", 1, "INT", None, None, None): "18446744073709551615",
        ("600", 1, "INT", None, None, "10"): "610",
        ("0.35", 1, "FLOAT", "0", "1", "0.05"): "0.4",
        ("0.1", 1, "FLOAT", None, None, None): "0.2",
        ("0.3", -1, "FLOAT", None, None, "0.1"): "0.2",
        ("words", 1, "FLOAT", None, None, None): "words",
    }
    assert in_node(script, list(cases)) == list(cases.values())


def test_sizes_are_said_shortly() -> None:
    script = """
    import { sizeText } from "./nodes/playground/numbers.js";
    const answer = (sizes) => sizes.map(sizeText);
    """
    wanted = {
        0: "0 bytes",
        999: "999 bytes",
        8400: "8.4 kB",
        979_139: "979 kB",
        2_500_000: "2.5 MB",
    }
    assert in_node(script, list(wanted)) == list(wanted.values())


def test_a_graphs_mark_is_of_what_it_does() -> None:
    script = """
    import { markOf } from "./nodes/web/playground/mark.js";
    const answer = (graphs) => graphs.map(markOf);
    """

    def graph(width: int = 8) -> dict[str, Any]:
        canvas = Canvas()
        image = canvas.add("EmptyImage", width, 8, 1, 0, gives="IMAGE")
        canvas.add("RunflowOutputImage", "out", "", value=image)
        return canvas.graph()

    moved, other, muted, unlinked, noted = (graph() for _ in range(5))
    moved["nodes"][0] |= {"pos": [999, 9], "size": [1, 1], "color": "#fff", "flags": {"pinned": 1}}
    moved["nodes"].reverse()
    moved["extra"] = {"ds": {"scale": 2}}
    noted["nodes"].append({"id": 7, "type": "Note", "widgets_values": ["hello"]})
    noted["nodes"].append({"id": 8, "type": "RunflowDeploy", "widgets_values": ["a", "", ""]})
    other["nodes"][0]["widgets_values"][0] = 9
    muted["nodes"][0]["mode"] = 2
    unlinked["links"].clear()
    same = in_node(script, [graph(), moved, noted])
    assert len(set(same)) == 1
    different = in_node(script, [graph(), other, muted, unlinked])
    assert len(set(different)) == 4
