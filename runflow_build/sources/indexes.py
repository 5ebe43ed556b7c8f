"""Package indexes, asked through `uv pip compile`: PyPI, and PyTorch's own for its builds.

The text that comes out is the same whoever asks: uv runs without the user's settings, away from any
project, and what it says is written anew in our canonical form with public URLs.

A machine may reach PyPI by a mirror only. RUNFLOW_MIRRORS says what stands for what, files too. Of
a mirror that is only known as uv's or pip's index (UV_DEFAULT_INDEX, UV_INDEX_URL, PIP_INDEX_URL),
files are mapped by their path: `…/packages/<2>/<2>/<60 hex digits>/<file>` is PyPI's own, made of
the file's BLAKE2b hash, and bandersnatch, Artifactory and others keep it. A mirror with paths of
its own (devpi, Nexus), or without sizes, cannot give the text that others get: such paths are
refused, missing sizes are left out. Further indexes of the user (`extra-index-url`, pip.conf) are
never asked: two indexes that hold one name are how wrong packages come in.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from ..lock.pylock import LockedPackage, Pylock, normal_name, pylock_text, read_pylock
from ..lock.wheel_tags import fits
from ..redact import redacted
from .mirrors import Mirrors
from .uv import Answer, call_uv
from .world import Asked, PackageConflict, Resolution, Unanswered

PYPI = "https://pypi.org/simple"
PYPI_FILES = "https://files.pythonhosted.org"
TORCH = "https://download.pytorch.org/whl"
TIMEOUT_S = 900  # one resolution: source distributions may have to be built for their metadata
MOST_LINES = 12  # of uv's explanation

# Projects whose builds differ by GPU, and lie on PyTorch's index. uv's own list does it where that
# index is asked itself; behind a mirror, where uv knows no `--torch-backend`, this one does.
TORCH_PROJECTS = frozenset(
    {
        "pytorch-triton",
        "pytorch-triton-rocm",
        "pytorch-triton-xpu",
        "torch",
        "torchao",
        "torchaudio",
        "torchcodec",
        "torchdata",
        "torchtext",
        "torchvision",
        "triton",
        "triton-rocm",
        "triton-xpu",
    }
)
# The oldest systems that current PyTorch runs on decide which wheels fit.
_PLATFORMS = {
    "linux": "x86_64-manylinux_2_28",
    "macos": "aarch64-apple-darwin",
    "windows": "x86_64-pc-windows-msvc",
}
_BOUND = "runflow-torch"  # the name of a project that only says which index has what
_OFFLINE = "offline, and uv's cache does not hold every answer of the index"
_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_PYPI_PATH = re.compile(r"/(packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/?#]+)$")


@dataclass(frozen=True)
class Platform:
    """A target as uv wants it told."""

    name: str  # for --python-platform
    backend: str | None  # for --torch-backend; None: PyPI's own builds of PyTorch


def platform_of(target: str) -> Platform:
    """`linux-cu128` is x86_64 Linux with glibc 2.28 and PyTorch's cu128 builds.

    Raises Unanswered for pairs that PyTorch has no builds for.
    """
    system, _, backend = target.partition("-")
    if system == "macos":  # one build for CPU and Metal, and PyPI has it
        if backend in ("cpu", "mps"):
            return Platform(_PLATFORMS[system], None)
    elif backend != "mps" and not (system == "windows" and backend.startswith("rocm")):
        return Platform(_PLATFORMS[system], backend)
    raise Unanswered(
        f"PyTorch has no {backend} builds for {system}",
        "name targets like linux-cu128, linux-cpu, windows-cu128 or macos-mps",
    )


class UvIndexes:
    """PackageIndexes over the real indexes."""

    def __init__(
        self,
        mirrors: Mirrors,
        *,
        offline: bool = False,
        cache: Path | None = None,
        environ: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """`cache` is uv's folder for what it fetched; None: the one it has for everything else.

        `stop` ends the uv that runs.
        """
        self._mirrors = mirrors
        self._offline = offline
        self._cache = cache
        self._stop = stop
        self._environ = os.environ if environ is None else environ
        self._pypi = pypi_of(mirrors, self._environ)
        self._users = self._pypi if self._pypi not in (PYPI, mirrors.local(PYPI)) else None

    def resolve(
        self, asked: Sequence[Asked], python: str, target: str, known: Mapping[str, str]
    ) -> Resolution:
        """One resolution over all requirements: see `PackageIndexes`.

        Builds source distributions that do not say what they need, in isolation: their code runs.
        """
        platform = platform_of(target)
        with TemporaryDirectory(prefix="runflow-") as name:
            call = _Call(Path(name), asked, python, platform, known)
            found = self._resolved(call)
        pylock = self._public(_for_machine(found, python, target.partition("-")[0]))
        return Resolution(pylock.versions, pylock_text(pylock))

    def _resolved(self, call: _Call) -> Pylock:
        index = f"{TORCH}/{call.platform.backend}"
        local = self._mirrors.local(index)
        if call.platform.backend is None or local == index:
            backend = call.platform.backend
            more = [] if backend is None else ["--torch-backend", backend]
            return self._compiled(call, call.write(index), more)
        # Only what is asked for by name can be bound to an index, so what others bring in is asked
        # for in another round: it is in the answer already, or the lack of it is why there is none.
        bound = call.names & TORCH_PROJECTS
        while True:
            try:
                found = self._compiled(call, [*call.write(local), call.bind(bound, local)], [])
                brought = {one.name for one in found.packages} & TORCH_PROJECTS
                if brought <= bound:
                    return found
            except PackageConflict as conflict:
                brought = _named_in(conflict.message) & TORCH_PROJECTS
                if brought <= bound:
                    raise
            bound |= brought

    def _compiled(self, call: _Call, files: Sequence[str], more: Sequence[str]) -> Pylock:
        arguments = ["pip", "compile", *files, *more]
        arguments += ["--format", "pylock.toml", "--no-header", "--output-file", "pylock.toml"]
        arguments += ["--python-version", call.python, "--python-platform", call.platform.name]
        arguments += ["--default-index", self._pypi]
        arguments += ["--offline"] if self._offline else []
        arguments += ["--cache-dir", str(self._cache.absolute())] if self._cache else []
        answer = call_uv(arguments, self._environ, call.folder, TIMEOUT_S, stop=self._stop)
        if answer.code:
            raise self._refusal(answer, call)
        return read_pylock((call.folder / "pylock.toml").read_text(encoding="utf-8"))

    def _public(self, pylock: Pylock) -> Pylock:
        public = pylock.with_urls(self._public_url)
        for one in public.packages:
            for file in one.files():
                if file.sha256 is None:
                    raise Unanswered(
                        f"the index says no sha256 of {file.name}, so it cannot be locked",
                        f"require another version of {one.name}",
                    )
                if not file.url.startswith(("https://", "http://")):
                    raise Unanswered(
                        f"{one.name} comes from a path of this machine, which others do not have"
                    )
        return public

    def _public_url(self, url: str) -> str:
        public = self._mirrors.public(url)
        if not self._users or urlsplit(public).netloc != urlsplit(self._users).netloc:
            return public
        if public.rstrip("/") == self._users.rstrip("/"):
            return PYPI
        if found := _PYPI_PATH.search(public):
            return f"{PYPI_FILES}/{found[1]}"
        raise Unanswered(
            f"where {redacted(public)} publicly lies cannot be told from its path",
            "say what the mirror stands for: RUNFLOW_MIRRORS='https://pypi.org=URL "
            "https://files.pythonhosted.org=URL'",
        )

    def _refusal(self, answer: Answer, call: _Call) -> Exception:
        problem = self._mirrors.public_text(call.with_askers(answer.problem))
        problem = problem.replace(f"{_BOUND} depends on", "you require")
        if self._users:
            problem = problem.replace(redacted(self._users), PYPI)
        if "No solution found" in problem:
            return self._no_solution(problem, call)
        if re.search(r"network (connectivity )?(was|is) disabled", problem, re.IGNORECASE):
            return Unanswered(_OFFLINE)
        lines = problem.splitlines() or ["uv failed and did not say why"]
        reason = lines[0] if len(lines) == 1 else f"{lines[0]}: {lines[-1]}"
        if "Failed to build" in problem or "build backend" in problem:
            return Unanswered(
                f"a source distribution could not be built for its metadata: {reason}",
                "require a version that has a wheel, or install what its build needs",
            )
        return Unanswered(f"the package index gave no answer: {reason}")

    def _no_solution(self, problem: str, call: _Call) -> Exception:
        said, _, hints = problem.partition("\nhint: ")
        if "network was disabled" in hints:
            return Unanswered(_OFFLINE)
        refused = re.search(r"An index \((\S+)\) returned an? (40[13] \w+)", hints)
        if refused and TORCH not in refused[1] and "was not found in the package reg" in said:
            return Unanswered(
                f"{refused[1]} answered {refused[2]}", "give credentials in ~/.netrc for its host"
            )
        explained = said.splitlines()[1:][:MOST_LINES]
        return PackageConflict("\n".join(explained), call.asked_for(said))


class _Call:
    """One question, as files in a folder."""

    def __init__(
        self,
        folder: Path,
        asked: Sequence[Asked],
        python: str,
        platform: Platform,
        known: Mapping[str, str],
    ) -> None:
        self.folder = folder
        self.asked = asked
        self.python = python
        self.platform = platform
        self.known = known
        self.names = {name for _, name, _ in self._rows()}

    def write(self, torch: str) -> list[str]:
        """Write the requirements, a file for each asker, and the versions to keep."""
        files = []
        for number, one in enumerate(self.asked):
            files.append(f"{number:03}.txt")
            (self.folder / files[-1]).write_text(one.requirements, encoding="utf-8")
        if not files:
            files = ["nothing.txt"]
            (self.folder / files[0]).touch()
        # uv keeps the versions of an output file that is there, where they still answer.
        kept = [
            LockedPackage(name, version, index=self._home(name, torch))
            for name, version in self.known.items()
            if re.fullmatch(r"[0-9][0-9A-Za-z.!+-]*", version)
        ]
        path = self.folder / "pylock.toml"
        path.write_text(pylock_text(Pylock(tuple(kept))), encoding="utf-8")
        return files

    def bind(self, names: Collection[str], index: str) -> str:
        """A project file that binds packages to an index; its name."""
        rows = [
            f'[project]\nname = "{_BOUND}"\nversion = "0"',
            f"dependencies = {json.dumps(sorted(names))}",
            "[tool.uv.sources]",
            *(f'{name} = {{ index = "torch" }}' for name in sorted(names)),
            f'[[tool.uv.index]]\nname = "torch"\nurl = "{index}"\nexplicit = true',
        ]
        (self.folder / "pyproject.toml").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return "pyproject.toml"

    def with_askers(self, problem: str) -> str:
        """uv's words, with who asks instead of the file that holds it."""
        return re.sub(
            r"(?<![\w/])(\d{3})\.txt",
            lambda found: f"the requirements of {self.asked[int(found[1])].by}",
            problem,
        )

    def asked_for(self, explanation: str) -> list[tuple[str, str]]:
        """Who asks for what, of the packages that an explanation names."""
        named = _named_in(explanation)
        return [(by, line) for by, name, line in self._rows() if name in named]

    def _home(self, name: str, torch: str) -> str | None:
        return torch if self.platform.backend and name in TORCH_PROJECTS else None

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for one in self.asked:
            for line in one.requirements.splitlines():
                if found := re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?!\S*://)", line):
                    yield one.by, normal_name(found[1]), line.strip()


def _named_in(explanation: str) -> set[str]:
    """All words of a text that could be packages' names."""
    words = re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", explanation)
    return {normal_name(word.rstrip(".")) for word in words}


def pypi_of(mirrors: Mirrors, environ: Mapping[str, str]) -> str:
    """Where to ask for what PyPI has: our mirror of it, or that of the user's tools, or PyPI."""
    local = mirrors.local(PYPI)
    if local != PYPI:
        return local
    found = next((environ[name] for name in _INDEX_VARIABLES if environ.get(name)), PYPI)
    return found.rstrip("/")


def _for_machine(pylock: Pylock, python: str, system: str) -> Pylock:
    """The files that the target can use: its own wheels, and a source only where none fits.

    Then installing runs no code of a package that has a wheel. Releases of uv differ in which
    wheels they name.
    """
    packages = []
    for one in pylock.packages:
        wheels = tuple(wheel for wheel in one.wheels if fits(wheel.name, python, system))
        packages.append(replace(one, wheels=wheels, sdist=None if wheels else one.sdist))
    return replace(pylock, packages=tuple(packages))
