"""What an engine lacks, in words."""

from __future__ import annotations

import pytest

from runflow_build.engines.base import Lack, lacking_code, lacking_text

SAMPLER = Lack("KSampler")
BICUBIC = Lack("ImageScale with upscale_method bicubic", "torch")
SOUND = Lack("LoadAudio", "av")


@pytest.mark.parametrize(
    ("lacks", "code", "text"),
    [
        (
            [SAMPLER, Lack("VAEDecode")],
            "engine-class-missing",
            "this endpoint needs ComfyUI: KSampler, VAEDecode",
        ),
        # Where ComfyUI is needed anyway, a package would not help.
        ([BICUBIC, SAMPLER], "engine-class-missing", "this endpoint needs ComfyUI: KSampler"),
        (
            [BICUBIC],
            "engine-extra-missing",
            "the embedded engine needs torch for ImageScale with upscale_method bicubic, which is "
            "not installed",
        ),
        (
            [BICUBIC, SOUND],
            "engine-extra-missing",
            "the embedded engine needs av and torch for ImageScale with upscale_method bicubic, "
            "LoadAudio, which are not installed",
        ),
    ],
)
def test_the_whole_of_it_in_one_sentence(lacks: list[Lack], code: str, text: str) -> None:
    assert lacking_text("embedded", lacks) == text
    assert lacking_code(lacks) == code


def test_it_is_said_of_what_is_asked_about() -> None:
    assert lacking_text("embedded", [SAMPLER], "prompt") == "this prompt needs ComfyUI: KSampler"


def test_one_lack_is_said_of_one_node() -> None:
    assert SAMPLER.text("embedded") == "the embedded engine does not have KSampler"
    assert SOUND.text("embedded") == "LoadAudio needs av, which is not installed"
