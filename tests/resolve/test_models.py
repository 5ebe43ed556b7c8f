"""Models: whose word counts, what is pinned, and what is said where nothing can be."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twins import world_of

from runflow_build.lock.freshness import disagreements
from runflow_build.lock.model import ModelPin
from runflow_build.resolve.models import model_pins
from runflow_build.sources.digests import DigestCache
from runflow_build.sources.world import RemoteFile, Unanswered

A, B, C = "a" * 64, "b" * 64, "c" * 64
HUB = "https://huggingface.co/acme/styles"
MAIN, PINNED = f"{HUB}/resolve/main/ink.safetensors", f"{HUB}/resolve/{'1' * 40}/ink.safetensors"
OTHER = "https://civitai.com/api/download/models/7"
PATH = "loras/ink.safetensors"
DATA = b"the bytes of a model"
SHA = hashlib.sha256(DATA).hexdigest()

Question = Callable[..., Any]


def at_main(sha256: str = A, size: int | None = 100, **more: Any) -> dict[str, Any]:
    return {MAIN: {"url": PINNED, "sha256": sha256, "size": size, **more}}


def spec(*facts: str) -> str:
    return f"models:\n  {PATH}: {{{', '.join(facts)}}}\n"


def pin(asked: Any) -> ModelPin | None:
    return model_pins(asked.inquiry).get(PATH)


# -- a URL, and nothing else


@pytest.mark.parametrize("by", ["runflow.yaml", "workflow"])
def test_a_mutable_url_is_pinned_to_its_immutable_form(by: str, question: Question) -> None:
    outside = {"files": at_main()}
    if by == "workflow":
        asked = question(models={"one": [(PATH, MAIN, None)]}, outside=outside)
    else:
        asked = question(spec(f"url: {MAIN}"), outside=outside)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)
    assert asked.findings == []


def test_an_immutable_url_is_its_own_wish(question: Question) -> None:
    outside = {"files": {PINNED: {"sha256": A, "size": 100}}}
    asked = question(spec(f"url: {PINNED}"), outside=outside)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED)


def test_what_was_pinned_answers_its_wish(question: Question) -> None:
    asked = question(spec(f"url: {MAIN}"), outside={"files": at_main()})
    lock = asked.inquiry.previous.model_copy(update={"models": model_pins(asked.inquiry)})
    stale = disagreements(asked.inquiry.spec, {}, _no_definitions(), lock)
    assert [one.message for one in stale if "models" in one.message] == []


def test_runflow_yaml_goes_before_the_workflow(question: Question) -> None:
    outside = {"files": {MAIN: {"sha256": A, "size": 1}, OTHER: {"sha256": B, "size": 2}}}
    asked = question(spec(f"url: {OTHER}"), models={"one": [(PATH, MAIN, None)]}, outside=outside)
    assert pin(asked) == ModelPin(sha256=B, size=2, url=OTHER)
    assert asked.files_asked == [OTHER]


def test_a_file_that_is_not_there_has_no_pin(question: Question) -> None:
    asked = question(models={"one": [(PATH, MAIN, None)]}, outside={"files": {}})
    assert pin(asked) is None
    assert asked.told == [
        f"not-resolved: {PATH} could not be looked up: huggingface.co has no such file"
    ]
    assert asked.findings[0].also == (
        ("url", MAIN),
        ("used by", "one.json, node 1 (Loader), field name"),
    )


def test_a_host_that_does_not_answer_is_said_with_its_reason(question: Question) -> None:
    outside = {"unanswered": {"files": "huggingface.co was not asked: we are offline"}}
    asked = question(models={"one": [(PATH, MAIN, None)]}, outside=outside)
    assert pin(asked) is None
    assert asked.told == [
        f"not-resolved: {PATH} could not be looked up: huggingface.co was not asked: we are offline"
    ]


def test_a_host_that_says_no_hash_needs_a_reading(question: Question) -> None:
    outside = {"files": at_main(says=False)}
    asked = question(spec(f"url: {MAIN}"), outside=outside)
    assert pin(asked) is None
    assert asked.told == [
        f"not-resolved: {PATH} has no known content: huggingface.co does not say its hash"
    ]
    assert asked.findings[0].fix == (
        "run `runflow lock --fetch` to read it once, or write its sha256"
    )
    read = question(spec(f"url: {MAIN}"), outside=outside, read=True)
    assert pin(read) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)


def test_no_secret_of_a_url_is_shown(question: Question) -> None:
    url = "https://files.example/x.bin?sig=verysecret"
    asked = question(models={"one": [(PATH, url, None)]}, outside={"files": {}})
    model_pins(asked.inquiry)
    assert "verysecret" not in repr(asked.findings)


# -- declared facts


def test_what_is_declared_and_what_the_host_has_must_be_the_same(question: Question) -> None:
    asked = question(spec(f"url: {MAIN}", f"sha256: {B}"), outside={"files": at_main()})
    assert pin(asked) is None
    (finding,) = asked.findings
    assert finding.code == "content-differs"
    assert finding.also == (
        ("runflow.yaml", f"sha256 {B}"),
        ("huggingface.co", f"sha256 {A}, 100 bytes"),
    )


def test_a_hash_of_the_workflow_is_held_against_the_host_too(question: Question) -> None:
    asked = question(models={"one": [(PATH, MAIN, B)]}, outside={"files": at_main()})
    assert pin(asked) is None
    assert asked.findings[0].code == "content-differs"
    assert asked.findings[0].also[0] == ("workflow", f"sha256 {B}")


def test_a_declared_size_must_be_the_hosts(question: Question) -> None:
    asked = question(spec(f"url: {MAIN}", "size: 99"), outside={"files": at_main()})
    assert pin(asked) is None
    assert [one.code for one in asked.findings] == ["content-differs"]


def test_a_declared_hash_stands_where_the_host_says_none(question: Question) -> None:
    facts = (f"url: {MAIN}", f"sha256: {A}")
    asked = question(spec(*facts), outside={"files": at_main(says=False)}, read=True)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)
    assert asked.findings == []


def test_what_is_declared_is_kept_where_nobody_answers(question: Question) -> None:
    outside = {"unanswered": {"files": "huggingface.co fell silent"}}
    asked = question(spec(f"url: {MAIN}", f"sha256: {A}"), outside=outside)
    assert pin(asked) == ModelPin(sha256=A, url=MAIN)
    assert asked.told == [
        f"source-unchecked: whether {MAIN} gives {PATH} is not known: huggingface.co fell silent"
    ]


def test_what_nobody_ever_looked_at_is_asked_again(question: Question) -> None:
    facts, before = spec(f"url: {MAIN}", f"sha256: {A}"), {PATH: ModelPin(sha256=A, url=MAIN)}
    asked = question(facts, outside={"files": at_main()}, previous=before)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)
    assert question(facts, previous=before).findings == []


def test_a_content_without_url_gets_one(question: Question) -> None:
    asked = question(spec(f"sha256: {A}"), outside={"files": {OTHER: {"sha256": A, "size": 5}}})
    assert pin(asked) == ModelPin(sha256=A, size=5, url=OTHER)


def test_a_content_that_nobody_has_stays_without_source(question: Question) -> None:
    asked = question(spec(f"sha256: {A}"), outside={"files": {}})
    assert pin(asked) == ModelPin(sha256=A)
    assert asked.findings == []


def test_a_url_that_is_gone_is_replaced_by_a_place_of_the_same_content(
    question: Question,
) -> None:
    outside = {"files": {OTHER: {"sha256": A, "size": 5}}}
    asked = question(spec(f"url: {MAIN}", f"sha256: {A}"), outside=outside)
    assert pin(asked) == ModelPin(sha256=A, size=5, url=OTHER, wanted=MAIN)
    assert [one.code for one in asked.findings] == ["source-gone"]
    assert ("now", OTHER) in asked.findings[0].also


def test_what_many_files_get_for_one_reason_is_told_once(question: Question) -> None:
    rows = "".join(
        f"  loras/{n}.safetensors: {{url: 'https://files.example/{n}', sha256: '{n:064x}'}}\n"
        for n in range(9)
    )
    outside = {
        "unanswered": {f"https://files.example/{n}": f"{n > 5} reason" for n in range(9)},
    }
    asked = question(f"models:\n{rows}", outside=outside)
    assert len(model_pins(asked.inquiry)) == 9
    first, *others = asked.findings
    assert first.message == "what is known of 6 models could not be checked: False reason"
    assert first.also == (("models", ", ".join(f"loras/{n}.safetensors" for n in range(6))),)
    assert len(others) == 3  # as many as a person reads one by one


# -- pins of before


@pytest.mark.parametrize("wish", [spec(f"url: {MAIN}"), ""])
def test_a_pin_stays_and_nobody_is_asked(wish: str, question: Question) -> None:
    before = ModelPin(sha256=B, size=3, url=PINNED, wanted=MAIN if wish else None)
    asked = question(
        wish,
        models={"one": [(PATH, None, None)]},
        outside={"files": at_main()},
        previous={PATH: before},
    )
    assert pin(asked) == before
    assert asked.files_asked == []


@pytest.mark.parametrize("upgrade", [[PATH], None])
def test_an_upgrade_takes_what_the_url_gives_now(upgrade: Any, question: Question) -> None:
    before = ModelPin(sha256=B, size=3, url=PINNED.replace("1", "0"), wanted=MAIN)
    asked = question(
        spec(f"url: {MAIN}"),
        outside={"files": at_main()},
        previous={PATH: before},
        upgrade=upgrade,
    )
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)


def test_an_upgrade_without_answer_keeps_the_pin_and_says_so(question: Question) -> None:
    before = ModelPin(sha256=B, size=3, url=PINNED, wanted=MAIN)
    outside = {"unanswered": {"files": "huggingface.co is busy"}}
    asked = question(spec(f"url: {MAIN}"), outside=outside, previous={PATH: before}, upgrade=[PATH])
    assert pin(asked) == before
    assert [one.code for one in asked.findings] == ["not-resolved"]


def test_a_content_without_wish_is_as_new_as_it_can_be(question: Question) -> None:
    before = ModelPin(sha256=B, size=3, url=OTHER)
    models, listed = {"one": [(PATH, None, None)]}, {"path": PATH, "url": MAIN, "name": "Ink"}
    outside = {"files": at_main(), "lists": {"models": {"ink.safetensors": [listed]}}}
    asked = question(models=models, outside=outside, previous={PATH: before}, upgrade=None)
    assert pin(asked) == before
    assert asked.findings == []


def test_a_url_for_what_is_known_by_content_has_to_give_it(question: Question) -> None:
    before = {PATH: ModelPin(sha256=A, size=100)}
    asked = question(spec(f"url: {MAIN}"), outside={"files": at_main()}, previous=before)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)
    asked = question(spec(f"url: {MAIN}"), outside={"files": at_main(B)}, previous=before)
    assert pin(asked) is None
    assert asked.findings[0].also[0] == ("runflow.lock", f"sha256 {A}, 100 bytes")


# -- an installation


def test_a_file_of_an_installation_gets_the_workflows_url_if_that_gives_it(
    question: Question,
) -> None:
    asked = question(
        models={"one": [(PATH, MAIN, None)]},
        files={PATH: DATA},
        outside={"files": at_main(SHA, len(DATA))},
    )
    assert pin(asked) == ModelPin(sha256=SHA, size=len(DATA), url=PINNED, wanted=MAIN)
    assert asked.findings == []


def test_a_workflows_url_that_gives_another_file_is_no_source_of_it(question: Question) -> None:
    elsewhere = {OTHER: {"sha256": SHA, "size": len(DATA)}}
    asked = question(
        models={"one": [(PATH, MAIN, None)]},
        files={PATH: DATA},
        outside={"files": {**at_main(), **elsewhere}},
    )
    assert pin(asked) == ModelPin(sha256=SHA, size=len(DATA), url=OTHER, wanted=MAIN)
    assert asked.told == [
        f"install-differs: {PATH} of the installation is not the file at {MAIN}: "
        f"sha256 {SHA[:12]}… here, {A[:12]}… there"
    ]


def test_the_url_of_runflow_yaml_goes_before_an_installation(question: Question) -> None:
    asked = question(spec(f"url: {MAIN}"), files={PATH: DATA}, outside={"files": at_main()})
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)
    assert [one.code for one in asked.findings] == ["install-differs"]


def test_a_host_without_hashes_is_believed_with_a_warning_if_the_size_fits(
    question: Question,
) -> None:
    wish, files = spec(f"url: {MAIN}"), {PATH: DATA}
    outside = {"files": at_main(A, len(DATA), says=False)}
    asked = question(wish, files=files, outside=outside)
    assert pin(asked) == ModelPin(sha256=SHA, size=len(DATA), url=PINNED, wanted=MAIN)
    assert [one.code for one in asked.findings] == ["source-unchecked"]
    asked = question(wish, files=files, outside={"files": at_main(A, 5, says=False)})
    assert pin(asked) is None
    assert [one.code for one in asked.findings] == ["install-differs", "not-resolved"]


def test_a_file_of_an_installation_is_found_by_its_hash(question: Question) -> None:
    asked = question(
        models={"one": [(PATH, None, None)]},
        files={PATH: DATA},
        outside={"files": {OTHER: {"sha256": SHA, "size": len(DATA)}}},
    )
    assert pin(asked) == ModelPin(sha256=SHA, size=len(DATA), url=OTHER)


def test_the_managers_list_is_a_source_of_urls_that_are_held_against_the_hash(
    question: Question,
) -> None:
    listed = [
        {"path": "checkpoints/ink.safetensors", "url": OTHER, "name": "another"},
        {"path": "loras/x/ink.safetensors", "url": MAIN, "name": "ink"},
    ]
    files = {**at_main(SHA, len(DATA)), OTHER: {"sha256": B, "size": 3}}
    asked = question(
        models={"one": [(PATH, None, None)]},
        files={PATH: DATA},
        outside={"files": files, "lists": {"models": {"ink.safetensors": listed}}},
    )
    assert pin(asked) == ModelPin(sha256=SHA, size=len(DATA), url=PINNED)


def test_one_name_in_two_folders_is_two_files(question: Question) -> None:
    other = "checkpoints/ink.safetensors"
    sha = hashlib.sha256(b"other").hexdigest()
    asked = question(
        models={"one": [(PATH, None, None), (other, None, None)]},
        files={PATH: DATA, other: b"other"},
        outside={"files": {MAIN: {"sha256": SHA}, OTHER: {"sha256": sha}}},
    )
    pins = model_pins(asked.inquiry)
    assert (pins[PATH].url, pins[other].url) == (MAIN, OTHER)


def test_digests_of_before_spare_the_reading(
    question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = DigestCache(tmp_path / "digests.db")
    ask = {"models": {"one": [(PATH, None, None)]}, "files": {PATH: DATA}, "outside": {}}
    # Long before now: a file of this very moment would be read again.
    import os

    first = question(**ask, digests=digests)
    os.utime(tmp_path / "install/models" / PATH, (1_700_000_000.5, 1_700_000_000.5))
    assert pin(first) == ModelPin(sha256=SHA, size=len(DATA))
    from runflow_build.sources import digests as module

    monkeypatch.setattr(module, "read_content", lambda *_: pytest.fail("it was read again"))
    again = replace(first.inquiry)
    assert model_pins(again)[PATH].sha256 == SHA
    digests.close()


def test_a_hugging_face_blobs_name_counts_where_another_declares_the_same(
    question: Question, tmp_path: Path
) -> None:
    digests = DigestCache(tmp_path / "digests.db")
    blob = tmp_path / "hub" / "blobs" / A
    blob.parent.mkdir(parents=True)
    blob.write_bytes(DATA)  # the name lies, which only reading tells
    (tmp_path / "install/models/loras").mkdir(parents=True)
    (tmp_path / "install/models" / PATH).symlink_to(blob)
    models = {"one": [(PATH, None, A)]}
    keep = {"loras/x": b""}  # makes it an installation
    asked = question(models=models, files=keep, outside={"files": {}}, digests=digests)
    assert pin(asked) == ModelPin(sha256=A, size=len(DATA))
    models = {"one": [(PATH, None, None)]}
    asked = question(models=models, files=keep, outside={"files": {}}, digests=digests)
    assert pin(asked) == ModelPin(sha256=SHA, size=len(DATA))
    digests.close()


# -- a name, and nothing else


def listing(*rows: tuple[str, str]) -> Mapping[str, Any]:
    models = [{"path": path, "url": url, "name": "x"} for path, url in rows]
    return {"models": {"ink.safetensors": models}}


def test_a_name_that_the_managers_list_has_in_the_folder_is_pinned_and_said(
    question: Question,
) -> None:
    outside = {"files": at_main(), "lists": listing((PATH, MAIN), ("vae/ink.safetensors", OTHER))}
    asked = question(models={"one": [(PATH, None, None)]}, outside=outside)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED)
    (finding,) = asked.findings
    assert (finding.code, finding.severity) == ("model-listed", "note")
    assert ("url", PINNED) in finding.also


def test_a_listed_file_of_another_folder_is_not_meant(question: Question) -> None:
    outside = {"files": at_main(), "lists": listing(("vae/ink.safetensors", MAIN))}
    asked = question(models={"one": [(PATH, None, None)]}, outside=outside)
    assert pin(asked) is None
    assert asked.told == [f"not-resolved: {PATH} has no known content"]
    assert asked.files_asked == []


def test_a_list_that_cannot_be_had_is_said(question: Question) -> None:
    outside = {"unanswered": {"lists": "raw.githubusercontent.com fell silent"}}
    asked = question(models={"one": [(PATH, None, None)]}, outside=outside)
    assert pin(asked) is None
    row = ("list", "raw.githubusercontent.com fell silent")
    assert row in asked.findings[0].also


def test_the_former_name_of_a_folder_fits_too(question: Question) -> None:
    path = "diffusion_models/ink.safetensors"
    outside = {"files": at_main(), "lists": listing(("unet/FLUX/ink.safetensors", MAIN))}
    asked = question(models={"one": [(path, None, None)]}, outside=outside)
    assert model_pins(asked.inquiry)[path].url == PINNED


def test_two_listed_files_of_one_name_and_different_content_are_never_picked_from(
    question: Question,
) -> None:
    files = {**at_main(), OTHER: {"sha256": B, "size": 3}}
    outside = {"files": files, "lists": listing((PATH, MAIN), (PATH, OTHER))}
    asked = question(models={"one": [(PATH, None, None)]}, outside=outside)
    assert pin(asked) is None
    (finding,) = asked.findings
    assert finding.code == "not-resolved"
    assert finding.also[:2] == (
        ("listed", f"{MAIN}: sha256 {A}"),
        ("listed", f"{OTHER}: sha256 {B}"),
    )


def test_two_listed_places_of_one_content_are_one(question: Question) -> None:
    files = {**at_main(), OTHER: {"sha256": A, "size": 100}}
    outside = {"files": files, "lists": listing((PATH, MAIN), (PATH, OTHER))}
    asked = question(models={"one": [(PATH, None, None)]}, outside=outside)
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED)


def test_a_listed_file_that_cannot_be_asked_may_be_another(question: Question) -> None:
    files = {**at_main(), OTHER: {"sha256": A, "size": 100}}
    outside = {
        "files": files,
        "lists": listing((PATH, MAIN), (PATH, OTHER)),
        "unanswered": {OTHER: "civitai.com is busy"},
    }
    asked = question(models={"one": [(PATH, None, None)]}, outside=outside)
    assert pin(asked) is None
    assert asked.findings[0].also[1] == ("listed", f"{OTHER}: civitai.com is busy")


# -- several workflows


def test_workflows_that_give_one_path_different_hashes_are_an_error(question: Question) -> None:
    models = {"one": [(PATH, None, A)], "two": [(PATH, None, B)]}
    for outside in (None, {"files": {}}):
        asked = question(models=models, outside=outside)
        assert pin(asked) is None
        (finding,) = asked.findings
        assert finding.code == "model-ambiguous"
        assert finding.also == (
            ("used by", f"one.json, node 1 (Loader), field name: sha256 {A}"),
            ("used by", f"two.json, node 1 (Loader), field name: sha256 {B}"),
        )
    decided = question(spec(f"sha256: {B}"), models=models, outside={"files": {}})
    assert pin(decided) == ModelPin(sha256=B)


def test_workflows_whose_urls_give_different_files_are_an_error(question: Question) -> None:
    models = {"one": [(PATH, MAIN, None)], "two": [(PATH, OTHER, None)]}
    files = {**at_main(), OTHER: {"sha256": B, "size": 3}}
    before = {PATH: ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)}
    hashed = {**models, "one": [(PATH, MAIN, A)]}
    for rows, previous in ((models, {}), (models, before), (hashed, {})):
        asked = question(models=rows, outside={"files": files}, previous=previous)
        assert pin(asked) is None
        assert [one.code for one in asked.findings] == ["model-ambiguous"]
    decided = question(spec(f"url: {OTHER}"), models=models, outside={"files": files})
    assert pin(decided) == ModelPin(sha256=B, size=3, url=OTHER)


def test_workflows_whose_urls_give_one_file_agree(question: Question) -> None:
    models = {"one": [(PATH, MAIN, None)], "two": [(PATH, OTHER, None)]}
    files = {**at_main(), OTHER: {"sha256": A, "size": 100}}
    asked = question(models=models, outside={"files": files})
    assert pin(asked) == ModelPin(sha256=A, size=100, url=PINNED, wanted=MAIN)
    assert asked.findings == []


# -- many at once


class Late:
    """File hosts whose answers come in any order."""

    def __init__(self, files: Any, seed: int) -> None:
        self.files, self.random = files, random.Random(seed)

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        time.sleep(self.random.random() / 200)
        if url.endswith("7"):
            raise Unanswered(f"{url} is late for ever")
        found: RemoteFile | None = self.files.file(url, read)
        return found

    def places_of(self, sha256: str, name: str, size: int) -> Any:
        return self.files.places_of(sha256, name, size)


def test_400_models_come_in_the_same_order_whatever_order_the_answers_have(
    question: Question,
) -> None:
    urls = {f"loras/{n}.safetensors": f"https://files.example/{n}" for n in range(400)}
    files = {
        url: {"url": f"{url}?v=1", "sha256": f"{n:064x}", "size": n}
        for n, url in enumerate(urls.values())
        if n % 10  # every tenth is not there
    }
    rows = [(path, url, None) for path, url in urls.items()]
    outcomes = []
    for seed in range(2):
        random.Random(seed).shuffle(rows)
        world = world_of({"files": files})
        asked = question(models={"one": rows}, world=replace(world, files=Late(world.files, seed)))
        pins = model_pins(asked.inquiry)
        outcomes.append((list(pins.items()), asked.told))
    assert outcomes[0] == outcomes[1]
    pins, told = outcomes[0]
    assert (len(pins), len(told)) == (320, 80)
    assert [path for path, _ in pins] == sorted(path for path, _ in pins)


def _no_definitions() -> Any:
    from runflow_build.project.catalogue import shipped

    return shipped("0.8.0")
