"""What the pack answers on ComfyUI's server, below /runflow/: one file per feature."""


def add_routes() -> None:
    """Add all of them to the ComfyUI that is starting."""
    from ..security.guard import guard_comfyui

    guard_comfyui()  # before anything that may fail, or nobody would be asked for the password

    from . import connection, deploy, job_routes, security
    from .comfyui import server
    from .requests import Table

    table = Table(server().routes)
    for feature in (job_routes, connection, deploy, security):
        feature.add(table)
