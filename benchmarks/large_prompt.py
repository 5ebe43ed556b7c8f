"""How long a 5,000-node workflow takes through the pure stages, beside parsing its JSON alone.

python benchmarks/large_prompt.py [--nodes 5000] [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runflow_build import check, load, rewrite
from runflow_build.tasks.lock import relock

COMMIT = "3cd7b32f" + "0" * 32


def chain(nodes: int) -> dict[str, object]:
    """EmptyImage, a chain of ImageInvert, a Runflow output."""
    prompt: dict[str, object] = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
        }
    }
    for number in range(2, nodes):
        prompt[str(number)] = {
            "class_type": "ImageInvert",
            "inputs": {"image": [str(number - 1), 0]},
        }
    prompt[str(nodes)] = {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "image", "output_name": "", "value": [str(nodes - 1), 0]},
    }
    return prompt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        text = json.dumps(chain(args.nodes))
        (root / "chain.json").write_text(text)
        (root / "runflow.yaml").write_text(
            f"version: 1\ncomfyui: {{ref: {COMMIT}}}\n"
            "endpoints:\n  chain: {workflow: chain.json}\n"
        )
        relock(root)
        project = load(root)
        lock = project.lock
        assert lock is not None
        workflow = project.workflows["chain.json"]
        stages: dict[str, Callable[[], object]] = {
            "json.loads": lambda: json.loads(text),
            "load": lambda: load(root),
            "check": lambda: check(project.spec, project.workflows, project.definitions, lock),
            "rewrite": lambda: rewrite(workflow, project.definitions, lock, "chain"),
        }
        print(
            f"{args.nodes} nodes, {len(text) // 1024} kB; at most 1.0 s for load + check + rewrite"
        )
        total = 0.0
        for label, stage in stages.items():
            found = []
            for _ in range(args.runs):
                begun = time.perf_counter()
                stage()
                found.append(time.perf_counter() - begun)
            median = statistics.median(found)
            total += median if label != "json.loads" else 0
            print(f"{label:<12}{median * 1000:>8.1f} ms")
        print(f"{'in all':<12}{total * 1000:>8.1f} ms")


if __name__ == "__main__":
    main()
