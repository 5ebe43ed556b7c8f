"""Findings as SARIF 2.1.0, which code scanning and editors read.

Source: OASIS, Static Analysis Results Interchange Format Version 2.1.0; GitHub's documentation of
what its code scanning takes from it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from .. import digest
from ..file_names import SPEC_FILE
from ..findings import CODES, Finding, printable
from .place import in_repository

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_SECURITY = {  # GitHub shows these as security alerts; the number is that of CVSS
    "code-not-trusted": "7.0",
    "host-not-trusted": "6.0",
    "model-pickle": "8.0",
    "secret-in-workflow": "8.0",
    "spec-secret": "8.0",
}


def sarif(findings: Iterable[Finding], version: str, folder: str = "") -> str:
    """The log as JSON text. `version` is the tool's; `folder` the project's, below the top of the
    repository, POSIX. What is found again keeps its fingerprint, whatever line it moves to."""
    rows = list(findings)
    codes = sorted({finding.code for finding in rows})
    seen: Counter[str] = Counter()
    run = {
        "tool": {
            "driver": {
                "name": "Runflow Build",
                "semanticVersion": version,
                "rules": [_rule(code) for code in codes],
            }
        },
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes, folder, seen) for finding in rows],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    words = known.meaning
    properties: dict[str, Any] = {"tags": ["runflow"]}
    if code in _SECURITY:
        properties = {"tags": ["runflow", "security"], "security-severity": _SECURITY[code]}
    help_text = f"{words} The message of each finding says where, and how to fix it."
    return {
        "id": code,
        "shortDescription": {"text": words},
        "fullDescription": {"text": words},
        "help": {"text": help_text, "markdown": f"**`{code}`** — {help_text}"},
        "defaultConfiguration": {"level": known.severity},
        "properties": properties,
    }


def _result(finding: Finding, codes: list[str], folder: str, seen: Counter[str]) -> dict[str, Any]:
    mark = _fingerprint(finding, folder)
    seen[mark] += 1
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity,
        "message": {"text": _text(finding)},
        "locations": [_location(finding, folder)],
        # The first is the one that GitHub goes by; it would be made of a line's text otherwise,
        # and a graph may be a single line.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{mark[:16]}:{seen[mark]}",
            "runflow/v1": f"{mark}:{seen[mark]}",
        },
    }


def _location(finding: Finding, folder: str) -> dict[str, Any]:
    where = finding.where
    place = in_repository(where.file, folder)
    region = {"startLine": where.line if place and where.line else 1}
    if place and where.line and where.column:
        region["startColumn"] = where.column
    # What concerns no file is shown at the one that says what the project is.
    path = place or in_repository(SPEC_FILE, folder) or SPEC_FILE
    uri = quote(path.encode("utf-8", "backslashreplace"))
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": _ROOT},
            "region": region,
        }
    }
    if logical := _logical(finding):
        location["logicalLocations"] = [logical]
    return location


def _logical(finding: Finding) -> dict[str, str]:
    """The place in the document: a node and its field, or a key."""
    where = finding.where
    if where.node is not None:
        names = [where.node, *([where.field] if where.field else [])]
        kind = "member" if where.field else "object"
    elif where.key:
        names, kind = [str(part) for part in where.key], "member"
    else:
        return {}
    return {
        "name": printable(names[-1]),
        "fullyQualifiedName": printable("/".join(names)),
        "kind": kind,
    }


def _text(finding: Finding) -> str:
    lines = [finding.message]
    if node := finding.where.node_text():
        lines.append(f"At {node}")
    lines += [f"{label}: {text}" for label, text in finding.also]
    if finding.fix:
        lines.append(f"Fix: {finding.fix}")
    return "\n".join(printable(line) for text in lines for line in text.splitlines())


def _fingerprint(finding: Finding, folder: str) -> str:
    where = finding.where
    return digest.of(
        {
            "code": finding.code,
            "file": in_repository(where.file, folder),
            "key": [str(part) for part in where.key],
            "node": where.node,
            "field": where.field,
            "message": finding.message,
        }
    )
