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
        playground_page,
        playground_runs,
        restart,
        security,
    )
    from .comfyui import server
    from .requests import Table

    table = Table(server().routes)
    for feature in (
        *(job_routes, packages, connection, deploy, files),
        *(playground, playground_page, playground_runs),
        *(auto_setup, restart, security),
    ):
        feature.add(table)
