"""What is read off a ComfyUI installation, without running any of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import ResolveError
from runflow_build.sources.install import Install, find_install

CODE = {"main.py": "", "nodes.py": "", "comfyui_version.py": '# made\n__version__ = "0.8.0"\n'}
COMFYUI = {"remote": "https://github.com/comfyanonymous/ComfyUI", "commits": [CODE]}


def test_the_code_and_its_version(new_install: Any) -> None:
    install = find_install(new_install({"clones": {"": COMFYUI}}))
    clone = install.repository()
    assert clone is not None and clone.head() is not None
    assert install.version() == "0.8.0"


def test_the_folder_around_the_code_is_good_enough(new_install: Any) -> None:
    code = new_install({"clones": {"": COMFYUI}})
    assert find_install(code.parent) == find_install(code)


def test_a_base_folder_without_the_code(new_install: Any) -> None:
    base = new_install({"files": {"models/loras/a.safetensors": "x"}})
    install = find_install(base)
    assert (install.code, install.repository(), install.version()) == (None, None, None)
    assert install.model("loras/a.safetensors") == base / "models/loras/a.safetensors"


@pytest.mark.parametrize(
    ("name", "message"),
    [("empty", "is not a ComfyUI installation"), ("nowhere", "there is no folder")],
)
def test_any_other_folder_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResolveError, match=f"install-missing: .*{message}|{message}"):
        find_install(tmp_path / name)


def test_models_are_found_under_each_name_of_their_folder(new_install: Any) -> None:
    files = {"models/clip/t5.safetensors": "x", "models/unet/flux/dev.safetensors": "y"}
    root = new_install({"clones": {"": COMFYUI}, "files": files})
    install = find_install(root)
    assert install.model("text_encoders/t5.safetensors") == root / "models/clip/t5.safetensors"
    assert install.model("diffusion_models/flux/dev.safetensors") is not None
    assert install.model("loras/t5.safetensors") is None
    assert install.model("loras/../clip/t5.safetensors") is None
    assert install.model("clip") is None


def test_one_that_runs_says_itself_where_it_looks(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    for path in (
        far / "sub/one.pt",
        near / "two.pt",
        far / "two.pt",
        near / "dir.pt/x",
        far / "P/x",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (near / "linked.pt").symlink_to(far / "two.pt")
    (near / "dangling.pt").symlink_to(far / "gone.pt")
    install = Install(None, tmp_path, None, lambda kind: [near, far] if kind == "loras" else [far])
    wanted = {
        "loras/sub/one.pt": far / "sub/one.pt",
        "loras/two.pt": near / "two.pt",
        "loras/linked.pt": near / "linked.pt",
        "loras/dangling.pt": None,
        "loras/dir.pt": None,
        "loras/../near/two.pt": None,
        "../far/two.pt": None,
        "loras//etc/hostname": None,
        "loras/" + "a" * 300 + ".pt": None,
        "loras/a\0b.pt": None,
        "loras": None,
    }
    assert {path: install.model(path) for path in wanted} == wanted
    assert install.packs["P"].folder == far / "P"


def test_packs_are_the_folders_that_comfyui_would_load(new_install: Any) -> None:
    told = {
        "remote": "git@github.com:o/pack.git",
        "commits": [
            {
                "__init__.py": "",
                "pyproject.toml": "[project]\nname = \"the-pack\" # id\nversion = '1.2'\n"
                '[tool.comfy]\nname = "other"\n',
            }
        ],
    }
    files = {
        "custom_nodes/plain/__init__.py": "",
        "custom_nodes/off.disabled/__init__.py": "",
        "custom_nodes/.hidden/__init__.py": "",
        "custom_nodes/__pycache__/x": "",
        "custom_nodes/single.py": "",
    }
    install = find_install(
        new_install({"clones": {"": COMFYUI, "custom_nodes/pack": told}, "files": files})
    )
    packs = install.packs
    assert sorted(packs) == ["pack", "plain"]
    assert (packs["pack"].registry_id, packs["pack"].version) == ("the-pack", "1.2")
    assert packs["pack"].remote == "git@github.com:o/pack.git"
    assert packs["plain"].repository is None


def test_packages_come_from_the_metadata_of_the_environment(new_install: Any) -> None:
    versions = {"Pillow": "11.0.0", "ruamel.yaml": "0.18", "torch": "2.8.0+cu128", "mine": "1"}
    root = new_install({"clones": {"": COMFYUI}, "packages": versions})
    site = root / ".venv/lib/python3.12/site-packages"
    direct = {"url": "file:///home/me/mine", "dir_info": {"editable": True}}
    (site / "mine-1.dist-info" / "direct_url.json").write_text(json.dumps(direct))
    (site / "broken-1.dist-info").mkdir()
    (root / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.4\n")
    packages = find_install(root).packages()
    assert packages is not None
    assert packages.python == "3.12.4"
    assert packages.versions == {
        "pillow": "11.0.0",
        "ruamel-yaml": "0.18",
        "torch": "2.8.0+cu128",
    }
    assert packages.local == {"mine": "a folder"}


def test_without_an_environment_there_are_no_packages(new_install: Any) -> None:
    assert find_install(new_install({"clones": {"": COMFYUI}})).packages() is None
