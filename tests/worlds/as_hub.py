"""huggingface.co, as huggingface_hub 2.4 reads it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from place import File, Repo
from question import WHEN, Question, bytes_of
from starlette.responses import JSONResponse, Response

HUB, STORE = "huggingface.co", "cas-bridge.xethub.hf.co"


def hub(question: Question) -> Response:
    parts = question.parts
    if parts[:2] == ["api", "models"]:
        return _hub_api(question, parts[2:])
    if parts[:2] == ["api", "resolve-cache"]:  # api/resolve-cache/models/o/n/COMMIT/path
        files = question.place.repos["/".join(parts[3:5])].commits[parts[5]]
        file = files["/".join(parts[6:])]
        told = {"x-repo-commit": parts[5], "etag": f'"{file.blob}"'}
        return bytes_of(question, file, **told)
    if len(parts) < 5 or parts[2] not in ("resolve", "raw"):
        return _hub_error(404, "RepoNotFound", "Repository not found")
    name, revision, path = "/".join(parts[:2]), parts[3], "/".join(parts[4:])
    repo = question.place.repos.get(name)
    if repo is not None and repo.moved_to:
        moved = "/".join(quote(one, safe="") for one in parts[2:])
        return Response(status_code=307, headers={"location": f"/{HUB}/{repo.moved_to}/{moved}"})
    if refusal := _hub_refusal(question, name, repo):
        return refusal
    assert repo is not None
    commit = repo.commit_of(revision)
    if commit is None:
        return _hub_error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    file = repo.commits[commit].get(path)
    if file is None:
        told = {"x-repo-commit": commit}
        return _hub_error(404, "EntryNotFound", "Entry not found", told)
    return _hub_file(question, name, commit, path, file)


def _hub_file(question: Question, name: str, commit: str, path: str, file: File) -> Response:
    told = {"x-repo-commit": commit, "accept-ranges": "bytes", "x-linked-size": str(file.size)}
    if not file.lfs:
        place = f"/{HUB}/api/resolve-cache/models/{name}/{commit}/{quote(path)}"
        headers = {**told, "x-linked-etag": f'"{file.blob}"', "location": place}
        return Response(f"Temporary Redirect. Redirecting to {place}", 307, headers)
    # The storage knows files by content; the signature is one of this stand-in's own.
    store = f"https://{STORE}/{name}/{file.sha256}?X-Amz-Signature={file.sha256[:16]}"
    question.place.files[store.partition("?")[0]] = file
    headers = {**told, "x-linked-etag": f'"{file.sha256}"', "location": question.local(store)}
    if file.xet:
        headers["x-xet-hash"] = file.xet
        auth = f"https://{HUB}/api/models/{name}/xet-read-token/{commit}"
        headers["link"] = f'<{auth}>; rel="xet-auth"'
    return Response(status_code=302, headers=headers)


def _hub_refusal(question: Question, name: str, repo: Repo | None) -> Response | None:
    """As the hub does it: what is hidden is 401 to the unknown and 404 to everyone else."""
    known = question.knows_token() or (repo is not None and question.token in repo.readers)
    reads = repo is not None and question.token in repo.readers
    if question.token and not known:
        words = "Invalid credentials in Authorization header"
        return _hub_error(401, "", words)
    if repo is None or (repo.private and not reads):
        if known:
            return _hub_error(404, "RepoNotFound", "Repository not found")
        return _hub_error(401, "RepoNotFound", "Invalid username or password.")
    if not repo.gated or reads:
        return None
    must = f"Access to model {name} is restricted"
    if known:
        more = f"and you are not in the authorized list. Visit https://{HUB}/{name} to ask for it."
        return _hub_error(403, "GatedRepo", f"{must} {more}")
    more = "You must have access to it and be authenticated to access it. Please log in."
    return _hub_error(401, "GatedRepo", f"{must}. {more}")


def _hub_error(
    status: int, code: str, message: str, more: dict[str, str] | None = None
) -> Response:
    headers = {"x-error-message": message, **(more or {})}
    if code:
        headers["x-error-code"] = code
    return JSONResponse({"error": message}, status, headers)


def _hub_api(question: Question, parts: list[str]) -> Response:
    if not parts:
        return JSONResponse(_hub_search(question))
    name, rest = "/".join(parts[:2]), parts[2:]
    repo = question.place.repos.get(name)
    hidden = _hub_refusal(question, name, repo)
    if hidden and (repo is None or not repo.gated):  # what is gated is described all the same
        return hidden
    assert repo is not None
    commit = repo.commit_of(rest[1] if len(rest) > 1 else "main")
    if commit is None:
        return _hub_error(404, "RevisionNotFound", f"Invalid rev id: {rest[1]}")
    files = repo.commits[commit]
    if rest[:1] == ["tree"]:
        below = "".join(f"{one}/" for one in rest[2:])
        rows = [_tree_row(path, one) for path, one in files.items() if path.startswith(below)]
        return JSONResponse(rows, headers={"x-repo-commit": commit})
    blobs = "blobs" in question.request.query_params
    siblings = [_sibling(path, one, blobs) for path, one in files.items()]
    return JSONResponse({**_hub_row(name, repo, commit), "siblings": siblings})


def _hub_search(question: Question) -> list[dict[str, Any]]:
    query = question.request.query_params
    words, author = query.get("search", "").lower(), query.get("author")
    found = [
        _hub_row(name, repo, repo.commit_of("main"))
        for name, repo in question.place.repos.items()
        if words in name.lower()
        and author in (None, name.partition("/")[0])
        and not repo.private
        and not repo.moved_to
    ]
    return found[: int(query.get("limit", 1000))]


def _hub_row(name: str, repo: Repo, commit: str | None) -> dict[str, Any]:
    return {
        **{"_id": hashlib.md5(name.encode()).hexdigest()[:24], "id": name, "modelId": name},
        **{"author": name.partition("/")[0], "sha": commit, "lastModified": WHEN},
        **{"private": repo.private, "gated": "manual" if repo.gated else False, "disabled": False},
        **{"downloads": 0, "likes": 0, "tags": [], "createdAt": WHEN},
    }


def _tree_row(path: str, file: File) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "oid": _oid(file), "size": file.size, "path": path}
    if file.lfs:
        row["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 135}
    if file.xet:
        row["xetHash"] = file.xet
    return row


def _sibling(path: str, file: File, blobs: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"rfilename": path}
    if blobs:
        row |= {"size": file.size, "blobId": _oid(file)}
        if file.lfs:
            row["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": 135}
    return row


def _oid(file: File) -> str:
    return hashlib.sha1(file.sha256.encode()).hexdigest() if file.lfs else file.blob
