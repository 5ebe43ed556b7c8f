"""The JSON Schema of runflow.yaml, for editors; made from the models and the comments beside them.

python -m runflow_build.spec.schema > schemas/runflow.v1.schema.json
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from typing import Any

from ..document import Document
from . import model
from .model import SPEC_VERSION, Spec

SCHEMA_NAME = f"runflow.v{SPEC_VERSION}.schema.json"

_COMMENT = re.compile(r"^    (\w+): [^#\n]*  # (.+)$", re.MULTILINE)


def schema() -> dict[str, Any]:
    """The schema as a JSON value (draft 2020-12); a field's comment is its description."""
    shape = Spec.model_json_schema()
    definitions = shape.pop("$defs")
    for name, definition in definitions.items():
        _describe(definition, getattr(model, name))
    _describe(shape, Spec)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:runflow-build:schema:runflow.v{SPEC_VERSION}",
        "title": "runflow.yaml",
        **_plain(shape),
        "$defs": _plain(definitions),
    }


def schema_text() -> str:
    """The bytes of the file in schemas/, as text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(shape: dict[str, Any], document: type[Document]) -> None:
    comments = dict(_COMMENT.findall(inspect.getsource(document)))
    for name, field in shape["properties"].items():
        if name in comments:
            field["description"] = comments[name]


def _plain(shape: Any) -> Any:
    """The schema without titles made of names and defaults of nothing; no key beside patterns."""
    if isinstance(shape, list):
        return [_plain(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    closed = {"additionalProperties": False} if "patternProperties" in shape else {}
    return closed | {
        name: _plain(part)
        for name, part in shape.items()
        if not (name == "title" and isinstance(part, str)) and (name, part) != ("default", None)
    }


if __name__ == "__main__":
    sys.stdout.write(schema_text())
