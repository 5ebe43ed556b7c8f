"""runflow.yaml: from its text to a Spec, or to all that is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from ..document import DocumentCodes, explain, key_text, kind_of
from ..errors import SpecError
from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where
from ..redact import redacted, secret_in, shown
from ..yaml_text import MOST_FINDINGS, Place, YamlError, YamlText, placed, read_yaml
from .model import SPEC_VERSION, Spec
from .slug import slug_of

_CODES = DocumentCodes(
    unknown_key="spec-unknown-key",
    missing_key="spec-missing-key",
    wrong_type="spec-wrong-type",
    wrong_value="spec-wrong-value",
)


@dataclass(frozen=True)
class SpecText:
    """The spec, and where in the file each of its keys stands."""

    spec: Spec
    marks: Mapping[Key, Place]


def read_spec(text: str) -> SpecText:
    """Read runflow.yaml.

    Raises SpecError with everything that is wrong, in the order of the file, with line and column:
    `spec-newer`, `spec-unknown-key`, `spec-missing-key`, `spec-wrong-type`, `spec-wrong-value`,
    `spec-secret`, `slug-invalid`, and the codes of `read_yaml`. No finding repeats a secret.
    """
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise SpecError(*_shown(list(error.findings), {})) from None
    if unlike := _unlike_our_format(document.value):
        raise SpecError(*_shown([unlike], document.marks))
    findings = [*_secrets(document.value), *_not_finite(document)]
    try:
        spec = Spec.model_validate(document.value)
    except ValidationError as error:
        explained = explain(error, Spec, document.value, _CODES, document.written)
        findings += [_with_twin(finding, document) for finding in explained]
    if findings:
        raise SpecError(*_shown(findings, document.marks))
    return SpecText(spec, document.marks)


def _unlike_our_format(value: Any) -> Finding | None:
    """A finding where complaints about single keys would only confuse."""
    if value is None:
        return Finding(
            "spec-missing-key", "the file is empty", fix="run `runflow init WORKFLOW` to write one"
        )
    if not isinstance(value, dict):
        return Finding(
            "spec-wrong-type",
            f"the file must be a mapping of `key: value`; found {kind_of(value)}",
            fix="begin it with `version: 1`",
        )
    if type(version := value.get("version")) is int and version > SPEC_VERSION:
        return Finding(
            "spec-newer",
            f"the file is of format {shown(version)}; this release reads format {SPEC_VERSION}",
            Where(key=("version",)),
            fix="install a newer release: python3 -m pip install --upgrade runflow-build",
        )
    return None


def _secrets(value: Any) -> Iterator[Finding]:
    for key, text in _texts(value):
        if kind := secret_in(text):
            yield Finding(
                "spec-secret",
                f"`{key_text(key)}` holds {kind}",
                Where(key=key),
                fix="remove it, and revoke the secret: a project's files are read by many",
            )


def _texts(value: Any) -> Iterator[tuple[Key, str]]:
    """Every text of the document, keys included, with its place."""
    for key, leaf in _leaves(value, ()):
        if isinstance(leaf, str):
            yield key, leaf


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    """Every scalar of the document, keys included, with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*key, name), name
            yield from _leaves(inner, (*key, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*key, index))
    else:
        yield key, value


def _not_finite(document: YamlText) -> Iterator[Finding]:
    for key, leaf in _leaves(document.value, ()):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            yield Finding(
                "spec-wrong-value",
                f"`{key_text(key)}` must be a finite number; {document.written[key]} is none",
                Where(key=key),
                fix="write a number, or put text in quotes",
            )


def _with_twin(finding: Finding, document: YamlText) -> Finding:
    """Two endpoints whose keys make one slug: mending one by its slug would make a duplicate."""
    if finding.code != "slug-invalid":
        return finding
    key = str(finding.where.key[-1])
    for other in document.value["endpoints"]:
        if other != key and slug_of(other) == slug_of(key) != "":
            line, _ = document.marks["endpoints", other]
            also = (("taken", f"the endpoint `{other}` on line {line} has that slug"),)
            return replace(finding, also=also, fix="give each endpoint a slug of its own")
    return finding


def _shown(findings: list[Finding], marks: Mapping[Key, Place]) -> list[Finding]:
    """The findings in the order of the file, without secrets, and no more than a person reads."""
    ordered = sorted(
        (_without_secrets(placed(finding, marks, SPEC_FILE)) for finding in findings),
        key=lambda finding: (finding.where.line or 0, finding.where.column or 0),
    )
    if len(ordered) > MOST_FINDINGS:
        last = ordered[MOST_FINDINGS - 1]
        more = ("more", f"{len(ordered) - MOST_FINDINGS} further problems are not shown")
        ordered[MOST_FINDINGS - 1 :] = [replace(last, also=(*last.also, more))]
    return ordered


def _without_secrets(finding: Finding) -> Finding:
    key = tuple(redacted(part) if isinstance(part, str) else part for part in finding.where.key)
    return replace(
        finding,
        message=redacted(finding.message),
        where=replace(finding.where, key=key),
        also=tuple((label, redacted(text)) for label, text in finding.also),
        fix=redacted(finding.fix) if finding.fix else None,
    )
