"""Publish the endpoints of a project: fresh lock, valid, built, and then brought to the API."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from ..bundle import Bundle, read_bundle
from ..errors import BundleError, CheckError, RunflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where, has_errors
from ..project.documents import load_spec
from ..project.paths import ProjectPaths
from ..publish.assets import Assets
from ..publish.client import Client
from ..publish.provenance import Provenance, provenance_of
from ..publish.push import Published, delete, failed, prune, push
from ..publish.remote import AT_ONCE
from ..spec.read import SpecText
from ..yaml_text import placed
from .session import connect
from .slugs import chosen


def publish(
    root: Path,
    slugs: Collection[str] = (),
    *,
    url: str | None = None,
    adopt: bool = False,
    dry_run: bool = False,
    prune_others: bool = False,
    report: Callable[[Published], None] = lambda published: None,
) -> list[Published]:
    """Publish these endpoints of the project in `root`; none named means all.

    What fails for one endpoint is in its `Published`, and the others go on. `prune_others` deletes
    endpoints that have left runflow.yaml, once everything else succeeded: of a rename, the old name
    goes only when the new one answers. `report` gets each result as it comes, in order.

    Raises SpecError, StaleLockError, UsageError (`endpoint-unknown`), and ApiError for what
    concerns all endpoints: address and key.
    """
    from .fresh import require_fresh

    spec = load_spec(ProjectPaths(root))
    wanted = chosen(spec.spec.endpoints, slugs)
    require_fresh(root)
    client = connect(url)
    ready, done = _prepared(root, wanted)
    for result in done:
        report(result)
    source = provenance(root)

    def one(slug: str) -> Published:
        try:
            return _push(root, slug, spec, source, client, adopt, dry_run)
        except RunflowError as error:
            return failed(slug, error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(one, ready):
            done.append(result)
            report(result)
    if prune_others and not any(result.action == "failed" for result in done):
        gone = prune(client, source.project, spec.spec.endpoints, dry_run)
        for result in gone:
            done.append(result)
            report(result)
    return done


def publish_built(
    root: Path, slug: str, client: Client | None = None, adopt: bool = False
) -> Published:
    """Publish the bundle that was built for the endpoint, whatever the other stages say.

    `client` is the API; by default the one that the environment and the user's settings mean.
    Raises ApiError, CheckError, BundleError.
    """
    spec = load_spec(ProjectPaths(root))
    return _push(root, slug, spec, provenance(root), client or connect(), adopt)


def unpublish(
    root: Path, slug: str, *, url: str | None = None, adopt: bool = False, dry_run: bool = False
) -> Published:
    """Delete one endpoint at the API. Raises SpecError, ApiError (`endpoint-unknown`),
    ApiRefusedError (`endpoint-not-ours`)."""
    source = provenance(root)
    client = connect(url)
    client.act_for(source.organization)
    return delete(client, slug, source.project, adopt, dry_run)


def built_bundle(root: Path, slug: str) -> Bundle:
    """The bundle that `rewrite` left. Raises BundleError."""
    path = ProjectPaths(root).bundle(slug)
    try:
        return read_bundle(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        message = f"the bundle of {slug} is not there"
        where = Where(file=f".runflow/build/{slug}.json")
        raise BundleError(
            Finding("file-missing", message, where, fix="build it: runflow build")
        ) from None


def provenance(root: Path) -> Provenance:
    """Where a publish of the project in `root` comes from. Raises SpecError."""
    paths = ProjectPaths(root)
    return provenance_of(paths, load_spec(paths).spec)


@lru_cache(4)
def _assets(client: Client) -> Assets:
    """Files that were uploaded by this process: endpoints that share one share its asset."""
    return Assets(client)


def _push(
    root: Path,
    slug: str,
    spec: SpecText,
    source: Provenance,
    client: Client,
    adopt: bool = False,
    dry_run: bool = False,
) -> Published:
    bundle = built_bundle(root, slug)
    files = {name: root / name for name in bundle.resources}
    try:
        return push(bundle, client, source, files, adopt, dry_run, assets=_assets(client))
    except RunflowError as error:
        # What the API says of a value, runflow.yaml has the line of.
        error.findings = tuple(
            placed(finding, spec.marks, SPEC_FILE) if finding.where.key else finding
            for finding in error.findings
        )
        raise


def _prepared(root: Path, slugs: list[str]) -> tuple[list[str], list[Published]]:
    """Validate and build: the endpoints that are ready, and what is wrong with the others.

    All at once, because that reads the project once; one by one only to tell who fails.
    """
    try:
        _prepare(root, slugs)
    except RunflowError as error:
        if len(slugs) == 1:
            return [], [failed(slugs[0], error)]
    else:
        return slugs, []
    each = [_prepared(root, [slug]) for slug in slugs]
    return [slug for ready, _ in each for slug in ready], [bad for _, bads in each for bad in bads]


def _prepare(root: Path, slugs: list[str]) -> None:
    from .rewrite import build
    from .validate import validate

    findings = validate(root, slugs)
    if has_errors(findings):
        raise CheckError(*findings)
    build(root, slugs)
