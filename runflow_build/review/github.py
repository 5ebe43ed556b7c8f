"""Findings as GitHub's workflow commands: what a job prints so that they stand at their lines.

Source: GitHub's documentation of workflow commands, and actions/toolkit,
packages/core/src/command.ts, for what is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..findings import Finding, Severity, printable
from .place import in_repository

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def commands(findings: Iterable[Finding], folder: str = "") -> str:
    """One line for each finding. `folder`: the project's below the top of the repository, POSIX."""
    return "\n".join(_command(finding, folder) for finding in findings)


def _command(finding: Finding, folder: str) -> str:
    where = finding.where
    place = in_repository(where.file, folder)
    properties: dict[str, object] = {"file": place} if place else {}
    if place and where.line is not None:
        properties["line"] = where.line
        if where.column is not None:
            properties["col"] = where.column
    properties["title"] = finding.code
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {told}::{_data(_text(finding))}"


def _text(finding: Finding) -> str:
    lines = [finding.message]
    if node := finding.where.node_text():
        lines.append(f"at: {node}")
    lines += [f"{label}: {text}" for label, text in finding.also]
    if finding.fix:
        lines.append(f"fix: {finding.fix}")
    return "\n".join(printable(line) for text in lines for line in text.splitlines())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
