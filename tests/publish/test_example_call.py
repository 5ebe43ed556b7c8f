"""The call that people paste into a shell does what it says there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from runflow_build.publish.example_call import curl, example_values
from runflow_build.workflow.contract_model import Contract, ContractInput

ODD = 'it\'s $HOME `id` \\ "quoted"'


def one(type: str, **more: object) -> ContractInput:
    shape = {"type": type, "required": True, "node": "1", "class": "X", "field": "value"}
    return ContractInput.model_validate({**shape, **more})


def test_a_shell_sends_what_the_contract_asks_for(tmp_path: Path) -> None:
    contract = Contract(
        inputs={
            "photo": one("IMAGE"),
            "text": one("STRING", default=ODD),
            ODD: one("STRING"),
            "width": one("INT", minimum=200),
            "on": one("BOOLEAN"),
            "mode": one("COMBO", choices=["a'b", "c"]),
            "later": one("STRING", required=False),
        }
    )
    (tmp_path / "photo.png").write_bytes(b"PNG")
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\ncat > body\n')
    (tmp_path / "curl").chmod(0o755)
    command = curl("https://a.example/it's/runs", example_values(contract))
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RUNFLOW_API_KEY": "k"}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, check=True)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[:3] == ["-X", "POST", "https://a.example/it's/runs"]
    assert "Authorization: Bearer k" in arguments
    assert json.loads((tmp_path / "body").read_text()) == {
        "input": {
            "photo": "data:image/png;base64,UE5H",
            "text": ODD,
            ODD: "…",
            "width": 200,
            "on": True,
            "mode": "a'b",
        }
    }
