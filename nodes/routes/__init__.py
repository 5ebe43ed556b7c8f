"""What the pack answers on ComfyUI's server, below /runflow/: one file per feature."""


def add_routes() -> None:
    """Add all of them to the ComfyUI that is starting."""
    from ..security.guard import guard_comfyui

    guard_comfyui()  # before anything that may fail, or nobody would be asked for the password

    from . import auto_setup, connection, deploy, job_routes, packages, restart, security
    from .comfyui import server
    from .requests import Table

    table = Table(server().routes)
    for feature in (job_routes, packages, connection, deploy, auto_setup, restart, security):
        feature.add(table)
