"""Entries are added to runflow.yaml as its author would, and nothing else changes."""

from __future__ import annotations

import difflib

import pytest

from runflow_build.errors import SpecError
from runflow_build.project.spec_edit import with_endpoint, with_models
from runflow_build.yaml_text import read_yaml

URL = "https://huggingface.co/a/b/resolve/main/x.safetensors"
FACTS = {"url": URL, "sha256": "ab" * 32}
ENTRY = f"loras/x.safetensors: {{url: {URL}, sha256: {'ab' * 32}}}"
NEW = {"loras/x.safetensors": FACTS}
HEAD = "# mine\nversion: 1\ncomfyui: {ref: v0.8.0}  # the one\n"
TAIL = "\n# what callers get\nendpoints:\n  one: {workflow: one.json}\n"


def added(before: str, after: str) -> list[str]:
    """The lines that are new; fails when one is lost or moved."""
    rows = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    assert [row for row in rows if row.startswith("-")] == []
    return [row[2:] for row in rows if row.startswith("+")]


def test_a_section_that_is_missing_goes_in_front_of_the_endpoints() -> None:
    text = HEAD + TAIL
    after = with_models(text, NEW)
    assert after == f"{HEAD}\nmodels:\n  {ENTRY}\n{TAIL}"
    assert added(text, after) == ["models:", f"  {ENTRY}", ""]


def test_a_section_that_is_there_grows_at_its_end() -> None:
    section = "models:\n    # the old one\n    vae/y.pt: {url: https://e.example/y.pt}   # y\n"
    text = HEAD + section + TAIL
    assert with_models(text, NEW) == f"{HEAD}{section}    {ENTRY}\n{TAIL}"


def test_a_long_last_entry_stays_whole() -> None:
    section = (
        "models:\n  vae/y.pt:\n    # why\n    url: >-\n      https://e.example\n"
        "      /y.pt\n    pickle: allow\n"
    )
    assert with_models(HEAD + section + TAIL, NEW) == f"{HEAD}{section}  {ENTRY}\n{TAIL}"


@pytest.mark.parametrize("empty", ["{}", " { }  # none yet", "{ }"])
def test_an_empty_section_is_filled(empty: str) -> None:
    after = with_models(f"{HEAD}models: {empty}\n{TAIL}", NEW)
    assert f"\n  {ENTRY}\n" in after
    assert ("# none yet" in after) is ("#" in empty)


def test_a_section_on_one_line_grows_within_it() -> None:
    text = f"{HEAD}models: {{vae/y.pt: {{pickle: allow}}}}  # all\n{TAIL}"
    after = with_models(text, NEW)
    assert f"models: {{{ENTRY}, vae/y.pt: {{pickle: allow}}}}  # all\n" in after


def test_an_entry_that_is_there_gets_what_it_lacks() -> None:
    flow = "models:\n  loras/x.safetensors: {size: 5} # keep\n"
    after = with_models(HEAD + flow + TAIL, NEW)
    assert f"  {ENTRY[:-1]}, size: 5}} # keep\n" in after
    block = "models:\n  'loras/x.safetensors':  # keep\n    # and this\n    size: 5\n"
    after = with_models(HEAD + block + TAIL, NEW)
    assert added(HEAD + block + TAIL, after) == [f"    url: {URL}", f"    sha256: {'ab' * 32}"]
    bare = "models:\n  loras/x.safetensors: {}\n"
    assert f"  {ENTRY}\n" in with_models(HEAD + bare + TAIL, NEW)


def test_what_an_entry_says_already_is_not_replaced() -> None:
    same = f"models:\n  loras/x.safetensors: {{sha256: {'ab' * 32}}}\n"
    after = with_models(HEAD + same + TAIL, NEW)
    assert read_yaml(after).value["models"] == NEW
    assert with_models(after, NEW) == after


def test_line_ends_and_a_missing_last_one_stay() -> None:
    text = (HEAD + TAIL).replace("\n", "\r\n").removesuffix("\r\n")
    after = with_models(text, NEW)
    assert after.replace("\r\n", "").count("\n") == 0
    assert read_yaml(after).value["models"] == NEW


def test_odd_names_are_quoted() -> None:
    odd = {
        "loras/it's: #1.safetensors": {"url": "https://e.example/a,b{c}?d=[e]", "sha256": "1" * 64},
        "loras/été 2.safetensors": {"url": "https://e.example/#", "sha256": "12e" + "3" * 61},
    }
    for text in (HEAD + TAIL, f"{HEAD}models: {{vae/y.pt: {{pickle: allow}}}}\n{TAIL}"):
        models = read_yaml(with_models(text, odd)).value["models"]
        assert {path: models[path] for path in odd} == odd


@pytest.mark.parametrize(
    "section",
    [
        "models:\n",
        "models: 5\n",
        "models:\n  loras/x.safetensors:\n",
        "models:\n  loras/x.safetensors: text\n",
        "models:\n  ? loras/x.safetensors\n  : size: 5\n",
    ],
)
def test_what_cannot_be_proved_is_refused(section: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_models(HEAD + section + TAIL, NEW)
    (finding,) = caught.value.findings
    assert finding.code == "spec-not-edited"
    assert finding.also == (("entry", ENTRY),)


def test_a_document_on_one_line_is_refused() -> None:
    with pytest.raises(SpecError):
        with_models("{version: 1, endpoints: {}}\n", NEW)


def test_an_entry_with_another_url_is_kept() -> None:
    other = "models:\n  loras/x.safetensors: {url: https://e.example/x}\n"
    after = with_models(HEAD + other + TAIL, NEW)
    assert read_yaml(after).value["models"]["loras/x.safetensors"]["url"] == "https://e.example/x"


ENDPOINT = ["  two:", "    name: Two  # really", '    workflow: "two.json"']


@pytest.mark.parametrize(
    "endpoints",
    [
        "endpoints:\n  one: {workflow: one.json}\n",
        "endpoints:\n    one:   # mine\n        workflow: one.json\n\n# the end\n",
        "endpoints:\n  one: {workflow: one.json}\npolicy: {dirty_repositories: warn}\n",
        "",
    ],
)
def test_an_endpoint_is_added_behind_the_others(endpoints: str) -> None:
    text = HEAD + endpoints
    after = with_endpoint(text, "two", ENDPOINT)
    wanted = {"name": "Two", "workflow": "two.json"}
    before = read_yaml(text).value
    known = {**(before.get("endpoints") or {}), "two": wanted}
    assert read_yaml(after).value == {**before, "endpoints": known}
    assert "# really" in "".join(added(text, after))


def test_an_endpoint_is_not_added_to_a_list_on_one_line() -> None:
    with pytest.raises(SpecError) as caught:
        with_endpoint(HEAD + "endpoints: {one: {workflow: one.json}}\n", "two", ENDPOINT)
    (finding,) = caught.value.findings
    assert finding.code == "spec-not-edited"
    assert finding.fix == "add the endpoint two by hand"
