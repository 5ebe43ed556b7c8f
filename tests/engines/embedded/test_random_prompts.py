"""Prompts put together at random: what ComfyUI makes of them, and where it fails, is what we do."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from real_comfyui import run
from recorded_files import INPUT, assert_equal, numbered, pixels

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.errors import EngineError
from runflow_build.workflow.definitions import COMBO, Definitions, InputDefinition
from runflow_build.workflow.model import Prompt

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

FILES = ("px_a.png", "px_b.png", "px_c.png", "px_g.png")
CLASSES = (
    *("ImageBatch", "ImageBlend", "ImageBlur", "ImageCompositeMasked", "ImageCrop", "ImageFlip"),
    *("ImageFromBatch", "ImageInvert", "ImagePadForOutpaint", "ImageQuantize", "ImageRotate"),
    *("ImageScale", "ImageScaleBy", "ImageSharpen", "ImageStitch", "RepeatImageBatch"),
    *("JoinImageWithAlpha", "SplitImageWithAlpha", "ImageToMask", "MaskToImage", "CropMask"),
    *("FeatherMask", "GrowMask", "InvertMask", "MaskComposite", "SolidMask", "ThresholdMask"),
    *("EmptyImage", "LoadImageMask", "RebatchImages", "PorterDuffImageComposite"),
)
SEEDS = range(120)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_prompt_is_the_same_in_both(
    seed: int, comfyui: str, engine: EmbeddedEngine, definitions: Definitions, tmp_path: Path
) -> None:
    prompt = made(random.Random(seed), definitions)
    outcome = run(comfyui, prompt)
    try:
        files = engine.execute(prompt, RunFolders(INPUT, tmp_path))
    except EngineError as error:
        assert error.findings[0].code == "node-failed", error
        assert outcome.failed is not None, f"{error}\n{prompt}"
        return
    assert outcome.failed is None, f"ComfyUI fails at {outcome.failed}\n{prompt}"
    assert outcome.refused is None, outcome.refused
    theirs = {key: pixels(io.BytesIO(one.data)) for key, one in numbered(outcome.files).items()}
    ours = {key: pixels(one.path) for key, one in numbered(files).items()}
    assert_equal(ours, theirs, prompt)


def made(chance: random.Random, definitions: Definitions) -> Prompt:
    """Up to nine nodes, each fed by earlier ones, and a picture saved of the last ones."""
    prompt: Prompt = {}
    given: dict[str, list[list[Any]]] = {"IMAGE": [], "MASK": []}

    def add(class_type: str, inputs: Mapping[str, Any]) -> None:
        node = str(len(prompt) + 1)
        prompt[node] = {"class_type": class_type, "inputs": dict(inputs)}
        definition = definitions.get(class_type)
        assert definition is not None
        for slot, kind in enumerate(definition.outputs):
            if kind in given:
                given[kind].append([node, slot])

    for name in chance.sample(FILES, 2):
        add("LoadImage", {"image": name})
    for class_type in chance.choices(CLASSES, k=chance.randint(1, 6)):
        definition = definitions.get(class_type)
        assert definition is not None
        add(
            class_type,
            {
                one.name: _value(chance, one, given)
                for one in definition.inputs
                if one.required or chance.random() < 0.7
            },
        )
    if chance.random() < 0.5:
        add("MaskToImage", {"mask": given["MASK"][-1]})
    for link in given["IMAGE"][-2:]:  # names of their own, or ComfyUI would not save them again
        add("SaveImage", {"images": link, "filename_prefix": f"{chance.random()}"})
    return prompt


def _value(
    chance: random.Random, one: InputDefinition, given: Mapping[str, list[list[Any]]]
) -> Any:
    if one.type in given:
        return chance.choice(given[one.type][-3:])
    if one.name == "image":  # of LoadImageMask
        return chance.choice(FILES)
    if one.type == COMBO:
        assert one.choices is not None
        return chance.choice(one.choices)
    if one.type == "BOOLEAN":
        return chance.random() < 0.5
    least, most = one.options.get("min", 0), one.options.get("max", 1)
    if one.type == "FLOAT":
        return round(chance.uniform(least, min(most, 3)), 2)
    wide = 5 if one.name in ("amount", "batch_size", "blur_radius", "sharpen_radius") else 70
    return chance.randint(max(least, -3), min(most, wide))
