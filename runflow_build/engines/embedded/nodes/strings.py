"""Text; behaviour of comfy_extras/nodes_string.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import patterns
from ..matching import LONGEST, too_long
from ..node_class import NodeClass, NodeError, Result, Run


def concatenate(run: Run, string_a: str, string_b: str, delimiter: str) -> Result:
    _check_length(len(string_a) + len(string_b) + len(delimiter))
    return Result((f"{string_a}{delimiter}{string_b}",))


def substring(run: Run, string: str, start: int, end: int) -> Result:
    """Python's slice: a negative number counts from the end."""
    return Result((string[start:end],))


def length(run: Run, string: str) -> Result:
    return Result((len(string),))


def convert_case(run: Run, string: str, mode: str) -> Result:
    return Result((_CASES[mode](string),))


_CASES: Mapping[str, Callable[[str], str]] = {
    "UPPERCASE": str.upper,
    "lowercase": str.lower,
    "Capitalize": str.capitalize,
    "Title Case": str.title,
}


def trim(run: Run, string: str, mode: str) -> Result:
    return Result((_TRIMS[mode](string),))


_TRIMS: Mapping[str, Callable[[str], str]] = {
    "Both": str.strip,
    "Left": str.lstrip,
    "Right": str.rstrip,
}


def replace(run: Run, string: str, find: str, replace: str) -> Result:
    """An empty `find` is found between all characters and at both ends."""
    found = string.count(find)
    _check_length(len(string) + found * (len(replace) - len(find)))
    return Result((string.replace(find, replace),))


def contains(run: Run, string: str, substring: str, case_sensitive: bool) -> Result:
    if not case_sensitive:
        string, substring = string.lower(), substring.lower()
    return Result((substring in string,))


def compare(run: Run, string_a: str, string_b: str, mode: str, case_sensitive: bool) -> Result:
    if not case_sensitive:
        string_a, string_b = string_a.lower(), string_b.lower()
    return Result((_COMPARISONS[mode](string_a, string_b),))


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "Starts With": str.startswith,
    "Ends With": str.endswith,
    "Equal": str.__eq__,
}


def regex_match(
    run: Run,
    string: str,
    regex_pattern: str,
    case_insensitive: bool,
    multiline: bool,
    dotall: bool,
) -> Result:
    """Whether the pattern is found; an invalid pattern is not."""
    pattern = patterns.Pattern(regex_pattern, case_insensitive, multiline, dotall)
    try:
        return Result((patterns.found(run, pattern, string),))
    except patterns.PatternError:
        return Result((False,))


def regex_extract(
    run: Run,
    string: str,
    regex_pattern: str,
    mode: str,
    case_insensitive: bool,
    multiline: bool,
    dotall: bool,
    group_index: int,
) -> Result:
    """What was found, several things by line breaks; an invalid pattern finds the empty text.

    "First Group" gives None for a group that took no part in the match, as ComfyUI does.
    """
    pattern = patterns.Pattern(regex_pattern, case_insensitive, multiline, dotall)
    try:
        return Result((patterns.extracted(run, pattern, string, mode, group_index),))
    except patterns.PatternError:
        return Result(("",))


def regex_replace(
    run: Run,
    string: str,
    regex_pattern: str,
    replace: str,
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
    count: int = 0,
) -> Result:
    pattern = patterns.Pattern(regex_pattern, case_insensitive, multiline, dotall)
    return Result((patterns.replaced(run, pattern, string, replace, count),))


def _check_length(characters: int) -> None:
    if characters > LONGEST:
        raise NodeError(too_long(characters), "use shorter texts")


CLASSES: Mapping[str, NodeClass] = {
    "CaseConverter": NodeClass(convert_case),
    "RegexExtract": NodeClass(regex_extract),
    "RegexMatch": NodeClass(regex_match),
    "RegexReplace": NodeClass(regex_replace),
    "StringCompare": NodeClass(compare),
    "StringConcatenate": NodeClass(concatenate),
    "StringContains": NodeClass(contains),
    "StringLength": NodeClass(length),
    "StringReplace": NodeClass(replace),
    "StringSubstring": NodeClass(substring),
    "StringTrim": NodeClass(trim),
}
