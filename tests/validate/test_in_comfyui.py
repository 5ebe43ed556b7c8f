"""What a real ComfyUI accepts is no error, and what it refuses is one: on prompts spoilt at random.

ComfyUI runs in a process of its own and judges all prompts at once (comfyui_judge.py).
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runflow_build.findings import Finding
from runflow_build.project.catalogue import shipped
from runflow_build.validate.expansion import Gap, inputs_of
from runflow_build.validate.prompt import prompt_findings
from runflow_build.workflow.convert import convert
from runflow_build.workflow.definitions import UPLOADS, Definitions, InputDefinition
from runflow_build.workflow.model import Prompt, Workflow
from runflow_build.workflow.reach import link_of

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

COMFYUI = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()
PYTHON = Path(os.environ.get("COMFYUI_PYTHON", COMFYUI / ".venv" / "bin" / "python"))
CASES = Path(__file__).parent.parent / "cases" / "workflow" / "prompts.jsonl.gz"
SCRIPT = Path(__file__).parent / "comfyui_judge.py"
EACH, RARE_ONES = 6, 300  # prompts made of each case
CHECKS_A_TEXT = "FluxProUltraImageNode"  # by itself: no definition says which it takes

REFUSED = "prompt_outputs_failed_validation"

Draw = random.Random
Spoil = Callable[[Prompt, Definitions, Draw], None]

# Inputs of every rare kind, some of classes that only the judge has.
RARE: Prompt = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "2": {
        "class_type": "ResizeImageMaskNode",
        "inputs": {
            "input": ["1", 0],
            "resize_type": "scale dimensions",
            "resize_type.width": 64,
            "resize_type.height": 64,
            "resize_type.crop": "center",
            "scale_method": "area",
        },
    },
    "3": {
        "class_type": "BatchImagesNode",
        "inputs": {"images.image0": ["1", 0], "images.image1": ["2", 0]},
    },
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    "5": {"class_type": "PrimitiveFloat", "inputs": {"value": 0.5}},
    "6": {"class_type": "PrimitiveString", "inputs": {"value": "a"}},
    "7": {
        "class_type": "AutogrowNamesTestNode",
        "inputs": {"autogrow.a": ["5", 0], "autogrow.c": ["5", 0]},
    },
    "8": {"class_type": "AutogrowPrefixTestNode", "inputs": {"autogrow.float0": ["5", 0]}},
    "9": {"class_type": "ConvertStringToComboNode", "inputs": {"string": ["7", 0]}},
    "10": {
        "class_type": "DCTestNode",
        "inputs": {
            "combo": "option4",
            "combo.subcombo": "opt1",
            "combo.subcombo.float_x": 1,
            "combo.subcombo.float_y": ["5", 0],
        },
    },
    "11": {"class_type": "OddNode", "inputs": {"number": 3, "either": ["2", 0]}},
    "12": {
        "class_type": "OddLists",
        "inputs": {"new": 1, "free": ["8", 0]},
    },
    "13": {"class_type": "ComboOutputTestNode", "inputs": {"combo": ["9", 0], "combo2": "option4"}},
    "14": {"class_type": "PreviewAny", "inputs": {"source": ["13", 1]}},
    "15": {
        "class_type": "ComfySwitchNode",
        "inputs": {"switch": True, "on_true": ["1", 0], "on_false": ["2", 0]},
    },
    "16": {"class_type": "PreviewImage", "inputs": {"images": ["15", 0]}},
    "17": {"class_type": "DCTestNode", "inputs": {"combo": "option3", "combo.image": ["15", 0]}},
}

VALUES = (
    *("abc", "5", " 7 ", "7.9", "nan", "", 0, 1, -1, 7.9, 10**9, -(10**12), 1e300, True, False),
    *(None, {}, {"a": 1}, [], ["x"], [1, 2], ["1", "0"], [1, 2, 3]),
    *({"__value__": 5}, {"__value__": "b"}, {"__value__": [1, 2]}, {"__value__": ["a"]}),
)


# -- how to spoil a prompt


def an_input(prompt: Prompt, draw: Draw) -> tuple[str, str] | None:
    places = [(node, name) for node, body in prompt.items() for name in body["inputs"]]
    return draw.choice(places) if places else None


def drop_an_input(prompt: Prompt, _: Definitions, draw: Draw) -> None:
    if place := an_input(prompt, draw):
        del prompt[place[0]]["inputs"][place[1]]


def set_any_value(prompt: Prompt, _: Definitions, draw: Draw) -> None:
    if place := an_input(prompt, draw):
        prompt[place[0]]["inputs"][place[1]] = copy.deepcopy(draw.choice(VALUES))


def set_a_value_of_its_kind(prompt: Prompt, definitions: Definitions, draw: Draw) -> None:
    """At, within and beyond the limits; among the choices and not."""
    rows = [
        (node, one)
        for node, body in prompt.items()
        for one in declared(body, definitions)
        if one.type in ("INT", "FLOAT", "COMBO", "FLOAT,INT") or "COMBO" in one.type
    ]
    if not rows:
        return
    node, one = draw.choice(rows)
    limits = [one.options[name] for name in ("min", "max") if name in one.options]
    near = [limit + step for limit in limits for step in (-1, -0.5, 0, 0.5, 1)]
    keys = [row["key"] for row in one.options.get("options", []) if isinstance(row, dict)]
    choices = list(one.choices or ())
    prompt[node]["inputs"][one.name] = draw.choice([*near, *keys, *choices, "no such", "5", 1])


def link_an_input(prompt: Prompt, definitions: Definitions, draw: Draw) -> None:
    """To any output of any node, and sometimes to one that it does not have."""
    if place := an_input(prompt, draw):
        origin = draw.choice([node for node in prompt if node != place[0]] or [place[0]])
        definition = definitions.get(prompt[origin]["class_type"])
        slots = len(definition.outputs) if definition else 1
        slot = draw.choice([*range(slots)] * 3 + [slots, -1, -slots - 1, slots + 7])
        prompt[place[0]]["inputs"][place[1]] = [origin, slot]


def link_a_declared_input(prompt: Prompt, definitions: Definitions, draw: Draw) -> None:
    rows = [(node, one.name) for node in prompt for one in declared(prompt[node], definitions)]
    if rows:
        node, name = draw.choice(rows)
        prompt[node]["inputs"].setdefault(name, 0)
        origin = draw.choice(list(prompt))
        prompt[node]["inputs"][name] = [origin, 0]


def link_to_nothing(prompt: Prompt, _: Definitions, draw: Draw) -> None:
    if place := an_input(prompt, draw):
        prompt[place[0]]["inputs"][place[1]] = ["no such", 0]


def an_unknown_class(prompt: Prompt, _: Definitions, draw: Draw) -> None:
    prompt[draw.choice(list(prompt))]["class_type"] = "NobodyKnows"


def drop_the_outputs(prompt: Prompt, definitions: Definitions, draw: Draw) -> None:
    outputs = [node for node in prompt if is_output(prompt[node], definitions)]
    for node in outputs if draw.random() < 0.5 else outputs[:1]:
        del prompt[node]


def change_a_class(prompt: Prompt, _: Definitions, draw: Draw) -> None:
    """The inputs of one class on a node of another."""
    one, other = draw.choice(list(prompt)), draw.choice(list(prompt))
    prompt[one]["class_type"] = prompt[other]["class_type"]


def add_an_input(prompt: Prompt, _: Definitions, draw: Draw) -> None:
    """One that no class declares, and what feeds it."""
    inputs = prompt[draw.choice(list(prompt))]["inputs"]
    inputs["no such"] = draw.choice([5, ["x", "y", "z"], ["spoilt", 0]])
    prompt["spoilt"] = {"class_type": "ImageInvert", "inputs": {}}


SPOILERS: Sequence[Spoil] = (
    *(drop_an_input, drop_an_input, set_any_value, set_any_value, set_a_value_of_its_kind),
    *(set_a_value_of_its_kind, link_an_input, link_an_input, link_a_declared_input),
    *(link_to_nothing, an_unknown_class, drop_the_outputs, change_a_class, add_an_input),
)


def spoilt(prompt: Prompt, definitions: Definitions, draw: Draw) -> Prompt:
    """The prompt, changed once to three times."""
    changed = copy.deepcopy(prompt)
    for _ in range(draw.choice([1, 1, 2, 3])):
        if changed:
            draw.choice(SPOILERS)(changed, definitions, draw)
    return changed


def declared(body: dict[str, Any], definitions: Definitions) -> Iterator[InputDefinition]:
    definition = definitions.get(body["class_type"])
    found = inputs_of(definition, body["inputs"]) if definition else iter(())
    return (one for one in found if not isinstance(one, Gap))


def is_output(body: dict[str, Any], definitions: Definitions) -> bool:
    definition = definitions.get(body["class_type"])
    return definition is not None and definition.output_node


# -- two verdicts on one prompt

Place = tuple[str, str | None]  # node id, input; None: the node as a whole


@dataclass(frozen=True)
class Verdict:
    """What is wrong: of the prompt as a whole, and by place."""

    whole: str | None
    places: frozenset[Place]
    structure: frozenset[Place] = frozenset()  # ours: those of `places` that conversion says
    left: frozenset[str] = frozenset()  # ComfyUI's: nodes where it met an exception


def our_verdict(prompt: Prompt, definitions: Definitions) -> Verdict:
    converted = convert(Workflow("spoilt.json", "prompt", prompt), definitions)
    found = [*converted.errors, *converted.notes]
    told = len(found)
    found += prompt_findings(converted.prompt, definitions)
    codes = {one.code for one in found}
    places = frozenset(errors(found) - set(file_places(prompt, definitions)))
    structure = frozenset(errors(found[:told]))
    if "node-class-unknown" in codes:
        return Verdict("invalid_prompt", places, structure)
    if "prompt-no-output" in codes:
        return Verdict("prompt_no_outputs", places, structure)
    return Verdict(REFUSED if places else None, places, structure)


def errors(found: Sequence[Finding]) -> set[Place]:
    return {(one.where.node or "", one.where.field) for one in found if one.severity == "error"}


def comfyuis_verdict(said: dict[str, Any], prompt: Prompt, definitions: Definitions) -> Verdict:
    """Less the places that name files: none is there, and that is not what is compared."""
    ignored = set(file_places(prompt, definitions))
    places: set[Place] = set()
    left: set[str] = set()
    for node, rows in said["nodes"].items():
        for kind, name in rows:
            if kind.startswith("exception_"):
                # The input that it names is of the node that reads from this one.
                left.add(node)
                if not checks_itself(prompt[node], definitions):
                    places.add((node, None))
            elif kind != "custom_validation_failed" and (node, name) not in ignored:
                places.add((node, name))
    if said["error"] in ("invalid_prompt", "prompt_no_outputs"):
        return Verdict(said["error"], frozenset(places))
    whole = REFUSED if places else None
    return Verdict(whole, frozenset(places), left=frozenset(left))


def file_places(prompt: Prompt, definitions: Definitions) -> Iterator[Place]:
    """Where the name of a file stands, and all of an input whose class looks for it by itself."""
    for node, body in prompt.items():
        own_check = checks_itself(body, definitions)
        for one in declared(body, definitions):
            given = body["inputs"].get(one.name, [])
            if folder_of(body, one, definitions) and (own_check or not isinstance(given, list)):
                yield node, one.name


def checks_itself(body: dict[str, Any], definitions: Definitions) -> bool:
    """Whether the class looks for an input file by itself, and stumbles over what is no name."""
    folders = (folder_of(body, one, definitions) for one in declared(body, definitions))
    return any(folder and folder.startswith("input") for folder in folders)


def folder_of(body: dict[str, Any], one: InputDefinition, definitions: Definitions) -> str | None:
    upload = any(one.options.get(upload) for upload in UPLOADS)
    return definitions.file_folder(body["class_type"], one.name) or ("input" if upload else None)


def too_lenient(ours: Verdict, theirs: Verdict) -> str | None:
    """What ComfyUI says and we do not; None for nothing.

    In a node where it meets an exception it is enough that both refuse it, and of a circle that
    both do.
    """
    if ours.whole != theirs.whole and {ours.whole, theirs.whole} - {None, REFUSED}:
        return f"we say {ours}, ComfyUI says {theirs}"
    if theirs.whole != REFUSED:
        return None
    nodes = {node for node, _ in ours.places}
    missed = [
        place
        for place in theirs.places
        if place not in ours.places
        and (place[1] is not None or not (place[0] in nodes or ours.structure))
    ]
    return f"we do not say {missed}: {ours}" if missed else None


def too_strict(
    ours: Verdict, theirs: Verdict, prompt: Prompt, definitions: Definitions
) -> set[Place]:
    """What we say beyond ComfyUI of nodes that it has looked at to the end.

    It does not follow a link that it refuses, and leaves a node where it meets an exception. A link
    to nothing or a circle behind an input that it does not check shows only when it runs the
    prompt.
    """
    if theirs.whole in ("invalid_prompt", "prompt_no_outputs"):
        return set()
    seen: set[str] = set()
    waiting = [node for node in prompt if is_output(prompt[node], definitions)]
    while waiting:
        node = waiting.pop()
        if node in seen or node in theirs.left:
            continue
        seen.add(node)
        given = prompt[node]["inputs"]
        for one in declared(prompt[node], definitions):
            link = link_of(given.get(one.name))
            if link and link[0] in prompt and (node, one.name) not in theirs.places:
                waiting.append(link[0])
    extra = ours.places - theirs.places - ours.structure
    return {place for place in extra if place[0] in seen}


@dataclass(frozen=True)
class Judge:
    """A ComfyUI that says what it thinks of prompts."""

    process: subprocess.Popen[str]
    definitions: Definitions

    def said(self, prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(prompts) + "\n")
        self.process.stdin.flush()
        said: list[dict[str, Any]] = answer(self.process)
        return said


def answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        pytest.fail(f"ComfyUI has ended with {process.wait()}")
    return json.loads(line)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    if not (COMFYUI / "main.py").is_file():
        pytest.skip(f"no ComfyUI in {COMFYUI}; set COMFYUI_PATH")
    if not PYTHON.exists():
        pytest.skip(f"no interpreter {PYTHON}; set COMFYUI_PYTHON")
    command = [PYTHON, SCRIPT, tmp_path_factory.mktemp("comfyui")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=COMFYUI, stdin=pipe, stdout=pipe, text=True) as process:
        yield Judge(process, Definitions(answer(process), shipped("0.8.0")))
        process.terminate()


def cases() -> list[Prompt]:
    lines = gzip.decompress(CASES.read_bytes()).splitlines()
    prompts = [json.loads(line)["prompt"] for line in lines]
    return [RARE, *(prompt for prompt in prompts if CHECKS_A_TEXT not in str(prompt))]


def test_real_prompts_are_judged_alike(judge: Judge) -> None:
    """Some of them are made for later releases of ComfyUI, and refused at the same inputs."""
    refused = 0
    for prompt, said in zip(cases(), judge.said(cases()), strict=True):
        theirs = comfyuis_verdict(said, prompt, judge.definitions)
        ours = our_verdict(prompt, judge.definitions)
        assert too_lenient(ours, theirs) is None
        assert not too_strict(ours, theirs, prompt, judge.definitions)
        refused += theirs.whole is not None
    assert refused == 13


def test_spoilt_prompts_are_refused_by_both_or_by_none(judge: Judge) -> None:
    draw = random.Random(1)
    definitions = judge.definitions
    prompts = [
        spoilt(case, definitions, draw)
        for case in cases()
        for _ in range(RARE_ONES if case is RARE else EACH)
    ]
    wrong = []
    for prompt, said in zip(prompts, judge.said(prompts), strict=True):
        ours = our_verdict(prompt, definitions)
        theirs = comfyuis_verdict(said, prompt, definitions)
        if found := too_lenient(ours, theirs) or too_strict(ours, theirs, prompt, definitions):
            wrong.append((found, prompt))
    assert wrong == []
