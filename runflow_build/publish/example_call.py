"""A call of an endpoint as text to be pasted: into a shell, into Python, into JavaScript. Pure.

The key is that of the environment where the text runs; no key of anybody's stands in it. Files are
read from the folder where it runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..content_type import content_type_of
from ..workflow.contract_model import Contract, ContractInput
from .settings import KEY_VARIABLE

_EXAMPLES: Mapping[str, Any] = {"STRING": "…", "INT": 1, "FLOAT": 1.0, "BOOLEAN": True}
_ENDINGS = {"IMAGE": "png", "FILE": "bin"}  # of an example's file


@dataclass(frozen=True)
class File:
    """A value that is read from a file when the call is made."""

    name: str

    @property
    def content_type(self) -> str:
        return content_type_of(self.name)


def example_values(contract: Contract) -> dict[str, Any]:
    """A value for every required input, a File where it takes one."""
    required = {name: one for name, one in contract.inputs.items() if one.required}
    return {name: _value(name, one) for name, one in required.items()}


def example_file(name: str, one: ContractInput) -> File | None:
    """The file that stands for the input's value; None: it takes no file."""
    if one.type not in _ENDINGS:
        return None
    stem = "".join(char if char.isalnum() else "_" for char in name) or "file"
    return File(f"{stem}.{_ENDINGS[one.type]}")


def _value(name: str, one: ContractInput) -> Any:
    if file := example_file(name, one):
        return file
    if one.choices:
        return one.choices[0]
    if one.default is not None:
        return one.default
    least = one.minimum if one.type in ("INT", "FLOAT") else None
    return _EXAMPLES[one.type] if least is None else least


# -- curl, in a POSIX shell


def curl(url: str, values: Mapping[str, Any]) -> str:
    rows = [f"  {_heredoc(_json(name))}: {_in_heredoc(one)}" for name, one in values.items()]
    body = ",\n".join(rows)
    return "\n".join(
        [
            f"curl -X POST {_quoted(url)} \\",
            f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\',
            "  -H 'Content-Type: application/json' -d @- <<JSON",
            f'{{"input": {{\n{body}\n}}}}' if rows else '{"input": {}}',
            "JSON",
        ]
    )


def _in_heredoc(value: Any) -> str:
    if not isinstance(value, File):
        return _heredoc(_json(value))
    # Within $(…) a heredoc replaces nothing, and a name is quoted as anywhere.
    name = _quoted(f"./{value.name}" if value.name.startswith("-") else value.name)
    return f"\"data:{value.content_type};base64,$(base64 < {name} | tr -d '\\n')\""


def _heredoc(text: str) -> str:
    """The text as an unquoted heredoc gives it back."""
    for char in "\\$`":
        text = text.replace(char, f"\\{char}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# -- Python, with nothing installed


def python(url: str, values: Mapping[str, Any]) -> str:
    rows = [f"    {name!r}: {_in_python(value)}," for name, value in values.items()]
    reading = [
        "def data_uri(path, content_type):",
        '    with open(path, "rb") as file:',
        "        text = base64.b64encode(file.read()).decode()",
        '    return f"data:{content_type};base64,{text}"',
        "",
        "",
    ]
    files = _has_files(values)
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
        ]
    )


def _in_python(value: Any) -> str:
    if isinstance(value, File):
        return f"data_uri({value.name!r}, {value.content_type!r})"
    return repr(value)


# -- JavaScript, in Node


def javascript(url: str, values: Mapping[str, Any]) -> str:
    rows = [f"  {_json(name)}: {_in_javascript(value)}," for name, value in values.items()]
    reading = [
        'import { readFileSync } from "node:fs";',
        "",
        "const dataUri = (path, contentType) =>",
        '  `data:${contentType};base64,${readFileSync(path).toString("base64")}`;',
        "",
    ]
    return "\n".join(
        [
            *(reading if _has_files(values) else []),
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
        ]
    )


def _in_javascript(value: Any) -> str:
    if isinstance(value, File):
        return f"dataUri({_json(value.name)}, {_json(value.content_type)})"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return f"JSON.rawJSON({_json(str(value))})"  # a literal would be rounded
    return _json(value)


def _has_files(values: Mapping[str, Any]) -> bool:
    return any(isinstance(one, File) for one in values.values())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
