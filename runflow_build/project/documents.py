"""The two documents of a project, each read alone; and which ComfyUI they are for."""

from __future__ import annotations

import re
from functools import lru_cache

from ..errors import LockError, SpecError
from ..file_names import LOCK_FILE, SPEC_FILE
from ..lock.model import ComfyUIPin, Lock
from ..lock.text import read_lock
from ..spec.model import Spec
from ..spec.read import SpecText, read_spec
from ..yaml_text import LARGEST as LARGEST_YAML
from .catalogue import version_of
from .files import read_file, spec_bytes, text_of
from .paths import ProjectPaths

# A doit run loads the project once for each of its tasks. The two large files are parsed once for
# all of them, by their bytes: what is read is always what stands on the disk.
_PARSED_FILES = 16


def load_spec(paths: ProjectPaths) -> SpecText:
    """Read runflow.yaml alone. Raises SpecError."""
    return _parsed_spec(spec_bytes(paths))


@lru_cache(_PARSED_FILES)
def _parsed_spec(data: bytes) -> SpecText:
    return read_spec(text_of(data, SPEC_FILE, SpecError))


def load_lock(paths: ProjectPaths) -> Lock | None:
    """Read runflow.lock alone; None: there is none. Raises LockError."""
    if not paths.lock.exists():
        return None
    return _parsed_lock(read_file(paths.lock, LOCK_FILE, LARGEST_YAML, LockError))


@lru_cache(_PARSED_FILES)
def _parsed_lock(data: bytes) -> Lock:
    return read_lock(text_of(data, LOCK_FILE, LockError))


def load_version(paths: ProjectPaths) -> str | None:
    """Which ComfyUI the project is for, as `comfyui_of` says. Raises SpecError, LockError."""
    lock = load_lock(paths)
    return comfyui_of(load_spec(paths).spec, lock.comfyui if lock else None)


def comfyui_of(spec: Spec, pin: ComfyUIPin | None) -> str | None:
    """Which ComfyUI the definitions have to be of: the pin's, else what the wish says by itself.

    A version ("0.8.0"), or the commit where that is of no known release; None: not known.
    """
    if pin:
        return pin.version or version_of(pin.commit) or pin.commit
    return version_wished(spec.comfyui.ref)


def version_wished(ref: str) -> str | None:
    """The ComfyUI version that a ref says by itself: that of a release's tag or commit."""
    return ref[1:] if re.fullmatch(r"v[0-9]+(\.[0-9]+)+", ref) else version_of(ref)
