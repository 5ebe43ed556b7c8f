"""Out of the prompt: the author's local test wiring, and everything that no output needs."""

from __future__ import annotations

from ..workflow import runflow_nodes
from ..workflow.contract_model import Contract, ContractInput
from ..workflow.model import Prompt
from ..workflow.reach import reached

VALUE = "value"  # the socket of every Runflow Input that a caller's value replaces
FILE_NAME = "file_name"  # the widget of RunflowInputFile: the author's own file


def cut_local_wiring(prompt: Prompt, contract: Contract) -> Prompt:
    """The prompt whose required Runflow Inputs hold no test value and no file of the author's.

    What is wired to an optional one is the workflow's own default, and stays.
    """
    cut = dict(prompt)
    for row in contract.inputs.values():
        if not is_runflow_input(row) or not row.required or row.node not in cut:
            continue
        node = cut[row.node]
        inputs = {name: value for name, value in node["inputs"].items() if name != VALUE}
        if FILE_NAME in inputs:
            inputs[FILE_NAME] = ""
        cut[row.node] = {**node, "inputs": inputs}
    return cut


def drop_unneeded(prompt: Prompt, contract: Contract, keep: list[str]) -> Prompt:
    """Only what an output, a kept node or an input of the contract needs; ids and order stay.

    An input that nothing uses stays all the same: it is in the contract that the lock promises.
    """
    targets = [row.node for row in contract.outputs.values()]
    targets += keep
    targets += [row.node for row in contract.inputs.values()]
    needed = reached(prompt, targets)
    return {node_id: node for node_id, node in prompt.items() if node_id in needed}


def is_runflow_input(row: ContractInput) -> bool:
    """Whether the value goes through a Runflow Input node, not straight into a field."""
    return row.class_type in runflow_nodes.INPUTS
