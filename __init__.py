"""The checkout as a ComfyUI node pack: clone it into custom_nodes/.

ComfyUI gives a pack the path of its folder as module name. Whoever else imports this file (pytest,
mypy, under whatever name the clone has) gets nothing, or every class would exist twice.
"""

import sys

if "/" in __name__ or "\\" in __name__:
    from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

    WEB_DIRECTORY = "./nodes/web"  # ComfyUI serves it, and the editor imports every .js below it

    if "server" in sys.modules:  # ComfyUI's own, while it starts
        from .nodes.routes import add_routes

        add_routes()

    __all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
