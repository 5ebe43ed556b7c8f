"""The drafted runflow.yaml is always one that can be read."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.project.catalogue import shipped
from runflow_build.project.draft import (
    EndpointDraft,
    Exposure,
    draft_text,
    exposed_outputs,
    suggested_inputs,
)
from runflow_build.spec.model import GPUWish, OutputWish
from runflow_build.spec.read import read_spec
from runflow_build.workflow.contract_model import Contract, ContractInput, ContractOutput
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

DEFINITIONS = Definitions(None, shipped("0.8.0"))

PROMPT: Prompt = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "cat", "clip": ["4", 1]},
          "_meta": {"title": "Positive"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 1, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal",
        "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
        "latent_image": ["5", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
    "10": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}},
    "11": {"class_type": "LoadImage", "inputs": {"image": "unused.png"}},
}  # fmt: skip


def test_the_nodes_that_save_become_outputs() -> None:
    assert exposed_outputs(PROMPT, DEFINITIONS) == (Exposure("image", "9", "SaveImage"),)


def test_a_preview_counts_where_nothing_is_saved() -> None:
    prompt = {node: body for node, body in PROMPT.items() if node != "9"}
    assert [one.node for one in exposed_outputs(prompt, DEFINITIONS)] == ["10"]


def test_several_savers_get_names_of_their_own() -> None:
    prompt = {**PROMPT, "12": PROMPT["9"]}
    assert [one.name for one in exposed_outputs(prompt, DEFINITIONS)] == ["image", "image_2"]


def test_fields_that_callers_often_give_are_suggested() -> None:
    found = suggested_inputs(PROMPT, DEFINITIONS, ["9"])
    assert [(one.name, one.node, one.field) for one in found] == [
        ("width", "5", "width"),
        ("height", "5", "height"),
        ("prompt", "6", "text"),
        ("prompt_2", "7", "text"),
        ("seed", "3", "seed"),
        ("steps", "3", "steps"),
        ("cfg", "3", "cfg"),
        ("denoise", "3", "denoise"),
    ]
    assert found[2].title == "Positive"


def test_the_text_as_a_whole() -> None:
    contract = Contract(
        inputs={
            "photo": ContractInput.model_validate(
                {"type": "IMAGE", "required": True, "node": "1", "class": "R", "field": "value"}
            )
        },
        outputs={
            "result": ContractOutput.model_validate({"type": "IMAGE", "node": "2", "class": "R"})
        },
    )
    text = draft_text(
        "acme-tools",
        "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce",
        "v0.8.0",
        [
            EndpointDraft("cutout", "flows/Cut Out.json", "Cut Out", contract, (), ()),
            EndpointDraft(
                "poster", "poster.json", None, Contract(),
                (Exposure("image", "9", "Save Image"),),
                (Exposure("prompt", "6", "Positive: the cat", "text"),),
            ),
            EndpointDraft("empty", "empty.json", None, Contract(), (), ()),
        ],
    )  # fmt: skip
    assert text == (
        """\
# yaml-language-server: $schema=.runflow/runflow.v1.schema.json
version: 1
# organization: acme                # owner in the URL; default: the API key's
project: acme-tools

comfyui: {ref: 3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce}  # v0.8.0
# python: {version: "3.12", targets: [linux-cu128]}
# nodes:                            # packs: only what the workflow cannot say itself
#   ComfyUI-KJNodes: {repository: https://github.com/kijai/ComfyUI-KJNodes, ref: main}
# models:                           # sources that the workflow does not carry
#   loras/style.safetensors: {url: https://huggingface.co/acme/style.safetensors}

endpoints:
  cutout:
    name: Cut Out
    workflow: flows/Cut Out.json
    # gpu: {min_vram_gb: 24}          # cheapest that fits; or {model: l40s}
    # Its Runflow nodes declare these inputs; `inputs:` can refine them:
    #   photo: IMAGE, required
    # Its Runflow nodes declare these outputs:
    #   result: IMAGE

  poster:
    workflow: poster.json
    # gpu: {min_vram_gb: 24}          # cheapest that fits; or {model: l40s}
    # inputs:                         # any node's field can be one
    #   prompt: {node: "6", field: text}  # Positive: the cat
    outputs:
      image: {node: "9"}  # Save Image

  empty:
    workflow: empty.json
    # gpu: {min_vram_gb: 24}          # cheapest that fits; or {model: l40s}
    # No node saves anything yet: add Runflow Output Image, or SaveImage.
"""
    )


def test_the_commented_suggestions_are_right_when_uncommented() -> None:
    suggestions = suggested_inputs(PROMPT, DEFINITIONS, ["9"])
    outputs = exposed_outputs(PROMPT, DEFINITIONS)
    draft = EndpointDraft("a", "a.json", None, Contract(), outputs, suggestions)
    text = draft_text("p", "v0.8.0", None, [draft])
    uncommented = re.sub(r"^    # ", "    ", text, flags=re.MULTILINE)
    wish = read_spec(uncommented).spec.endpoints["a"]
    assert set(wish.inputs) == {one.name for one in suggestions}
    assert wish.gpu == GPUWish(min_vram_gb=24)


ODD = st.text(max_size=12)
LETTERS = st.text(alphabet="ab:#\"'\\ \n\t{}[],é\u2028\x7f\x85\ufeff-", min_size=1, max_size=12)


@settings(max_examples=150)
@given(name=LETTERS, title=ODD, node=LETTERS, field=LETTERS)
def test_whatever_a_workflow_calls_its_things_the_draft_can_be_read(
    name: str, title: str, node: str, field: str
) -> None:
    visible = f"x{name}"  # blank names are refused with a finding, as they should be
    drafts = [
        EndpointDraft(
            "on", "a.json", visible, Contract(),
            (Exposure(visible, f"x{node}", title),), (Exposure(name, node, title, field),),
        )
    ]  # fmt: skip
    spec = read_spec(draft_text(visible, "v0.8.0", title, drafts)).spec
    assert spec.project == visible
    assert spec.endpoints["on"].name == visible
    assert spec.endpoints["on"].outputs == {visible: OutputWish(node=f"x{node}")}
