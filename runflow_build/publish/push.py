"""Bring endpoints at the API to what the bundles say: create, update, delete, or leave alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from ..bundle import Bundle
from ..errors import ApiError, ApiRefusedError, RunflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where, render
from .assets import Assets, check, to_send
from .client import ATTEMPTS, Client, backoff, part
from .plan import Change, Plan, no_record, plan, summary, to_reset
from .provenance import Provenance
from .record import Record, published_from
from .remote import COLLECTION, find, published_by, runs_path
from .wire import body_of, spec_key

Done = Literal["created", "updated", "unchanged", "deleted", "failed"]

_FUTURE = {"created": "would create", "updated": "would update", "deleted": "would delete"}


@dataclass(frozen=True)
class Published:
    """What became of one endpoint."""

    slug: str
    action: Done
    url: str | None = None  # where it is called; None: deleted, failed or not asked for
    changes: tuple[Change, ...] = ()
    uploads: tuple[str, ...] = ()  # resources that were, or would be, uploaded
    findings: tuple[Finding, ...] = ()
    dry_run: bool = False
    exit_code: int = 0

    def summary(self) -> str:
        """One line on what was done, then what changed, then the findings."""
        done = _FUTURE.get(self.action, self.action) if self.dry_run else self.action
        lines = [f"{done} {self.url}" if self.url else done]
        if self.action == "updated" and not self.dry_run:
            lines.append(f"  changed   {summary(self.changes)}")
        if self.dry_run and self.action != "deleted":
            lines += [f"  {change}" for change in self.changes]
            lines += [f"  upload    {name}" for name in self.uploads]
        if self.findings:
            lines.append(render(self.findings))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A JSON object for programs."""
        return {
            "slug": self.slug,
            "action": self.action,
            "dry_run": self.dry_run,
            "url": self.url,
            "changes": [change.to_json() for change in self.changes],
            "uploads": list(self.uploads),
            "findings": [finding.to_json() for finding in self.findings],
        }


def failed(slug: str, error: RunflowError) -> Published:
    """An endpoint that could not be published, for a list of several."""
    return Published(slug, "failed", findings=error.findings, exit_code=error.exit_code)


def push(
    bundle: Bundle,
    client: Client,
    provenance: Provenance,
    resources: Mapping[str, Path],
    adopt: bool = False,
    dry_run: bool = False,
    *,
    assets: Assets | None = None,
) -> Published:
    """Create or update the bundle's endpoint; send nothing when it is there already.

    `resources` says where the files of `bundle.resources` lie. `dry_run` sends only GETs and tells
    exactly what would change. `assets` remembers uploads across several bundles. Nothing is half
    published: files go first, and the record follows in one request.

    Raises ApiRefusedError: `endpoint-not-ours` unless `adopt`, `organization-mismatch`, key and
    scopes; CheckError: a resource that is not what the lock holds; ApiError.
    """
    client.act_for(provenance.organization)
    remote = find(client, bundle.slug)
    step = plan(bundle, provenance, remote, adopt)
    if step.action == "refused":
        raise ApiRefusedError(*step.findings)
    done = Published(
        bundle.slug,
        _done(step),
        changes=step.changes,
        uploads=tuple(to_send(bundle, remote)) if step.action != "unchanged" else (),
        findings=step.findings,
        dry_run=dry_run,
    )
    if dry_run:
        check(bundle, resources, done.uploads)
        return done
    if step.action == "unchanged":
        return replace(done, url=call_url(client, bundle.slug, provenance.organization))
    found = (assets or Assets(client)).of(bundle, resources, remote)
    body = body_of(bundle, provenance, found)
    try:
        if remote is None:
            record = _create(client, bundle, provenance, body)
        else:
            body.pop("slug")
            body.update(to_reset(bundle, remote))
            record = client.patch(f"{COLLECTION}/{part(str(remote['id']))}", body)
    except ApiError as error:
        raise _in_the_spec(bundle, error) from None
    if published_from(record) is None and not any(
        finding.code == "remote-no-record" for finding in done.findings
    ):
        done = replace(done, findings=(*done.findings, no_record(bundle.slug)))
    return replace(done, url=call_url(client, bundle.slug, provenance.organization))


