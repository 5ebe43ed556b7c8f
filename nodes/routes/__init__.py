"""What the pack answers on ComfyUI's server, below /runflow/: one file per feature."""

from __future__ import annotations

from . import job_routes
from .requests import Table


def add_routes() -> None:
    """Add all of them to the ComfyUI that is starting."""
    from .comfyui import server

    table = Table(server().routes)
    for feature in (job_routes,):
        feature.add(table)
