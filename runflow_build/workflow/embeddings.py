"""Textual inversions: the files that the texts of a prompt name as `embedding:ink`.

Source: ComfyUI at 3cd7b32f, comfy/sd1_clip.py: first the weights in parentheses, then names at the
start of a piece of text, behind a blank and behind a line break.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ..errors import WorkflowError
from ..findings import Finding
from .definitions import Definitions
from .model import Prompt, where_in
from .model_files import SUFFIXES, ModelReference, chosen
from .paths import below, escape, escapes, posix
from .reach import link_of, reached

_FOLDER = "embeddings"
_MARK = "embedding:"
_NEXT = re.compile(rf"[ \n](?={_MARK})")
_SUFFIXES = (".safetensors", ".pt", ".bin")  # in ComfyUI's order, for a name without one
_ESCAPED = {"\\(": "\x01", "\\)": "\x02"}  # parentheses that are text
_DEEPEST = 900  # parentheses in parentheses; near a thousand ComfyUI fails


def embedding_references(
    prompt: Prompt, definitions: Definitions, declared: Collection[str] = ()
) -> list[ModelReference]:
    """The files below models/embeddings/ that texts on their way to a text encoder name.

    ComfyUI passes over a name that it has no file for, with no more than a line in its log; but
    then it makes another picture. `declared` are the paths that runflow.yaml has: ComfyUI finds a
    file in any folder below embeddings/, so one of those counts wherever it lies there.

    Raises WorkflowError: `path-escapes`.
    """
    references: list[ModelReference] = []
    findings: list[Finding] = []
    for node, field, text in _texts(prompt, definitions):
        where = where_in(prompt, node, field)
        for name in dict.fromkeys(posix(one) for one in names_in(text)):
            if escapes(name):
                findings.append(escape(name, where, _FOLDER))
                continue
            path, also = chosen(tuple(_files(name, declared)), declared)
            references.append(
                ModelReference(
                    path=path,
                    node=node,
                    title=where.title,
                    class_type=where.class_type or "",
                    field=field,
                    also=also,
                )
            )
    if findings:
        raise WorkflowError(*findings)
    return references


def names_in(text: str) -> Iterator[str]:
    """The embeddings that ComfyUI would look for in a prompt text, as they are written."""
    if _MARK not in text:
        return
    for piece in _pieces(text):
        for part in _NEXT.split(piece):
            words = part.removeprefix(_MARK).split() if part.startswith(_MARK) else []
            if words and (name := words[0].strip(",")):
                yield name


def _texts(prompt: Prompt, definitions: Definitions) -> Iterator[tuple[str, str, str]]:
    """(node, field, text) of all texts that feed a text encoder, and of its own."""
    texts = [
        (node, field, value)
        for node, body in prompt.items()
        for field, value in body["inputs"].items()
        if isinstance(value, str) and _MARK in value
    ]
    feeding = reached(prompt, _encoders(prompt, definitions)) if texts else set()
    yield from (row for row in texts if row[0] in feeding)


def _encoders(prompt: Prompt, definitions: Definitions) -> Iterator[str]:
    """The nodes that have a CLIP at hand; of an unknown class each may."""
    for node, body in prompt.items():
        definition = definitions.get(body["class_type"])
        if definition is None or any(
            one.type == "CLIP" and link_of(body["inputs"].get(one.name))
            for one in definition.inputs
        ):
            yield node


def _files(name: str, declared: Collection[str]) -> list[str]:
    """The files that serve for a name, those that runflow.yaml has in folders further down too."""
    suffixes = ("",) if name.lower().endswith(SUFFIXES) else _SUFFIXES
    files = [below(_FOLDER, name + suffix) for suffix in suffixes]
    ends = tuple(file.removeprefix(_FOLDER) for file in files)
    further = [
        one for one in sorted(declared) if one.startswith(f"{_FOLDER}/") and one.endswith(ends)
    ]
    return list(dict.fromkeys([*further, *files]))


def _pieces(text: str) -> Iterator[str]:
    """The text cut at the parentheses that weigh it, without them and their weights."""
    for mark, stand_in in _ESCAPED.items():
        text = text.replace(mark, stand_in)
    waiting = [(text, 0)]
    while waiting:
        part, depth = waiting.pop()
        for item in _items(part):
            if item[:1] == "(" and item[1:][-1:] == ")" and depth < _DEEPEST:
                waiting.append((_unweighted(item[1:-1]), depth + 1))
                continue
            for mark, stand_in in _ESCAPED.items():
                item = item.replace(stand_in, mark[1])
            yield item


def _items(text: str) -> Iterator[str]:
    """The text as runs without parentheses and outermost pairs with all that they hold.

    Of an opening one that nothing closes, the rest of the text is one run.
    """
    start = depth = 0
    for mark in re.finditer("[()]", text):
        if mark[0] == "(":
            if not depth:
                yield text[start : mark.start()]
                start = mark.start()
            depth += 1
            continue
        depth -= 1
        if not depth:
            yield text[start : mark.end()]
            start = mark.end()
    yield text[start:]


def _unweighted(text: str) -> str:
    """`ink` for `ink:1.2`."""
    head, colon, weight = text.rpartition(":")
    try:
        float(weight)
    except ValueError:
        return text
    return head if colon and head else text
