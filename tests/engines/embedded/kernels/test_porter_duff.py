from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runflow_build.engines.embedded.kernels.porter_duff import MODES, composite

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
NOTHING = (0.0, 0.0, 0.0)
# Source and destination opaque, the source alone, the destination alone, neither: colour or None.
COVERED = {
    "ADD": ((1.0, 0.0, 1.0), RED, BLUE, None),
    "CLEAR": (None, None, None, None),
    "DARKEN": (NOTHING, RED, BLUE, None),
    "DST": (BLUE, None, BLUE, None),
    "DST_ATOP": (BLUE, RED, None, None),
    "DST_IN": (BLUE, None, None, None),
    "DST_OUT": (None, None, BLUE, None),
    "DST_OVER": (BLUE, RED, BLUE, None),
    "LIGHTEN": ((1.0, 0.0, 1.0), RED, BLUE, None),
    "MULTIPLY": (NOTHING, None, None, None),
    "OVERLAY": (BLUE, RED, BLUE, None),
    "SCREEN": ((1.0, 0.0, 1.0), RED, BLUE, None),
    "SRC": (RED, RED, None, None),
    "SRC_ATOP": (RED, None, BLUE, None),
    "SRC_IN": (RED, None, None, None),
    "SRC_OUT": (None, RED, None, None),
    "SRC_OVER": (RED, RED, BLUE, None),
    "XOR": (None, RED, BLUE, None),
}


def composed(source: Any, source_mask: Any, destination: Any, mask: Any, mode: str) -> Any:
    image, alpha = np.empty_like(source), np.empty_like(source_mask)
    composite(source, source_mask, destination, mask, mode, image, alpha)
    return image, alpha


def test_every_mode_is_described() -> None:
    assert COVERED.keys() == MODES.keys()


@pytest.mark.parametrize("mode", COVERED)
def test_a_mode_takes_what_it_says_of_either_picture(mode: str) -> None:
    source, destination = (np.tile(np.float32(colour), (1, 4, 1)) for colour in (RED, BLUE))
    source_mask = np.array([[0, 0, 1, 1]], np.float32)
    destination_mask = np.array([[0, 1, 0, 1]], np.float32)
    image, mask = composed(source, source_mask, destination, destination_mask, mode)
    assert mask.tolist() == [[1.0 if colour is None else 0.0 for colour in COVERED[mode]]]
    assert image.tolist() == [[list(NOTHING if one is None else one) for one in COVERED[mode]]]


@pytest.mark.parametrize("mode", COVERED)
def test_what_is_nearly_transparent_has_no_colour(mode: str) -> None:
    image = np.ones((1, 1, 3), np.float32)
    mask = np.full((1, 1), 0.999999, np.float32)
    assert not composed(image, mask, image, mask, mode)[0].any()


@pytest.mark.parametrize("mode", COVERED)
def test_colours_lie_between_0_and_1_whatever_goes_in(mode: str) -> None:
    wild = np.array([-np.inf, -3, 0.2, 7, np.inf, np.nan] * 3, np.float32)
    with np.errstate(all="ignore"):  # as the executor has it
        image, mask = composed(
            wild.reshape(1, 6, 3), wild[None, :6], wild.reshape(1, 6, 3), wild[None, 6:12], mode
        )
    numbers = image[~np.isnan(image)]
    assert ((numbers >= 0) & (numbers <= 1)).all()
    assert mask.shape == (1, 6)
