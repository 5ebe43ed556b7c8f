"""What the node pack adds to ComfyUI's start: its import, where ComfyUI's own modules are loaded.

    python benchmarks/plugin_import.py [--runs 15]

Each run is a fresh process with aiohttp, PyYAML, pydantic and what they bring, as in a ComfyUI that
is about to load its packs; ComfyUI's modules are the stand-ins of tests/host/comfyui. Run it with
ComfyUI's own Python for the figure of that install. Prints the median and what was imported.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LIMIT_MS = 100.0
LOAD = """
import asyncio, importlib.metadata, importlib.util, json, sys, time
import aiohttp.web, pydantic, yaml
import comfy.cli_args, folder_paths, nodes, server
async def load():
    server.PromptServer(asyncio.get_running_loop(), folder_paths.base_path)
    before = set(sys.modules)
    started, cpu = time.perf_counter(), time.process_time()
    spec = importlib.util.spec_from_file_location(PACK, PACK + "/__init__.py")
    pack = importlib.util.module_from_spec(spec)
    sys.modules[PACK] = pack
    spec.loader.exec_module(pack)
    took, busy = time.perf_counter() - started, time.process_time() - cpu
    assert pack.WEB_DIRECTORY
    print(json.dumps([took * 1000, busy * 1000, sorted(set(sys.modules) - before)]))
asyncio.run(load())
"""


def measured(base: Path) -> tuple[float, float, list[str]]:
    """Milliseconds, those of the processor, and the modules that the import has brought."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "host" / "comfyui")}
    code = f"PACK = {str(CHECKOUT)!r}\n{LOAD}"
    command = [sys.executable, "-c", code, "--base-directory", str(base)]
    # Where warnings go is not measured.
    done = subprocess.run(
        command, cwd=base, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    took, busy, modules = json.loads(done.stdout)
    return took, busy, modules


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        measured(Path(folder))  # writes the bytecode
        told = [measured(Path(folder)) for _ in range(runs)]
    times, busy = [one[0] for one in told], [one[1] for one in told]
    modules = told[0][2]
    ours = [one.removeprefix(f"{CHECKOUT}.") for one in modules if one.startswith(str(CHECKOUT))]
    print("of the pack:", ", ".join(ours))
    print("besides:", ", ".join(one for one in modules if not one.startswith(str(CHECKOUT))))
    print(f"median {statistics.median(times):.1f} ms, {min(times):.1f} to {max(times):.1f}")
    print(f"of the processor: median {statistics.median(busy):.1f} ms, at best {min(busy):.1f}")
    if min(busy) > LIMIT_MS:  # of the wall's clock, whatever else runs is a part
        sys.exit(f"more than {LIMIT_MS:.0f} ms")


if __name__ == "__main__":
    main()
