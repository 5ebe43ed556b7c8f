"""A lock in which every section and every kind of pin occurs."""

from __future__ import annotations

from runflow_build.lock.model import (
    ComfyUIPin,
    EndpointPin,
    FilePin,
    GPUPin,
    Lock,
    ModelPin,
    NodePackPin,
    PythonPins,
    RegistryPin,
    ResourcePin,
    TargetPins,
)
from runflow_build.workflow.contract_model import ContractInput, ContractOutput

HASH = "4610115bb0c89560703c892c59ac2742fa821e60ef5871b33493ba544683abd7"
COMMIT = "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce"


def full_lock() -> Lock:
    return Lock(
        comfyui=ComfyUIPin(
            repository="https://github.com/comfyanonymous/ComfyUI",
            ref="v0.8.0",
            commit=COMMIT,
            version="0.8.0",
        ),
        nodes={
            "ComfyUI-KJNodes": NodePackPin(
                repository="https://github.com/kijai/ComfyUI-KJNodes",
                ref="main",
                commit=COMMIT,
                registry=RegistryPin(id="comfyui-kjnodes", version="1.1.9"),
                required_by=["cut-out"],
            )
        },
        python=PythonPins(
            version="3.12",
            packages={"aiohttp": "3.12.13"},
            targets={
                "linux-cpu": TargetPins(),
                "linux-cu128": TargetPins(
                    packages={"torch": "2.8.0+cu128"},
                    pylock=FilePin(file="pylock.linux-cu128.toml", sha256=HASH),
                ),
            },
        ),
        definitions=FilePin(file="runflow.definitions.json", sha256=HASH),
        models={
            "checkpoints/flux1-dev.safetensors": ModelPin(
                sha256=HASH,
                size=23802932552,
                url="https://huggingface.co/x/resolve/abc/flux1-dev.safetensors",
                wanted="https://huggingface.co/x/resolve/main/flux1-dev.safetensors",
                used_by=["cut-out"],
            )
        },
        resources={"input/example.png": ResourcePin(sha256=HASH, size=51234)},
        endpoints={
            "cut-out": EndpointPin(
                name="Cut out",
                workflow="workflows/cut-out.json",
                prompt=HASH,
                description="Cuts the subject out of a photo.\nFast.",
                inputs={
                    "strength": ContractInput.model_validate(
                        {
                            "type": "FLOAT",
                            "required": False,
                            "node": "31",
                            "class": "KSampler",
                            "field": "denoise",
                            "default": 1.0,
                            "minimum": 0,
                            "maximum": 1,
                        }
                    )
                },
                outputs={
                    "image": ContractOutput.model_validate(
                        {"type": "IMAGE", "node": "9", "class": "SaveImage"}
                    )
                },
                gpu=GPUPin(min_vram_gb=24),
            )
        },
    )
