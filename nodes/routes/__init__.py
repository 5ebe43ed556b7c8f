"""What the pack answers on ComfyUI's server, below /runflow/: one file per feature."""


def add_routes() -> None:
    """Add all of them to the ComfyUI that is starting."""
    from . import (
        auto_setup,
        connection,
        deploy,
        files,
        job_routes,
        packages,
        playground,
        restart,
        security,
    )
    from .comfyui import server
    from .requests import Table

    table = Table(server().routes)
    features = (job_routes, packages, connection, deploy, files, playground, auto_setup, restart)
    for feature in (*features, security):
        feature.add(table)
