"""How an endpoint stands: what is stale here, what differs there, and what works offline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runflow_build.errors import ApiRefusedError
from runflow_build.findings import Finding
from runflow_build.project.load import load
from runflow_build.publish.client import Client
from runflow_build.publish.remote import COLLECTION, find
from runflow_build.publish.status import Status, status
from runflow_build.tasks.lock import relock


def states(found: Status) -> dict[str, tuple[str, str]]:
    return {one.slug: (one.lock, one.remote) for one in found.endpoints}


def test_what_is_published_and_fresh(project: Path, published: Client) -> None:
    found = status(load(project), lambda: published)
    assert states(found) == {"one": ("fresh", "published"), "two": ("fresh", "published")}
    assert found.remote == ()


def test_what_nobody_published_yet(project: Path, real: Any) -> None:
    found = status(load(project), lambda: real.client)
    assert states(found)["one"] == ("fresh", "unpublished")


def test_what_somebody_changed_at_the_api(project: Path, published: Client) -> None:
    record = find(published, "one")
    assert record is not None
    published.patch(f"{COLLECTION}/{record['id']}", {"name": "By hand"})
    one, two = status(load(project), lambda: published).endpoints
    assert (one.remote, two.remote) == ("drifted", "published")
    assert [str(change) for change in one.changes] == ['name: "By hand" → "one"']
    assert [finding.code for finding in one.findings] == ["endpoint-drifted"]


def test_what_was_locked_anew_and_not_published(project: Path, published: Client) -> None:
    prompt = json.loads((project / "one.json").read_text(encoding="utf-8"))
    prompt["2"]["inputs"]["height"] = 9
    (project / "one.json").write_text(json.dumps(prompt), encoding="utf-8")
    assert states(status(load(project), lambda: published)) == {
        "one": ("stale", "published"),
        "two": ("fresh", "published"),
    }
    relock(project)
    one, _ = status(load(project), lambda: published).endpoints
    assert (one.lock, one.remote) == ("fresh", "outdated")
    assert "workflow_json.2.inputs.height: 8 → 9" in [str(change) for change in one.changes]


def test_what_left_runflow_yaml_is_orphaned(
    project: Path, published: Client, write_spec: Callable[..., None]
) -> None:
    write_spec(project, "one")
    relock(project)
    found = status(load(project), lambda: published)
    assert states(found) == {"one": ("fresh", "published"), "two": ("gone", "orphaned")}
    assert found.endpoints[1].findings[0].fix == (
        "runflow publish --prune deletes all such endpoints, runflow delete two this one"
    )


def test_what_another_project_published(project: Path, published: Client, tmp_path: Path) -> None:
    text = (project / "runflow.yaml").read_text(encoding="utf-8")
    (project / "runflow.yaml").write_text(text.replace("cards", "mine"), encoding="utf-8")
    found = status(load(project), lambda: published)
    assert states(found)["one"] == ("fresh", "foreign")


def test_a_broken_workflow_and_a_missing_lock(project: Path, real: Any) -> None:
    (project / "one.json").write_text("{", encoding="utf-8")
    assert states(status(load(project), lambda: real.client))["one"] == ("broken", "unpublished")
    (project / "runflow.lock").unlink()
    found = states(status(load(project), lambda: real.client))
    assert found == {"one": ("broken", "unpublished"), "two": ("missing", "unpublished")}


def test_without_the_api_the_local_part_is_told(project: Path) -> None:
    finding = Finding("api-key-missing", "there is no API key for api.runflow.io")

    def connect() -> Client:
        raise ApiRefusedError(finding)

    found = status(load(project), connect)
    assert states(found) == {"one": ("fresh", "unknown"), "two": ("fresh", "unknown")}
    assert found.remote == (finding,)
    assert found.to_json()["endpoints"][0]["remote"] == "unknown"


def test_a_look_up_that_fails_is_its_own_endpoints_finding(
    project: Path, api: Any, reply: Any, client: Client
) -> None:
    def listed(seen: Any) -> Any:
        if "one" in seen.query.get("q", ""):
            return reply({"code": "X", "message": "no"}, 400)
        return reply({"items": []})

    api.on("GET", COLLECTION, listed)
    one, two = status(load(project), lambda: client).endpoints
    assert (one.remote, two.remote) == ("unknown", "unpublished")
    assert one.findings[0].code == "api-unexpected"
