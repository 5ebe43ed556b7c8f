"""Which types may be linked, and what several have in common."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.editor.canvas import common_type, may_connect


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "MASK", False),
        ("image", "IMAGE", True),
        ("IMAGE", "*", True),
        ("", "IMAGE", True),
        (None, "IMAGE", True),
        (0, "IMAGE", True),
        ("IMAGE,MASK", "MASK", True),
        ("IMAGE,MASK", "LATENT,MASK", True),
        ("IMAGE,MASK", "LATENT", False),
        ("IMAGE,*", "LATENT", True),
        (5, 5, True),
        (5, "IMAGE", False),
    ],
)
def test_types_fit_when_they_share_one(one: Any, other: Any, fits: bool) -> None:
    assert may_connect(one, other) is may_connect(other, one) is fits


@pytest.mark.parametrize(
    ("types", "common"),
    [
        (["IMAGE", "IMAGE"], "IMAGE"),
        (["IMAGE", "*"], "IMAGE"),
        (["*", "*"], "*"),
        ([], "*"),
        (["IMAGE,MASK", "MASK"], "MASK"),
        (["MASK,IMAGE", "IMAGE,MASK"], "MASK,IMAGE"),
        (["IMAGE", "MASK"], None),
        (["IMAGE", 5], None),
    ],
)
def test_what_fits_several_types_is_what_all_of_them_list(types: Any, common: Any) -> None:
    assert common_type(types) == common
