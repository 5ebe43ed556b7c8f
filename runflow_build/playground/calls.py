"""The call of a deployed endpoint with the values of a form, as text to be pasted. Pure.

The key is that of the environment where the text runs; no key of anybody's stands in it.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ..publish.example_call import File, curl
from ..publish.settings import KEY_VARIABLE
from ..workflow.contract_model import Contract
from .results import kind_of

OWNER = "YOUR-ORGANIZATION"  # that of the key, which only the API knows
_FILES = ("IMAGE", "FILE")


def call_url(base_url: str, slug: str) -> str:
    return f"{base_url}/v1/comfyui-workflows/{OWNER}/{quote(slug, safe='')}/runs"


def calls(url: str, contract: Contract, values: Mapping[str, Any]) -> dict[str, str]:
    """`{"curl", "python", "javascript"}`; each reads files from the folder where it runs.

    `values` are those of the form, files by their names; unknown ones are left out. A required
    input without a value stands there as null, so that nobody overlooks it.
    """
    given: dict[str, Any] = {}
    files: dict[str, str] = {}
    for name, row in contract.inputs.items():
        value = values.get(name)
        if value is None and not row.required:
            continue
        if row.type in _FILES:
            example = "image.png" if row.type == "IMAGE" else "file.bin"
            files[name] = PurePosixPath(value if isinstance(value, str) else "").name or example
        given[name] = value
    shell = {
        name: File(files[name], _media_type(files[name])) if name in files else _json(value)
        for name, value in given.items()
    }
    return {
        "curl": f"{curl(url, shell)}\n",
        "python": _python(url, given, files),
        "javascript": _javascript(url, given, files),
    }


def _python(url: str, given: Mapping[str, Any], files: Mapping[str, str]) -> str:
    rows = [
        f"    {name!r}: {_data_call('data_uri', files[name]) if name in files else repr(value)},"
        for name, value in given.items()
    ]
    reading = [
        "def data_uri(path, media_type):",
        '    with open(path, "rb") as file:',
        "        text = base64.b64encode(file.read()).decode()",
        '    return f"data:{media_type};base64,{text}"',
        "",
        "",
    ]
    return "\n".join(
        [
            *(["import base64"] if files else []),
            "import json",
            "import os",
            "import urllib.request",
            "",
            *(["", *reading] if files else []),
            "values = {",
            *rows,
            "}",
            "request = urllib.request.Request(",
            f"    {url!r},",
            '    json.dumps({"input": values}).encode(),',
            "    {",
            f'        "Authorization": f"Bearer {{os.environ[{KEY_VARIABLE!r}]}}",',
            '        "Content-Type": "application/json",',
            "    },",
            ")",
            "with urllib.request.urlopen(request) as answer:",
            "    print(json.load(answer))",
            "",
        ]
    )


def _javascript(url: str, given: Mapping[str, Any], files: Mapping[str, str]) -> str:
    texts = {
        name: _data_call("dataUri", files[name]) if name in files else _exact(value)
        for name, value in given.items()
    }
    rows = [f"  {_json(name)}: {text}," for name, text in texts.items()]
    reading = [
        'import { readFileSync } from "node:fs";',
        "",
        "const dataUri = (path, mediaType) =>",
        '  `data:${mediaType};base64,${readFileSync(path).toString("base64")}`;',
        "",
    ]
    return "\n".join(
        [
            *(reading if files else []),
            "const values = {",
            *rows,
            "};",
            f"const answer = await fetch({_json(url)}, {{",
            '  method: "POST",',
            "  headers: {",
            f"    Authorization: `Bearer ${{process.env.{KEY_VARIABLE}}}`,",
            '    "Content-Type": "application/json",',
            "  },",
            "  body: JSON.stringify({ input: values }),",
            "});",
            "console.log(await answer.json());",
            "",
        ]
    )


def _data_call(function: str, file: str) -> str:
    return f"{function}({_json(file)}, {_json(_media_type(file))})"


def _media_type(file: str) -> str:
    kind, content_type = kind_of(file)
    return content_type if kind != "other" else mimetypes.guess_type(file)[0] or content_type


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _exact(value: Any) -> str:
    """A literal; JavaScript would round a large whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return f"JSON.rawJSON({_json(str(value))})"
    return _json(value)
