"""Requirements of ComfyUI and the packs become pins and pylock files; indexes are dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from twins import PackagesTwin, world_of

from runflow_build import digest
from runflow_build.findings import Finding
from runflow_build.lock.model import ComfyUIPin, Lock, NodePackPin, Pins, PythonPins
from runflow_build.resolve.inquiry import Inquiry
from runflow_build.resolve.packages import python_pin, split
from runflow_build.sources import Sources
from runflow_build.sources.install import Install
from runflow_build.sources.world import World
from runflow_build.spec.model import Spec

HOST = "https://github.com"
COMFYUI, PACK = f"{HOST}/comfyanonymous/ComfyUI", f"{HOST}/owner/pack"
C1, C2, P1, P2 = "c1" * 20, "c2" * 20, "b1" * 20, "b2" * 20


def outside(**more: Any) -> dict[str, Any]:
    """A ComfyUI and a pack with two commits each, and answers for two targets."""
    return {
        "git": {
            COMFYUI: {
                "commits": {
                    C1: {"requirements.txt": "torch\nnumpy>=1.25\n"},
                    C2: {"requirements.txt": "# newer\ntorch\nnumpy>=1.25\n"},
                }
            },
            PACK: {
                "commits": {
                    P1: {"requirements.txt": "numpy<2\n"},
                    P2: {"requirements.txt": "numpy<3\n-e .\n--pre\n"},
                }
            },
        },
        "packages": {
            "linux-cpu": {
                "packages": {"numpy": "1.26.0", "torch": "2.8.0+cpu"},
                "pylock": "cpu's files\n",
            },
            "linux-cu128": {
                "packages": {"numpy": "1.26.0", "torch": "2.8.0+cu128", "triton": "3.4.0"},
                "pylock": "cu128's files\n",
            },
        },
        **more,
    }


def comfyui(commit: str = C1) -> ComfyUIPin:
    return ComfyUIPin(repository=COMFYUI, ref="v0.8.0", commit=commit)


def packs(commit: str = P1) -> dict[str, NodePackPin]:
    return {"pack": NodePackPin(repository=PACK, commit=commit)}


def spec_of(
    targets: Sequence[str] = ("linux-cpu", "linux-cu128"), unresolved: str = "deny", **python: Any
) -> Spec:
    return Spec.model_validate(
        {
            "version": 1,
            "comfyui": {"ref": "v0.8.0"},
            "python": {"version": "3.12", "targets": list(targets), **python},
            "policy": {"unresolved": unresolved},
            "endpoints": {},
        }
    )


class Ask:
    """One resolution, its findings, and what was asked of whom."""

    def __init__(
        self,
        world: Mapping[str, Any] | None,
        spec: Spec | None = None,
        previous: Lock | None = None,
        upgrade: Sequence[str] | None = (),
        at: tuple[str, str] = (C1, P1),
        install: Install | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        self.world: World | None = None if world is None else world_of(world)
        inquiry = Inquiry(
            spec or spec_of(),
            {},
            Sources(Path("input"), install, self.world),
            previous,
            self.findings.append,
            upgrade,
        )
        pins = (comfyui(at[0]), packs(at[1]))
        self.pins, self.texts = python_pin(inquiry, *pins)

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.findings]

    @property
    def twin(self) -> PackagesTwin:
        assert self.world
        assert isinstance(self.world.packages, PackagesTwin)
        return self.world.packages

    @property
    def lock(self) -> Lock:
        return Lock(comfyui=comfyui(), nodes=packs(), python=self.pins)


def test_what_all_targets_share_stands_once_and_the_rest_with_its_target() -> None:
    found = Ask(outside())

    assert found.pins.packages == {"numpy": "1.26.0"}
    assert {name: pins.packages for name, pins in found.pins.targets.items()} == {
        "linux-cpu": {"torch": "2.8.0+cpu"},
        "linux-cu128": {"torch": "2.8.0+cu128", "triton": "3.4.0"},
    }
    assert found.texts == {
        "pylock.linux-cpu.toml": "cpu's files\n",
        "pylock.linux-cu128.toml": "cu128's files\n",
    }
    pylock = found.pins.targets["linux-cpu"].pylock
    assert pylock is not None
    assert (pylock.file, pylock.sha256) == (
        "pylock.linux-cpu.toml",
        digest.of_bytes(b"cpu's files\n"),
    )
    assert found.codes == []


def test_everybody_is_heard_in_one_question() -> None:
    found = Ask(outside(), spec_of(["linux-cpu"], requirements=["pillow>=10", "idna"]))

    (question,) = found.twin.questions
    assert [(one.by, one.requirements) for one in question] == [
        ("ComfyUI", "torch\nnumpy>=1.25\n"),
        ("pack", "numpy<2\n"),
        ("ComfyUI, which imports it without asking", "requests\n"),
        ("runflow.yaml", "idna\npillow>=10\n"),
    ]


def test_a_gap_that_comfyui_fills_itself_is_none() -> None:
    world = outside()
    world["git"][COMFYUI]["commits"][C1]["requirements.txt"] += "Requests>=2\n"
    (question,) = Ask(world, spec_of(["linux-cpu"])).twin.questions
    assert [one.by for one in question] == ["ComfyUI", "pack"]


def test_pins_stay_and_nothing_is_asked_while_the_commits_are_the_same() -> None:
    first = Ask(outside())
    again = Ask({"unanswered": {"git": "offline", "packages": "offline"}}, previous=first.lock)

    assert again.pins == first.pins
    assert again.texts == {}
    assert again.codes == []


def test_pins_stay_where_other_commits_ask_for_the_same() -> None:
    first = Ask(outside())
    again = Ask(outside(), previous=first.lock, at=(C2, P1))

    assert again.pins == first.pins
    assert again.twin.questions == []


def test_other_requirements_are_resolved_with_the_versions_of_before() -> None:
    first = Ask(outside())
    again = Ask(outside(), previous=first.lock, at=(C1, P2))

    assert len(again.twin.questions) == 2
    assert again.twin.known == [
        {"numpy": "1.26.0", "torch": "2.8.0+cpu", "triton": "3.4.0"},
        {"numpy": "1.26.0", "torch": "2.8.0+cu128", "triton": "3.4.0"},
    ]


def test_an_upgrade_forgets_the_versions_of_before() -> None:
    first = Ask(outside())
    all_anew = Ask(outside(), previous=first.lock, upgrade=["python"])
    assert all_anew.twin.known[0] == {}
    # The targets agree with one another all the same.
    assert all_anew.twin.known[1] == {"numpy": "1.26.0", "torch": "2.8.0+cu128"}

    one_anew = Ask(outside(), previous=first.lock, upgrade=["numpy"])
    assert one_anew.twin.known[0] == {"torch": "2.8.0+cpu", "triton": "3.4.0"}


def without_files(lock: Lock) -> Lock:
    """The lock as locking reads it when its pylock files are gone."""
    targets = {
        name: one.model_copy(update={"pylock": None}) for name, one in lock.python.targets.items()
    }
    python = lock.python.model_copy(update={"targets": targets})
    return lock.model_copy(update={"python": python})


def test_lost_pylock_files_are_made_anew_from_the_same_versions() -> None:
    first = Ask(outside())
    again = Ask(outside(), previous=without_files(first.lock))

    assert again.pins == first.pins
    assert again.texts == first.texts
    assert again.twin.known[0]["numpy"] == "1.26.0"


def test_a_new_target_takes_the_versions_of_the_others() -> None:
    first = Ask(outside(), spec_of(["linux-cu128"]))
    again = Ask(outside(), spec_of(), previous=first.lock)

    assert again.twin.known[0]["torch"] == "2.8.0+cpu"
    assert set(again.texts) == {"pylock.linux-cpu.toml", "pylock.linux-cu128.toml"}


def test_another_python_is_another_question() -> None:
    first = Ask(outside())
    again = Ask(outside(), spec_of(version="3.13"), previous=first.lock)
    assert again.twin.known[0] == {}


CONFLICT = {
    "conflict": "Because you require numpy<2 and numpy>=2, your requirements are unsatisfiable.",
    "lines": [["pack", "numpy<2"], ["other", "numpy>=2"]],
}


def test_a_conflict_names_who_asks_for_what_and_leaves_the_lock_alone() -> None:
    found = Ask(outside(packages={"linux-cpu": CONFLICT}), spec_of(["linux-cpu"]))

    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("packages-conflict", "error")
    assert finding.also[:2] == (("pack", "numpy<2"), ("other", "numpy>=2"))
    assert finding.also[2][1].startswith("Because")
    assert found.pins.packages == {}
    assert found.texts == {}


def test_the_policy_decides_how_bad_a_conflict_is() -> None:
    world = outside(packages={"linux-cpu": CONFLICT})
    found = Ask(world, spec_of(["linux-cpu"], unresolved="warn"))
    assert [one.severity for one in found.findings] == ["warning"]


@pytest.mark.parametrize("silent", ["packages", "linux-cu128", PACK])
def test_no_answer_is_said_and_nothing_is_pinned(silent: str) -> None:
    found = Ask(outside(unanswered={silent: "the index is on fire"}))

    assert found.codes == ["not-resolved"]
    assert "the index is on fire" in found.findings[0].message
    assert found.pins.packages == {}
    assert found.texts == {}


def test_no_answer_never_costs_the_versions_of_before() -> None:
    """The error keeps the lock as it is: else the next one would have all versions renewed."""
    first = Ask(outside())
    world = outside(unanswered={"packages": "offline"})
    again = Ask(world, previous=first.lock, at=(C1, P2), spec=spec_of(unresolved="allow"))

    assert ("packages-unanswered", "error") in [(one.code, one.severity) for one in again.findings]


def test_lines_that_no_lock_can_repeat_are_named_with_pack_and_line() -> None:
    found = Ask(outside(), spec_of(["linux-cpu"]), at=(C1, P2))

    assert [(one.code, one.severity) for one in found.findings] == [
        ("not-resolved", "error"),
        ("package-option", "warning"),
    ]
    assert "pack's requirements.txt:2 cannot be locked: `.`" in found.findings[0].message
    assert "pack's requirements.txt:3 is not followed: `--pre`" in found.findings[1].message
    assert found.twin.questions[0][1].requirements == "numpy<3\n"


def test_without_a_target_there_is_nothing_to_resolve() -> None:
    found = Ask(outside(), spec_of([], requirements=["pillow"]))
    assert found.codes == ["not-resolved"]
    assert "targets:" in (found.findings[0].fix or "")
    assert Ask(outside(), spec_of([])).codes == []


INSTALLED = {"torch": "2.8.0+cu128", "numpy": "1.26.0", "extra-tool": "3.0", "pip": "25.0"}


def install_of(new_install: Any, packages: Mapping[str, str] = INSTALLED) -> Install:
    root = new_install({"packages": packages})
    return Install(None, root, root / ".venv")


def test_an_installation_asks_for_just_its_versions_on_its_own_target(new_install: Any) -> None:
    found = Ask(outside(), install=install_of(new_install))

    cpu, cu128 = found.twin.questions
    assert [one.by for one in cpu] == [
        "ComfyUI",
        "pack",
        "ComfyUI, which imports it without asking",
    ]
    assert (cu128[-1].by, cu128[-1].requirements) == (
        "the installation",
        "extra-tool==3.0\nnumpy==1.26.0\ntorch==2.8.0+cu128\n",
    )
    assert found.twin.known[0]["torch"] == "2.8.0+cpu"
    assert found.codes == []


def test_versions_that_no_index_has_are_named(new_install: Any) -> None:
    world = outside()
    world["packages"]["linux-cu128"]["refuses"] = "the installation"
    packages = {**INSTALLED, "numpy": "1.25.9"}
    found = Ask(world, install=install_of(new_install, packages))

    assert found.pins.packages == {"numpy": "1.26.0"}
    assert [one.message for one in found.findings if one.code == "install-differs"] == [
        "the installation has extra-tool 3.0, and nothing in linux-cu128 asks for it",
        "the installation has numpy 1.25.9; 1.26.0 is locked for linux-cu128",
    ]


def test_without_a_world_an_installation_gives_versions_and_no_files(new_install: Any) -> None:
    found = Ask(None, spec_of(["linux-cu128"]), install=install_of(new_install))

    assert found.pins.packages == {"extra-tool": "3.0", "numpy": "1.26.0"}
    assert found.pins.targets["linux-cu128"].packages == {"torch": "2.8.0+cu128"}
    assert found.texts == {}

    # Where there is a world later, files are found for just these.
    later = Ask(outside(), spec_of(["linux-cu128"]), previous=found.lock)
    assert later.twin.known[0]["torch"] == "2.8.0+cu128"
    assert set(later.texts) == {"pylock.linux-cu128.toml"}


def test_a_version_with_a_build_belongs_to_its_target_even_alone() -> None:
    shared, own = split({"linux-cpu": {"torch": "2.8.0+cpu", "numpy": "2"}})
    assert (shared, own) == ({"numpy": "2"}, {"linux-cpu": {"torch": "2.8.0+cpu"}})
    assert split({}) == ({}, {})


def test_pins_can_be_put_into_a_lock() -> None:
    assert Pins(python=Ask(outside()).pins).python is not None
    assert PythonPins.model_validate(Ask(outside()).pins.model_dump()) == Ask(outside()).pins
