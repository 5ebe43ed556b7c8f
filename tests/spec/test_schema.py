"""schemas/runflow.v1.schema.json is what the models say."""

from __future__ import annotations

import json
from pathlib import Path

from runflow_build.spec.model import EndpointWish, Spec
from runflow_build.spec.schema import SCHEMA_NAME, schema, schema_text

FILE = Path(__file__).parent.parent.parent / "schemas" / SCHEMA_NAME


def test_the_file_equals_what_the_models_say() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), (
        f"run: python -m runflow_build.spec.schema > schemas/{SCHEMA_NAME}"
    )


def test_the_schema_says_what_it_is() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$id"].endswith("runflow.v1")
    assert json.loads(schema_text()) == schema()


def test_it_has_every_field_of_the_models() -> None:
    shape = schema()
    assert set(shape["properties"]) == set(Spec.model_fields)
    assert set(shape["$defs"]["EndpointWish"]["properties"]) == set(EndpointWish.model_fields)


def test_the_comment_beside_a_field_is_its_description() -> None:
    ref = schema()["$defs"]["ComfyUIWish"]["properties"]["ref"]
    assert ref["description"] == "tag, branch or full commit"


def test_an_unknown_key_is_refused_everywhere() -> None:
    shape = schema()
    for part in (shape, *shape["$defs"].values()):
        assert part["additionalProperties"] is False
    assert shape["properties"]["endpoints"]["additionalProperties"] is False
