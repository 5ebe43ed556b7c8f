"""A capture with an input of each kind, for tests of what is done with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from canvas import Canvas

from runflow_build.playground.capture import Capture, captured

NOW = "2026-01-01T00:00:00+00:00"


def card() -> Canvas:
    canvas = Canvas()
    photo = canvas.add("LoadImage", "photo.png", "image", gives="IMAGE")
    image = canvas.add("RunflowInputImage", "photo", "Photo", "", True, gives="IMAGE", value=photo)
    made = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    wired = canvas.add("RunflowInputImage", "paper", "", "", True, gives="IMAGE", value=made)
    seed = canvas.add("RunflowInputInt", "seed", "", "", True, "0", str(2**64 - 1), "", gives="INT")
    width = canvas.add("PrimitiveInt", 600, "fixed", gives="INT")
    given = ("RunflowInputInt", "width", "Width", "", False, "8", "1200", "")
    size = canvas.add(*given, gives="INT", value=width)
    scaled = canvas.add(
        "ImageScale", "area", 512, 512, "disabled", gives="IMAGE", image=image, width=size
    )
    other = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE", color=seed)
    canvas.add("RunflowOutputImage", "card", "The card", value=scaled)
    canvas.add("RunflowOutputImage", "paper", "", value=wired)
    canvas.add("RunflowOutputImage", "plain", "", value=other)
    return canvas


def capture_of(canvas: Canvas, name: str = "A card") -> Capture:
    return captured(name, canvas.graph(), lambda names: {}, None, mark="m", now=NOW)


@pytest.fixture
def capture() -> Capture:
    return capture_of(card())


@pytest.fixture
def new_capture() -> Callable[..., Capture]:
    """`new_capture(canvas, name)`."""

    def make(canvas: Any, name: str = "A card") -> Capture:
        return capture_of(canvas, name)

    return make