def delete(
    client: Client, slug: str, project: str, adopt: bool = False, dry_run: bool = False
) -> Published:
    """Delete the endpoint. Raises ApiError `endpoint-unknown`; ApiRefusedError
    `endpoint-not-ours` for another project's, unless `adopt`."""
    record = find(client, slug)
    if record is None:
        message = f"{client.host} has no endpoint {slug}"
        fix = "look at `runflow status` for what is published"
        raise ApiError(Finding("endpoint-unknown", message, fix=fix))
    owner = (published_from(record) or {}).get("project")
    if owner != project and not adopt:
        whose = f"belongs to the project {owner}" if owner else "was not published by a project"
        raise ApiRefusedError(
            Finding(
                "endpoint-not-ours",
                f"the endpoint {slug} at the API {whose}; this one is {project}",
                fix="delete it from its own project, or add --adopt",
            )
        )
    return _delete(client, record, dry_run)


def prune(
    client: Client, project: str, keep: Collection[str], dry_run: bool = False
) -> list[Published]:
    """Delete the endpoints that the project published and that are not in `keep`."""
    done = []
    for record in published_by(client, project):
        slug = str(record.get("slug"))
        if slug in keep:
            continue
        try:
            done.append(_delete(client, record, dry_run))
        except ApiError as error:
            done.append(failed(slug, error))
    return done


def call_url(client: Client, slug: str, organization: str | None) -> str | None:
    """Where the endpoint is called; None when the API does not say whose the key is."""
    try:
        owner = client.owner(organization)
    except ApiError:
        return None  # the endpoint is published all the same
    return f"{client.base_url}{runs_path(owner, slug)}"


def _done(step: Plan) -> Done:
    if step.action == "refused":
        raise AssertionError("a refusal is raised before")
    return step.action


def _delete(client: Client, record: Record, dry_run: bool) -> Published:
    if not dry_run:
        client.delete(f"{COLLECTION}/{part(str(record.get('id')))}")
    return Published(str(record.get("slug")), "deleted", dry_run=dry_run)


def _create(client: Client, bundle: Bundle, provenance: Provenance, body: dict[str, Any]) -> Record:
    """Create once, also when the answer gets lost: look whether it is there before asking again.

    The hosted API may or may not know Idempotency-Key here; both are safe.
    """
    key = str(uuid4())
    lost = False
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return client.post(COLLECTION, body, attempts=1, key=key)
        except ApiError as error:
            failure = error
        unclear = failure.status is None or failure.status >= 500
        taken = lost and failure.status in (409, 422)  # by our own earlier attempt, perhaps
        if not (unclear or taken or failure.status == 429):
            raise failure
        lost = lost or unclear
        if lost and (record := _arrived(client, bundle, provenance)):
            return record
        if taken or attempt == ATTEMPTS:
            raise failure
        client.pause(backoff(attempt))
    raise AssertionError("at least one attempt")


def _arrived(client: Client, bundle: Bundle, provenance: Provenance) -> Record | None:
    """The record that a create with a lost answer left behind."""
    record = find(client, bundle.slug)
    if record is None or plan(bundle, provenance, record).action != "unchanged":
        return None
    return record


def _in_the_spec(bundle: Bundle, error: ApiError) -> ApiError:
    """The error with each refused value placed where runflow.yaml decides it."""
    if error.status != 422:
        return error
    findings = [_placed(bundle, finding) for finding in error.findings]
    return ApiError(*findings, status=error.status, code=error.code)


def _placed(bundle: Bundle, finding: Finding) -> Finding:
    if not finding.where.field:
        return finding
    key = spec_key(bundle, finding.where.field)
    fix = f"change it in runflow.yaml, at {'.'.join(map(str, key))}"
    if finding.code != "api-invalid":  # no value is wrong: the API's engine cannot run it
        fix = finding.fix or fix
    return replace(finding, where=Where(file=SPEC_FILE, key=key), fix=fix)
