"""The slug that the page shows is the one that the endpoint gets: one table for both languages."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CASES = json.loads((ROOT / "tests" / "cases" / "slug.json").read_bytes())["slugs"]
SCRIPT = """
import { nameProblem, slugOf } from "./nodes/web/slug.js";
const names = JSON.parse(process.argv[1]);
console.log(JSON.stringify(names.map((name) => [slugOf(name), nameProblem(name) === null])));
"""


def test_python_and_javascript_agree() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the PATH")
    names = json.dumps([one["name"] for one in CASES])
    command = [node, "--no-warnings", "--input-type=module", "-e", SCRIPT, names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = [[one["slug"], one["allowed"]] for one in CASES]
    assert json.loads(done.stdout) == wanted
