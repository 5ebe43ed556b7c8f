"""`runflow diff`: what a reviewer reads, the API first, and what breaks a caller marked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.lock.diff import LockDiff, diff, render_diff
from runflow_build.lock.diff.change import SECTIONS
from runflow_build.lock.diff.code import moved
from runflow_build.lock.model import (
    ComfyUIPin,
    EndpointPin,
    FilePin,
    GPUPin,
    Lock,
    ModelPin,
    NodePackPin,
    PythonPins,
    RegistryPin,
    ResourcePin,
    TargetPins,
)
from runflow_build.lock.text import lock_text, read_lock
from runflow_build.spec.model import Spec
from runflow_build.spec.read import read_spec
from runflow_build.workflow.contract_model import ContractInput, ContractOutput

ONE, TWO = "1" * 64, "2" * 64
A, B, C = "a" * 40, "b" * 40, "c" * 40
PACK = "https://github.com/o/pack"


def an_input(**fields: Any) -> ContractInput:
    shape = {"type": "STRING", "required": False, "node": "6", "class": "K", "field": "text"}
    return ContractInput.model_validate({**shape, **fields})


def an_output(**fields: Any) -> ContractOutput:
    return ContractOutput.model_validate({"type": "IMAGE", "node": "9", "class": "S", **fields})


def endpoint(**fields: Any) -> EndpointPin:
    return EndpointPin(**{"name": "Poster", "workflow": "w.json", "prompt": ONE, **fields})


def lock(**fields: Any) -> Lock:
    return Lock(**{"python": PythonPins(version="3.12"), **fields})


def with_input(**fields: Any) -> Lock:
    return lock(endpoints={"poster": endpoint(inputs={"prompt": an_input(**fields)})})


def with_packages(packages: dict[str, str], **fields: Any) -> Lock:
    return lock(python=PythonPins(version="3.12", packages=packages, **fields))


def with_pack(**fields: Any) -> Lock:
    return lock(nodes={"pack": NodePackPin(**{"repository": PACK, "commit": A, **fields})})


def with_models(**models: ModelPin) -> Lock:
    return lock(models={f"loras/{name}.safetensors": pin for name, pin in models.items()})


def a_model(sha256: str = ONE, host: str = "huggingface.co", **fields: Any) -> ModelPin:
    return ModelPin(**{"sha256": sha256, "size": 1, "url": f"https://{host}/a", **fields})


def told(found: LockDiff) -> list[str]:
    """The lines of the text form, without headings and headline."""
    return [line[2:] for line in render_diff(found, "text").splitlines() if line.startswith("  ")]


# -- the API


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"required": True}, "BREAKING poster, input prompt: required false → true"),
        ({"required": True}, {}, "poster, input prompt: required true → false"),
        ({}, {"type": "INT"}, "BREAKING poster, input prompt: type STRING → INT"),
        ({}, {"type": "COMBO"}, "poster, input prompt: type STRING → COMBO"),
        ({}, {"maximum": 5}, "BREAKING poster, input prompt: maximum none → 5"),
        ({"maximum": 5}, {"maximum": 4}, "BREAKING poster, input prompt: maximum 5 → 4"),
        ({"maximum": 5}, {"maximum": 6}, "poster, input prompt: maximum 5 → 6"),
        ({"maximum": 5}, {}, "poster, input prompt: maximum 5 → none"),
        ({"minimum": 0}, {"minimum": 1}, "BREAKING poster, input prompt: minimum 0 → 1"),
        ({"minimum": 1}, {"minimum": 0}, "poster, input prompt: minimum 1 → 0"),
        ({}, {"choices": ["a"]}, "BREAKING poster, input prompt: choices none → a"),
        ({"choices": ["a", "b"]}, {"choices": ["a"]},
         "BREAKING poster, input prompt: choices a, b → a"),
        ({"choices": ["a"]}, {"choices": ["b", "a"]}, "poster, input prompt: choices a → b, a"),
        ({"choices": ["a"]}, {}, "poster, input prompt: choices a → none"),
        ({"step": 1}, {"step": 8}, "poster, input prompt: step 1 → 8"),
        ({"default": 1}, {"default": True}, "risky poster, input prompt: default 1 → true"),
        ({}, {"description": "Who"}, "poster, input prompt: description none → Who"),
        ({}, {"node": "7"}, "risky poster, input prompt: node 6 → 7"),
    ],
)  # fmt: skip
def test_what_breaks_a_caller_is_marked(
    before: dict[str, Any], after: dict[str, Any], expected: str
) -> None:
    assert told(diff(with_input(**before), with_input(**after))) == [expected]


def test_inputs_outputs_and_endpoints_come_and_go() -> None:
    before = lock(
        endpoints={
            "gone": endpoint(),
            "poster": endpoint(inputs={"a": an_input()}, outputs={"x": an_output()}),
        }
    )
    after = lock(
        endpoints={
            "fresh": endpoint(inputs={"a": an_input()}, outputs={"x": an_output()}),
            "poster": endpoint(
                inputs={"b": an_input(), "c": an_input(required=True)}, outputs={"y": an_output()}
            ),
        }
    )
    assert told(diff(before, after)) == [
        "BREAKING gone: is gone",
        "BREAKING poster, input a: is gone",
        "BREAKING poster, input c: is new and required",
        "BREAKING poster, output x: is gone",
        "fresh: is new, with 1 input and 1 output",
        "poster, input b: is new and optional",
        "poster, output y: is new",
    ]


@pytest.mark.parametrize(
    ("fields", "risk"),
    [
        ({"type": "FILE"}, "breaking"),
        ({"node": "10"}, "risky"),
        ({"description": "A card"}, "safe"),
    ],
)
def test_an_output_of_another_type_breaks(fields: dict[str, Any], risk: str) -> None:
    before = lock(endpoints={"p": endpoint(outputs={"x": an_output()})})
    after = lock(endpoints={"p": endpoint(outputs={"x": an_output(**fields)})})
    assert diff(before, after).risk == risk


def test_an_endpoint_that_computes_or_costs_something_else_is_risky_and_breaks_nothing() -> None:
    before = lock(endpoints={"p": endpoint()})
    after = lock(endpoints={"p": endpoint(prompt=TWO, gpu=GPUPin(min_vram_gb=24), name="New")})
    assert told(diff(before, after)) == [
        "risky p: computes something else: its prompt changed; name Poster → New",
        "risky p: min_vram_gb none → 24",
    ]


# -- code


def test_a_commit_has_its_link_and_the_number_of_commits_that_somebody_counted() -> None:
    before = with_pack(registry=RegistryPin(id="p", version="1.0"))
    after = with_pack(commit=B, registry=RegistryPin(id="p", version="1.1"))
    assert moved(before, after) == [(PACK, A, B)]
    link = f"{PACK}/compare/{A}...{B}"
    rest = f"; registry p 1.0 → p 1.1  {link}"
    assert told(diff(before, after)) == [f"risky pack: commit aaaaaaaaaaaa → bbbbbbbbbbbb{rest}"]
    for number, words in ((1, "1 commit"), (14, "14 commits"), (-2, "2 commits back"),
                          (None, "not in one line")):  # fmt: skip
        (first, *_) = told(diff(before, after, distances={(PACK, A, B): number}))
        assert first == f"risky pack: commit aaaaaaaaaaaa → bbbbbbbbbbbb, {words}{rest}"


def test_a_commit_of_another_repository_cannot_be_compared() -> None:
    before, after = with_pack(), with_pack(repository="https://github.com/else/pack", commit=B)
    assert moved(before, after) == []
    changes = {one.field: one for one in diff(before, after).changes}
    assert changes["commit"].link == f"https://github.com/else/pack/tree/{B}"
    assert (changes["commit"].risk, changes["repository"].risk) == ("risky", "risky")


def test_a_new_pack_says_where_it_comes_from_and_a_wish_alone_is_safe() -> None:
    assert told(diff(lock(), with_pack())) == [
        f"risky pack: is new: github.com/o/pack at aaaaaaaaaaaa  {PACK}/tree/{A}"
    ]
    assert told(diff(with_pack(), lock())) == ["pack: is gone (aaaaaaaaaaaa)"]
    assert told(diff(with_pack(ref="main"), with_pack(ref=A))) == ["pack: ref main → aaaaaaaaaaaa"]


def test_local_changes_in_captured_code_are_risky() -> None:
    assert diff(with_pack(), with_pack(dirty=True)).risk == "risky"
    assert diff(with_pack(dirty=True), with_pack()).risk == "safe"
    assert told(diff(lock(), with_pack(dirty=True)))[0].endswith(
        "; was locked from a tree with local changes  " + f"{PACK}/tree/{A}"
    )


def test_who_uses_a_pack_is_told_by_what_came_and_went() -> None:
    before, after = with_pack(required_by=["a", "b"]), with_pack(required_by=["b", "c"])
    assert told(diff(before, after)) == ["pack: is used by c too and is used by a no more"]


@pytest.mark.parametrize(
    ("repository", "link"),
    [
        ("https://github.com/o/r", "https://github.com/o/r/compare/{a}...{b}"),
        ("git@github.com:o/r.git", "https://github.com/o/r/compare/{a}...{b}"),
        ("https://gitlab.com/g/sub/r", "https://gitlab.com/g/sub/r/-/compare/{a}...{b}"),
        ("https://gitlab.example.org/g/r", "https://gitlab.example.org/g/r/-/compare/{a}...{b}"),
        ("https://codeberg.org/o/r", "https://codeberg.org/o/r/compare/{a}...{b}"),
        ("https://bitbucket.org/o/r", "https://bitbucket.org/o/r/branches/compare/{b}%0D{a}"),
        ("https://github.com/o/r) [x](y", "https://github.com/o/r%29%20%5Bx%5D%28y/compare/{a}...{b}"),
        ("https://example.org/o/r", None),
        ("/home/somebody/r", None),
    ],
)  # fmt: skip
def test_a_compare_link_is_that_of_the_host(repository: str, link: str | None) -> None:
    (change,) = diff(
        with_pack(repository=repository), with_pack(repository=repository, commit=B)
    ).changes
    assert change.link == (link.format(a=A, b=B) if link else None)


def test_another_release_of_runflows_nodes_and_other_definitions_are_seen() -> None:
    before = lock(runflow="0.1.0", definitions=FilePin(file="d.json", sha256=ONE))
    after = lock(runflow="0.2.0", definitions=FilePin(file="d.json", sha256=TWO))
    assert told(diff(before, after)) == [
        "risky Runflow nodes: release 0.1.0 → 0.2.0",
        "node definitions: changed",
    ]


# -- packages


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1.2.3", "1.2.4", "p: 1.2.3 → 1.2.4"),
        ("1.2.3", "1.3.0", "p: 1.2.3 → 1.3.0"),
        ("1.2.3", "2.0.0", "risky p: 1.2.3 → 2.0.0, major"),
        ("0.4.1", "0.4.2", "p: 0.4.1 → 0.4.2"),
        ("0.4.1", "0.5.0", "risky p: 0.4.1 → 0.5.0, major"),
        ("2024.9", "1!1.0", "risky p: 2024.9 → 1!1.0, major"),
        ("1!1.0", "1!1.1", "p: 1!1.0 → 1!1.1"),
        ("1!0.4", "1!0.5", "risky p: 1!0.4 → 1!0.5, major"),
        ("1.2.3", "1.2.2", "risky p: 1.2.3 → 1.2.2, downgrade"),
        ("1.2", "1.3rc1", "risky p: 1.2 → 1.3rc1, pre-release"),
        ("1.3rc1", "1.3", "p: 1.3rc1 → 1.3"),
        ("1.0", "1.0.0", "p: 1.0 → 1.0.0"),
        ("1.0", "1.0.post1", "p: 1.0 → 1.0.post1"),
        ("2.8.0+cu128", "2.8.0+cu129", "risky p: 2.8.0+cu128 → 2.8.0+cu129, another build"),
        ("2.7.0+cu128", "2.8.0+cu129", "p: 2.7.0+cu128 → 2.8.0+cu129"),
        ("1.0", f"git+{A}", f"risky p: 1.0 → git+{A}, another source"),
        (None, "1.0", "risky p: new → 1.0"),
        ("1.0", None, "p: 1.0 → gone"),
    ],
)  # fmt: skip
def test_what_a_version_may_bring(before: str | None, after: str | None, expected: str) -> None:
    old, new = (with_packages({"p": one} if one else {}) for one in (before, after))
    assert told(diff(old, new)) == [expected]


def test_packages_are_counted_by_kind_and_the_safe_ones_summed_up() -> None:
    before = with_packages({f"p{number:03}": "1.0.0" for number in range(300)})
    after = with_packages(
        {f"p{number:03}": f"1.0.{number}" for number in range(1, 299)} | {"p299": "2.0", "q": "1"}
    )
    shown = render_diff(diff(before, after), "text").splitlines()
    assert shown[:4] == [
        "risky: 2 risky, 299 safe",
        "Packages (1 major, 1 new, 1 gone, 298 patch)",
        "  risky p299: 1.0.0 → 2.0, major",
        "  risky q: new → 1",
    ]
    assert shown[-1] == "  … and 280 more that are safe"
    assert len(shown) == 4 + 19 + 1
    assert len(diff(before, after).changes) == 301


def a_target(sha256: str | None = None, **packages: str) -> dict[str, TargetPins]:
    pylock = FilePin(file="pylock.linux-cpu.toml", sha256=sha256) if sha256 else None
    return {"linux-cpu": TargetPins(packages=packages, pylock=pylock)}


def test_other_files_under_the_same_versions_are_risky() -> None:
    def told_of(before: dict[str, TargetPins], after: dict[str, TargetPins]) -> list[str]:
        return told(diff(with_packages({}, targets=before), with_packages({}, targets=after)))

    assert told_of(a_target(ONE), a_target(TWO)) == [
        "risky linux-cpu: has other package files, of the same versions"
    ]
    assert told_of(a_target(ONE, p="1"), a_target(TWO, p="1.1")) == [
        "linux-cpu: has another list of package files",
        "p (linux-cpu): 1 → 1.1",
    ]
    assert told_of(a_target(), a_target(TWO)) == ["linux-cpu: has a list of package files"]
    assert told_of(a_target(ONE), a_target()) == ["risky linux-cpu: has no list of package files"]
    assert told_of({}, a_target()) == ["linux-cpu: is a new target"]
    assert told_of(a_target(), {}) == ["risky linux-cpu: is no target any more"]


# -- models and inputs


def test_another_content_under_one_name_is_risky_and_another_source_is_not() -> None:
    before = with_models(a=a_model(size=2_000_000_000), b=a_model(url="https://huggingface.co/b"))
    after = with_models(a=a_model(TWO, size=2_500_000_000), b=a_model())
    assert told(diff(before, after)) == [
        "risky loras/a.safetensors: is another file under the same name: "
        "sha256 111111111111 → 222222222222; size 2.5 GB (+500 MB)",
        "loras/b.safetensors: the same file comes from https://huggingface.co/a",
    ]


def test_a_host_that_the_lock_did_not_have_is_risky() -> None:
    before = with_models(a=a_model())
    assert told(diff(before, with_models(a=a_model(host="evil.example:8443")))) == [
        "risky loras/a.safetensors: the same file comes from https://evil.example:8443/a, "
        "from a new host, evil.example:8443"
    ]
    assert told(diff(before, with_models(a=a_model(), b=a_model(TWO, host="b.example")))) == [
        "risky loras/b.safetensors: is new, from a new host, b.example, 222222222222, 1 B"
    ]
    assert diff(before, with_models(a=a_model(), b=a_model(TWO))).risk == "safe"
    assert diff(None, before).changes[-1].risk == "safe"


def test_a_model_without_a_source_any_more_is_risky() -> None:
    (found,) = told(diff(with_models(a=a_model()), with_models(a=a_model(url=None))))
    assert found == "risky loras/a.safetensors: has no source any more"


def test_a_pickle_is_risky() -> None:
    pin = a_model()
    found = diff(lock(), lock(models={"checkpoints/a.ckpt": pin}))
    assert "a pickle, which can run code when it is loaded" in found.changes[0].what
    assert found.risk == "risky"
    changed = diff(lock(models={"a.pt": pin}), lock(models={"a.pt": a_model(TWO)}))
    assert "a pickle" in changed.changes[0].what


def test_a_file_that_was_renamed_is_known_by_its_content_and_costs_no_bytes() -> None:
    found = diff(with_models(a=a_model(size=10)), with_models(b=a_model(size=10)))
    assert told(found) == [
        "loras/a.safetensors: is gone (111111111111, 10 B)",
        "loras/b.safetensors: is new, with the content of loras/a.safetensors, 111111111111, 10 B",
    ]
    assert (found.bytes_added, found.bytes_removed) == (0, 0)


def test_bytes_count_once_for_each_content() -> None:
    before = with_models(a=a_model(size=1_000))
    after = with_models(b=a_model(TWO, size=3_000_000), c=a_model(TWO, size=3_000_000))
    found = diff(before, after)
    assert (found.bytes_added, found.bytes_removed) == (3_000_000, 1_000)
    assert render_diff(found, "text").splitlines()[1] == "Models (+3.0 MB, -1.0 kB)"


def test_many_files_of_which_the_same_is_told_share_a_line() -> None:
    names = [f"m{number}" for number in range(400)]
    before = with_models(**{name: a_model(used_by=["a"]) for name in names})
    after = with_models(**{name: a_model(used_by=["a", "b"]) for name in names})
    assert told(diff(before, after)) == [
        "loras/m0.safetensors, loras/m1.safetensors, loras/m10.safetensors and 397 more: "
        "is used by b too"
    ]


def test_an_input_file_that_is_another_one_is_risky() -> None:
    before = lock(resources={"input/a.png": ResourcePin(sha256=ONE, size=5, url="https://a.b/c")})
    after = lock(resources={"input/a.png": ResourcePin(sha256=TWO, size=5)})
    assert told(diff(before, after)) == [
        "risky input/a.png: is another file under the same name: "
        "sha256 111111111111 → 222222222222; lies in the project",
    ]


def test_an_address_with_a_password_is_not_shown() -> None:
    found = diff(with_models(a=a_model()), with_models(a=a_model(host="u:geheim@huggingface.co")))
    assert "geheim" not in render_diff(found, "text") + render_diff(found, "markdown")


# -- policy


def spec(policy: str = "", more: str = "") -> Spec:
    text = f"version: 1\ncomfyui: {{ref: v0.8.0}}\nendpoints: {{}}\npolicy: {{{policy}}}\n{more}"
    return read_spec(text).spec


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "pickle_models: warn", ["risky pickle_models: deny → warn"]),
        ("pickle_models: allow", "pickle_models: warn", ["pickle_models: allow → warn"]),
        ("", "trusted_repositories: [o/*]", ["risky trusted_repositories: allows o/* too"]),
        ("trusted_hosts: [a.b, c.d]", "trusted_hosts: [c.d]",
         ["trusted_hosts: allows a.b no more"]),
        ("trusted_hosts: [a.b, c.d]", "trusted_hosts: [c.d, a.b]", []),
        ("", "install_scripts: [pack]", ["risky install_scripts: allows pack too"]),
    ],
)  # fmt: skip
def test_a_loosened_policy_is_risky(before: str, after: str, expected: list[str]) -> None:
    assert told(diff(lock(), lock(), specs=(spec(before), spec(after)))) == expected


def test_a_pickle_that_is_allowed_by_name_loosens_the_policy() -> None:
    allowed = "models: {x/a.ckpt: {pickle: allow}}"
    assert told(diff(lock(), lock(), specs=(spec(), spec(more=allowed)))) == [
        "risky x/a.ckpt: pickle none → allow"
    ]
    assert diff(lock(), lock(), specs=(spec(more=allowed), spec())).risk == "safe"


# -- all of it


def everything() -> tuple[Lock, Lock]:
    """Two locks that differ in each section."""
    before = lock(
        comfyui=ComfyUIPin(repository="https://github.com/o/c", ref="v1", commit=A),
        nodes={"pack": NodePackPin(repository=PACK, commit=B)},
        python=PythonPins(
            version="3.12",
            packages={"aiohttp": "3.12.13", "old": "1"},
            targets={"linux-cu128": TargetPins(packages={"torch": "2.7.0+cu128"})},
        ),
        models={"loras/a.safetensors": ModelPin(sha256=ONE, size=1)},
        resources={"input/a.png": ResourcePin(sha256=ONE, size=1)},
        endpoints={"poster": endpoint(inputs={"a": an_input()})},
    )
    after = lock(
        comfyui=ComfyUIPin(repository="https://github.com/o/c", ref="v2", commit=C),
        nodes={"pack": NodePackPin(repository=PACK, commit=B, dirty=True)},
        python=PythonPins(
            version="3.12",
            packages={"aiohttp": "3.12.14", "new": "2"},
            targets={"linux-cu128": TargetPins(packages={"torch": "2.8.0+cu128"})},
        ),
        models={"loras/a.safetensors": ModelPin(sha256=TWO, size=1)},
        resources={"input/b.png": ResourcePin(sha256=TWO, size=1)},
        endpoints={"poster": endpoint(prompt=TWO, gpu=GPUPin(min_vram_gb=24))},
    )
    return before, after


def test_sections_stand_in_the_order_of_a_review() -> None:
    found = diff(*everything(), specs=(spec(), spec("pickle_models: allow")))
    assert tuple(dict.fromkeys(one.section for one in found.changes)) == SECTIONS
    assert found.risk == "breaking"


def test_without_a_lock_of_before_all_is_new_and_nothing_breaks() -> None:
    found = diff(None, everything()[1])
    assert not found.breaking
    assert {one.section for one in found.changes} == {
        "API", "Code", "Packages", "Models", "Inputs"
    }  # fmt: skip


hashes = st.sampled_from([ONE, TWO, "3" * 64])
commits = st.sampled_from([A, B, C])
names = st.text("ab<`\n-@é", min_size=1, max_size=3)
slugs = st.lists(st.sampled_from(["a", "b"]), unique=True).map(sorted)
urls = st.none() | st.sampled_from(["https://huggingface.co/a", "https://b.example/x?<b>"])
versions = st.sampled_from(["1.0", "1.0.0", "2", "0.1", "0.2", "1!1", "1.0+x", "nonsense", "2rc1"])
packages = st.dictionaries(st.sampled_from(["p", "q"]), versions)
pylocks = st.none() | st.builds(FilePin, file=st.just("pylock.x.toml"), sha256=hashes)
inputs = st.builds(
    lambda kind, required, text, default: an_input(
        type=kind, required=required, description=text, default=default
    ),
    st.sampled_from(["STRING", "INT", "COMBO"]),
    st.booleans(),
    st.none() | names,
    st.sampled_from([None, 1, True, 1.0, "1", [1]]),
)
locks = st.builds(
    Lock,
    comfyui=st.none()
    | st.builds(
        ComfyUIPin,
        repository=st.just(PACK),
        ref=st.sampled_from(["v1", "main"]),
        commit=commits,
        version=st.none() | versions,
        dirty=st.booleans(),
    ),
    runflow=st.none() | versions,
    nodes=st.dictionaries(
        names,
        st.builds(
            NodePackPin,
            repository=st.sampled_from([PACK, "https://gitlab.com/o/p"]),
            commit=commits,
            dirty=st.booleans(),
            required_by=slugs,
        ),
        max_size=3,
    ),
    python=st.builds(
        PythonPins,
        version=st.sampled_from(["3.12", "3.13"]),
        requirements=slugs,
        packages=packages,
        targets=st.dictionaries(
            st.sampled_from(["linux-cpu", "linux-cu128"]),
            st.builds(TargetPins, packages=packages, pylock=pylocks),
        ),
    ),
    definitions=pylocks,
    models=st.dictionaries(
        names,
        st.builds(
            ModelPin, sha256=hashes, size=st.none() | st.integers(0, 9), url=urls, used_by=slugs
        ),
        max_size=3,
    ),
    resources=st.dictionaries(
        names, st.builds(ResourcePin, sha256=hashes, url=urls, used_by=slugs), max_size=2
    ),
    endpoints=st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.builds(
            endpoint,
            prompt=hashes,
            inputs=st.dictionaries(names, inputs, max_size=2),
            gpu=st.builds(GPUPin, min_vram_gb=st.sampled_from([None, 8, 24])),
        ),
    ),
)


@settings(max_examples=60, deadline=None)
@given(locks, locks)
def test_there_is_a_difference_exactly_where_the_texts_differ(one: Lock, other: Lock) -> None:
    assert not diff(one, read_lock(lock_text(one)))
    assert bool(diff(one, other)) == (lock_text(one) != lock_text(other))


@settings(max_examples=40, deadline=None)
@given(locks, locks)
def test_the_way_back_has_as_many_facts(one: Lock, other: Lock) -> None:
    """Each new thing is one that is gone the other way round, and bytes change sides."""
    forth, back = diff(one, other), diff(other, one)
    assert (forth.bytes_added, forth.bytes_removed) == (back.bytes_removed, back.bytes_added)
    turned = {(row.section, row.subject, row.field, str(row.after)) for row in back.changes}
    assert turned >= {
        (row.section, row.subject, row.field, str(row.before))
        for row in forth.changes
        if row.field != "dirty"
    }


@settings(max_examples=40, deadline=None)
@given(locks, locks)
def test_no_form_loses_a_change(one: Lock, other: Lock) -> None:
    from runflow_build.lock.diff.lines import parts

    found = diff(one, other)
    assert sum(line.changes for part in parts(found) for line in part.lines) == len(found.changes)
    assert sum(found.counts().values()) == len(found.changes)
    shuffled = LockDiff(tuple(replace(row) for row in found.changes))
    assert shuffled.risk == found.risk
