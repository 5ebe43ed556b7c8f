"""Which of several packs is the home of a class."""

from __future__ import annotations

from itertools import permutations

import pytest

from runflow_build.resolve.packs.ranking import (
    LISTS,
    REGISTRY,
    Claim,
    ranked,
    shared_words,
    together,
)


def claim(name: str, by: str = LISTS, classes: int | None = None) -> Claim:
    return Claim(f"https://github.com/{name}", (by,), classes=classes)


@pytest.mark.parametrize(
    ("class_type", "repository", "words"),
    [
        ("ImageResizeKJ", "kijai/ComfyUI-KJNodes", ["kj"]),
        ("FaceDetailer", "b/impact-face-pack", ["face"]),
        ("CLIPTextEncodeA1111", "a/CLIP_Text", ["clip", "text"]),
        ("comfyui_node", "a/ComfyUI-Nodes", []),
        ("图像 Resize", "a/resize", ["resize"]),
        ("ABTest", "owner-test/Other", []),
    ],
)
def test_the_words_that_class_and_repository_share(
    class_type: str, repository: str, words: list[str]
) -> None:
    assert shared_words(class_type, f"https://github.com/{repository}") == words


def test_the_likeliest_home_comes_first_whatever_the_order() -> None:
    rows = [
        (claim("a/Wished", classes=900), 0),
        (claim("a/In-Use", classes=800), 1),
        (claim("a/Registered", REGISTRY), 2),
        (claim("a/Face-Detailer", classes=700), 2),
        (claim("a/Face", classes=600), 2),
        (claim("a/Few", classes=1), 2),
        (claim("a/Many", classes=500), 2),
        (claim("b/Many", classes=500), 2),
    ]
    standings = {one.repository: standing for one, standing in rows}
    expected = [one for one, _ in rows]
    for order in list(permutations(expected))[::997]:
        found = ranked("FaceDetailer", order, lambda one: standings[one.repository])
        assert found == expected


def test_one_repository_is_one_claim_whoever_makes_it() -> None:
    listed = Claim("https://github.com/Owner/pack", (LISTS,), classes=7)
    named = Claim("https://github.com/owner/Pack", (REGISTRY,), "pack", "1.0.0")
    both = Claim("https://github.com/owner/Pack", (REGISTRY, LISTS), "pack", "1.0.0", 7)
    assert together([listed, named]) == together([named, listed]) == [both]
