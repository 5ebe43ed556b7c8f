"""What callers see, and what endpoints compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...workflow.contract_model import TYPE_CODES, ContractInput, ContractOutput
from ..model import EndpointPin, Lock
from .change import Change, Risk, by_key, fields, json_value, value

# Where a value goes, or where a result comes from. Ids are handed out anew by the editor, so this
# need not mean anything; only the reviewer can tell.
_WIRING = ("node", "class", "field")


def endpoints(old: Lock, new: Lock) -> Iterator[Change]:
    for slug, before, after in by_key(old.endpoints, new.endpoints):
        if before is None and after is not None:
            what = f"is new, {_counted(after)}"
            yield Change("API", slug, what, after=json_value(after), kind="new")
        elif after is None:
            yield _gone(slug, before)
        elif before is not None:
            yield from _contract(slug, before, after)
            yield from _about(slug, before, after)


def _contract(slug: str, before: EndpointPin, after: EndpointPin) -> Iterator[Change]:
    for name, old_input, new_input in by_key(before.inputs, after.inputs):
        yield from _input(f"{slug}, input {name}", old_input, new_input)
    for name, old_output, new_output in by_key(before.outputs, after.outputs):
        yield from _output(f"{slug}, output {name}", old_output, new_output)


def _input(
    subject: str, before: ContractInput | None, after: ContractInput | None
) -> Iterator[Change]:
    if before is None and after is not None:
        what, risk = _newcomer(after)
        yield Change("API", subject, what, risk, after=json_value(after), kind="new")
    elif after is None:
        yield _gone(subject, before)
    elif before is not None:
        for change in fields("API", subject, before, after):
            yield replace(change, risk=_input_risk(change.field, before, after))


def _newcomer(new: ContractInput) -> tuple[str, Risk]:
    return ("is new and required", "breaking") if new.required else ("is new and optional", "safe")


def _output(
    subject: str, before: ContractOutput | None, after: ContractOutput | None
) -> Iterator[Change]:
    if before is None:
        yield Change("API", subject, "is new", after=json_value(after), kind="new")
    elif after is None:
        yield _gone(subject, before)
    else:
        for change in fields("API", subject, before, after):
            risk: Risk = "risky" if change.field in _WIRING else "safe"
            yield replace(change, risk="breaking" if change.field == "type" else risk)


def _gone(subject: str, before: EndpointPin | ContractInput | ContractOutput | None) -> Change:
    return Change("API", subject, "is gone", "breaking", json_value(before), kind="gone")


def _input_risk(field: str | None, before: ContractInput, after: ContractInput) -> Risk:
    if _narrows(field, before, after):
        return "breaking"
    # What a caller does not say now means something else, or what he says goes elsewhere.
    return "risky" if field == "default" or field in _WIRING else "safe"


def _narrows(field: str | None, before: ContractInput, after: ContractInput) -> bool:
    """Whether the input refuses, after the field's change, a value that it took before."""
    if field == "type":  # to the API a COMBO is a text; its choices are compared by themselves
        return TYPE_CODES[before.type] != TYPE_CODES[after.type]
    if field == "required":
        return after.required
    if field == "choices":
        return after.choices is not None and (
            before.choices is None or not set(before.choices) <= set(after.choices)
        )
    if field == "minimum":
        return after.minimum is not None and (
            before.minimum is None or after.minimum > before.minimum
        )
    if field == "maximum":
        return after.maximum is not None and (
            before.maximum is None or after.maximum < before.maximum
        )
    return False  # a step guides a form and refuses nothing; texts and wiring are no values


def _about(slug: str, before: EndpointPin, after: EndpointPin) -> Iterator[Change]:
    """What is not part of the contract."""
    if before.prompt != after.prompt:
        what = "computes something else: its prompt changed"
        yield Change("Endpoints", slug, what, "risky", before.prompt, after.prompt, field="prompt")
    for name in ("name", "description", "workflow", "keep"):
        yield from value("Endpoints", slug, name, getattr(before, name), getattr(after, name))
    for change in fields("GPU", slug, before.gpu, after.gpu):
        yield replace(change, risk="risky")  # what a run costs, and whether it has the memory


def _counted(pin: EndpointPin) -> str:
    def count(number: int, what: str) -> str:
        return f"{number} {what}" if number == 1 else f"{number} {what}s"

    return f"with {count(len(pin.inputs), 'input')} and {count(len(pin.outputs), 'output')}"
