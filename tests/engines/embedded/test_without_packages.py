"""The recorded prompts where neither torch nor av is there: the same pixels, or what to install.

Other tests only tell the engine that a package is missing; here no import of it succeeds.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recorded_files import INPUT, arrays, arrays_of, assert_equal, numbered, pixels, prompts

from runflow_build.engines.base import OutputFile

# Prompts come in, a line each; files of what was made, or the error, go out.
CHILD = """
import sys
sys.modules.update(torch=None, av=None)  # whoever looks for them or imports them finds nothing
import json
from pathlib import Path
from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.errors import EngineError
from runflow_build.project.catalogue import shipped
from runflow_build.workflow.definitions import Definitions
engine = EmbeddedEngine(Definitions(None, shipped("0.8.0")))
for number, line in enumerate(sys.stdin):
    folders = RunFolders(Path(sys.argv[1]), Path(sys.argv[2], str(number)))
    folders.output.mkdir()
    try:
        made = engine.execute(json.loads(line), folders)
        print(json.dumps([[one.node, str(one.path), one.content_type] for one in made]))
    except EngineError as error:
        print(json.dumps(str(error)))
"""
NEEDS = re.compile(
    r"error (engine-extra-missing|node-failed): [^\n]+ needs (?P<package>torch|av), which is not"
    r" installed\n  at        node \w+ [^\n]+\n  fix       pip install 'runflow-build\[embedded\]'"
)
RECORDED = {**prompts("pixels"), **prompts("audio")}
Outcomes = dict[tuple[str, str], Any]  # (family, name) -> the files that were made, or the error


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(INPUT), str(tmp_path_factory.mktemp("without"))],
        input="\n".join(map(json.dumps, RECORDED.values())),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return dict(zip(RECORDED, map(json.loads, done.stdout.splitlines()), strict=True))


def test_pictures_that_need_neither_are_those_of_comfyui(outcomes: Outcomes) -> None:
    recorded = arrays("pixels")
    for (family, name), told in outcomes.items():
        if isinstance(told, list):
            made = numbered(OutputFile(node, Path(path), kind) for node, path, kind in told)
            ours = {key: pixels(one.path) for key, one in made.items()}
            assert_equal(ours, arrays_of(recorded[family], name), f"{family}/{name}")


def test_the_others_say_what_needs_which_package_and_how_to_get_it(outcomes: Outcomes) -> None:
    families: dict[str, set[str]] = {"torch": set(), "av": set()}
    for (family, name), told in outcomes.items():
        if isinstance(told, str):
            needs = NEEDS.match(told)
            assert needs, f"{family}/{name}: {told}"
            families[needs["package"]].add(family)
    assert families == {
        "torch": {"compositing", "dev", "filters", "images", "porter_duff"}
        | {"saving", "scaling", "stitching"},
        "av": {"video", "exact", "lossy", "rates", "surround"},
    }
