"""What the files of a project are called; findings name them so."""

from __future__ import annotations

SPEC_FILE = "runflow.yaml"
LOCK_FILE = "runflow.lock"
DEFINITIONS_FILE = "runflow.definitions.json"
STATE_FOLDER = ".runflow"  # ignored by git, and may be deleted at any time
