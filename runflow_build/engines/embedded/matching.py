"""Regular expressions at work; behaviour of comfy_extras/nodes_string.py at 3cd7b32f.

It is also a program: a question comes in, an answer goes out, both JSON. Hence nothing is imported
here but Python's own modules, and no package of ours.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

LONGEST = 1 << 24  # characters of a text that a node makes; doubling one often fills any memory
_MEMORY = 2 << 30  # bytes that the program may take, where the system can hold it to that
_BETWEEN = "\n"


def answer(work: str, arguments: Sequence[Any]) -> dict[str, Any]:
    """`{"value": …}`, or `{"invalid": why}` for a pattern, or `{"failed": why}`."""
    try:
        value = _WORK[work](*arguments)
    except re.error as error:
        return {"invalid": str(error)}
    except MemoryError:
        return {"failed": "there is not enough memory for what the pattern finds"}
    except Exception as error:  # limits of Python's parser, like too large a number of repeats
        return {"failed": str(error) or type(error).__name__}
    if isinstance(value, str) and len(value) > LONGEST:
        return {"failed": too_long(len(value))}
    return {"value": value}


def too_long(characters: int) -> str:
    return f"the text would be {characters} characters long, and {LONGEST} are the limit"


def _found(pattern: str, flags: int, string: str) -> bool:
    return re.search(pattern, string, flags) is not None


def _first_match(pattern: str, flags: int, string: str, group: int) -> str:
    match = re.search(pattern, string, flags)
    return match[0] if match else ""


def _all_matches(pattern: str, flags: int, string: str, group: int) -> str:
    """The whole matches, or the first group of each when there are groups."""
    matches = re.findall(pattern, string, flags)
    return _BETWEEN.join(one[0] if isinstance(one, tuple) else one for one in matches)


def _first_group(pattern: str, flags: int, string: str, group: int) -> str | None:
    match = re.search(pattern, string, flags)
    return match[group] if match and len(match.groups()) >= group else ""


def _all_groups(pattern: str, flags: int, string: str, group: int) -> str:
    """The group in each match; the whole match, number 0, only where there are groups."""
    found = []
    for match in re.finditer(pattern, string, flags):
        if match.groups() and len(match.groups()) >= group:
            if match[group] is None:
                raise ValueError(f"group {group} takes no part in one of the matches")
            found.append(match[group])
    return _BETWEEN.join(found)


def _replaced(pattern: str, flags: int, string: str, replacement: str, count: int) -> str:
    return re.sub(pattern, replacement, string, count=count, flags=flags)


_WORK: Mapping[str, Callable[..., Any]] = {
    "found": _found,
    "First Match": _first_match,
    "All Matches": _all_matches,
    "First Group": _first_group,
    "All Groups": _all_groups,
    "replaced": _replaced,
}


def _main() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):  # Windows, macOS
        pass
    json.dump(answer(*json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    _main()
