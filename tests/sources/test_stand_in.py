"""The stand-in of the hub, held against the hub's own client."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from place import File, Repo

DATA = os.urandom(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
ASK = """
import json
import huggingface_hub as hub
from pathlib import Path

api = hub.HfApi()
whole = Path(hub.hf_hub_download("o/n", "m.safetensors"))
small = Path(hub.hf_hub_download("o/old", "sub/config.json"))
info = api.model_info("o/n", files_metadata=True)
said = {}
for name in ("o/gated", "o/none"):
    try:
        hub.hf_hub_download(name, "m.safetensors")
    except Exception as error:
        said[name] = type(error).__name__
try:
    hub.hf_hub_download("o/n", "none")
except Exception as error:
    said["file"] = type(error).__name__
print(json.dumps({
    "blob": whole.resolve().name,
    "same": [len(whole.read_bytes()), small.read_text()],
    "snapshot": whole.parent.name,
    "lfs": {one.rfilename: one.lfs and one.lfs.sha256 for one in info.siblings},
    "tree": sorted(one.path for one in api.list_repo_tree("o/n", recursive=True)),
    "found": [one.id for one in api.list_models(search="o/n")],
    "said": said,
}))
"""


def test_the_hubs_own_client_takes_it_for_the_hub(stand_in: Any, tmp_path: Path) -> None:
    files = {"m.safetensors": File(DATA), "sub/config.json": File(b"{}", lfs=False)}
    stand_in.place.repos = {
        "o/n": Repo({"a" * 40: files}),
        "o/old": Repo({}, moved_to="o/n"),
        "o/gated": Repo({"b" * 40: files}, gated=True),
    }
    environ = {name: text for name, text in os.environ.items() if not name.startswith("HF_")}
    environ |= {**stand_in.environ, "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "blob": SHA256,
        "same": [len(DATA), "{}"],
        "snapshot": "a" * 40,
        "lfs": {"m.safetensors": SHA256, "sub/config.json": None},
        "tree": ["m.safetensors", "sub/config.json"],
        "found": ["o/n"],
        "said": {
            "o/gated": "GatedRepoError",
            "o/none": "RepositoryNotFoundError",
            "file": "RemoteEntryNotFoundError",
        },
    }
