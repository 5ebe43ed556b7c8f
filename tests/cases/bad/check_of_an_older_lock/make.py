"""Locks, and then changes the workflow and the spec behind the lock's back."""

from pathlib import Path

from runflow_build.cli.main import main

main(["lock"])
workflow = Path("workflow.json")
workflow.write_text(workflow.read_text().replace('"width": 64', '"width": 65'))
spec = Path("runflow.yaml")
spec.write_text(spec.read_text() + "    name: Poster\n  another:\n    workflow: workflow.json\n")
