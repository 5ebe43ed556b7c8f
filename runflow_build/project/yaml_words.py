"""Text as a scalar of YAML, for files that a person goes on with."""

from __future__ import annotations

import json
import re

from ..yaml_text import scalar

_PLAIN = re.compile(r"[A-Za-z0-9](?:[\w ./-]*[\w./-])?", re.ASCII)
_URL = re.compile(r"https?://[\w./~%?=&;@+-]*[\w/=]", re.ASCII)

# What JSON leaves as it is, and YAML refuses or takes for a line break.
_UNLIKE_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def word(value: str) -> str:
    """A string as YAML that reads as just this string, in a block and between brackets."""
    if (_PLAIN.fullmatch(value) or _URL.fullmatch(value)) and scalar(value) == value:
        return value
    return quoted(value)


def quoted(value: str) -> str:
    """The same in double quotes."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNLIKE_JSON.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)
