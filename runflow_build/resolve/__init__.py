"""Wishes become pins. The only stage of the build that looks outside of the project."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..findings import Finding
from ..lock.model import ComfyUIPin, Lock, Pins
from ..lock.needs import AllNeeds, all_needs
from ..sources import Sources
from ..spec.model import Spec
from ..workflow.definitions import Definitions
from ..workflow.model import Workflows

__all__ = ["resolve", "resolve_comfyui"]


def resolve_comfyui(
    spec: Spec,
    sources: Sources,
    previous: Lock | None,
    report: Callable[[Finding], None],
    upgrade: Collection[str] | None = (),
) -> ComfyUIPin | None:
    """The pin of ComfyUI alone, for `resolve` to go on with.

    It comes first, because which definitions the workflows are read with depends on it.
    """
    from .comfyui import comfyui_pin
    from .inquiry import Inquiry

    return comfyui_pin(Inquiry(spec, {}, sources, previous, report, upgrade))


def resolve(
    spec: Spec,
    workflows: Workflows,
    definitions: Definitions,
    sources: Sources,
    previous: Lock | None,
    report: Callable[[Finding], None],
    upgrade: Collection[str] | None = (),
    needs: AllNeeds | None = None,
    comfyui: ComfyUIPin | None = None,
) -> Pins:
    """A pin for every wish that can be answered; each that cannot is reported, and absent.

    Pins of `previous` stay while their wish is the same, unless `upgrade` names them (`comfyui`,
    `python`, a node pack, a model, a resource) or is None, which means all. Endpoints whose
    workflow does not convert ask for nothing; `compile_lock` says what is wrong with them.

    `needs` is what `all_needs` says of these values, and `comfyui` what `resolve_comfyui` found,
    where the caller knows it already.

    Code (ComfyUI, then packs, then packages) and files are resolved at the same time; findings come
    in the same order whatever answered first.

    Reports `not-resolved`, `install-differs` and what each resolver says. Raises GitError where an
    installation's clones cannot be asked.
    """
    from concurrent.futures import ThreadPoolExecutor
    from dataclasses import replace

    from .inquiry import Inquiry
    from .models import model_pins
    from .node_packs import node_pack_pins
    from .packages import python_pin
    from .resources import resource_pins

    known, _ = needs or all_needs(spec, workflows, definitions)
    said: list[Finding] = []
    inquiry = Inquiry(spec, known, sources, previous, report, upgrade)
    of_files = replace(inquiry, report=said.append)
    with ThreadPoolExecutor(1) as beside:
        files = beside.submit(lambda: (model_pins(of_files), resource_pins(of_files)))
        comfyui = comfyui or resolve_comfyui(spec, sources, previous, report, upgrade)
        nodes = node_pack_pins(inquiry, comfyui)
        python, companions = python_pin(inquiry, comfyui, nodes)
        models, resources = files.result()
    for finding in said:
        report(finding)
    return Pins(
        comfyui=comfyui,
        nodes=nodes,
        python=python,
        models=models,
        resources=resources,
        companions=companions,
    )
