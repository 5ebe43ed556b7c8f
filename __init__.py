"""The checkout as a ComfyUI node pack: clone it into custom_nodes/.

ComfyUI gives a pack the path of its folder as module name. Whoever else imports this file (pytest,
mypy, under whatever name the clone has) gets nothing, or every class would exist twice.
"""

if "/" in __name__ or "\\" in __name__:
    from .nodes.loading import load

    _loaded = load()
    NODE_CLASS_MAPPINGS = _loaded.classes
    NODE_DISPLAY_NAME_MAPPINGS = _loaded.names
    WEB_DIRECTORY = _loaded.web

    __all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
