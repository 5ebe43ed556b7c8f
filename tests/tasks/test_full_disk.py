"""A disk that fills up while the lock is written: nothing is lost, and the message says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
version: 1
comfyui: {ref: 3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce}
endpoints:
  poster:
    workflow: poster.json
    outputs: {image: {node: "2"}}
"""
PROMPT = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
# The limit on the size of files makes a write fail half-way, as a full disk does.
LOCK_WITH_LITTLE_ROOM = """
import resource, signal, sys
from runflow_build.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(["lock"]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_lock_that_does_not_fit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "runflow.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "poster.json").write_text(json.dumps(PROMPT), encoding="utf-8")
    before = sorted(tmp_path.iterdir())

    def lock(room: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-c", LOCK_WITH_LITTLE_ROOM, str(room)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    full = lock(200)
    assert (full.returncode, full.stdout) == (1, "")
    name = full.stderr.partition(":")[0]
    assert full.stderr == (
        f"{name}: error file-not-written: {name} cannot be written: File too large\n"
        "  state     nothing was changed\n"
        "  fix       raise the limit on the size of files, and run the command again\n"
    )
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / ".runflow"])

    assert lock(2**20).returncode == 0, "and it goes on as soon as there is room"
    assert (tmp_path / "runflow.lock").exists()
