"""Runs with ComfyUI's own Python, inside its folder: what its `validate_prompt` says of prompts.

Usage: python comfyui_judge.py BASE_DIRECTORY. The first line of standard output is JSON, `{class:
definition as /object_info has it}`: the classes that this script adds to ComfyUI, namely its own
test classes for inputs that grow or change, which it does not offer, and a few for inputs that no
class of ComfyUI has. Then, for each line of standard input that is a list of prompts, a line with
`[{"error": type or null, "nodes": {id: [[type, input or null]…]}}…]`.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys

sys.path.insert(0, os.getcwd())
sys.argv = ["main.py", "--cpu", "--base-directory", sys.argv[1]]

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()
import utils.install_util  # noqa: E402, F401, before another module of that name is on the path


def added_classes(io, logic):
    """The classes that are added, by name."""

    class OddNode(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(
                node_id="OddNode",
                is_output_node=True,
                inputs=[
                    io.MultiType.Input(io.Float.Input("number", min=0, max=9), [io.Int]),
                    io.MultiType.Input("either", [io.Image, io.Mask], optional=True),
                ],
                outputs=[],
            )

        @classmethod
        def execute(cls, number, either=None):
            return io.NodeOutput()

    class OddLists:
        INPUT_TYPES = classmethod(
            lambda cls: {
                "required": {"new": ("COMBO", {"options": ["a", 1]})},
                "optional": {"floats": ("FLOATS", {"min": -1}), "free": ("*", {"max": 5})},
            }
        )
        RETURN_TYPES = (["a", "b"], "COMBO", "STRING,INT", "*")
        FUNCTION = "run"
        OUTPUT_NODE = True

    hidden = [
        logic.ConvertStringToComboNode,
        logic.DCTestNode,
        logic.AutogrowNamesTestNode,
        logic.AutogrowPrefixTestNode,
        logic.ComboOutputTestNode,
    ]
    return {one.__name__: one for one in (*hidden, OddNode, OddLists)}


def info_of(obj_class):
    if hasattr(obj_class, "GET_NODE_INFO_V1"):
        return obj_class.GET_NODE_INFO_V1()
    return {
        "input": obj_class.INPUT_TYPES(),
        "output": list(obj_class.RETURN_TYPES),
        "output_node": True,
    }


async def said_of(prompt):
    from execution import validate_prompt

    _, error, _, found = await validate_prompt("1", prompt, None)
    return {
        "error": error["type"] if error else None,
        "nodes": {
            node: [[one["type"], one["extra_info"].get("input_name")] for one in body["errors"]]
            for node, body in found.items()
        },
    }


async def answers():
    import nodes

    await nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=True)
    from comfy_api.latest import io
    from comfy_extras import nodes_logic

    classes = added_classes(io, nodes_logic)
    nodes.NODE_CLASS_MAPPINGS.update(classes)
    yield {name: info_of(one) for name, one in classes.items()}
    for line in sys.stdin:
        yield [await said_of(prompt) for prompt in json.loads(line)]


async def main():
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        async for answer in answers():
            print(json.dumps(answer), file=out, flush=True)


logging.disable(logging.CRITICAL)
asyncio.run(main())
