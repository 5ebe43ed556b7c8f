"""The Runflow Deploy node: buttons in the editor. It is in no prompt and does nothing there."""

from __future__ import annotations

from typing import Any

from ..runflow_build.workflow.runflow_nodes import CATEGORY, DEPLOY_CLASS


class RunflowDeploy:
    """Registered so that graphs with it load; the page makes it a virtual node.

    The order of the widgets is that of every graph that was ever saved. The page keeps `api_key`
    empty: what is typed there goes to the settings, or is used once.
    """

    CATEGORY = CATEGORY
    DISPLAY_NAME = "Runflow Deploy"
    FUNCTION = "nothing"
    RETURN_TYPES = ()
    DESCRIPTION = "Publishes this workflow as an endpoint of the Runflow API."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "endpoint_name": ("STRING", {"default": ""}),
                "host": ("STRING", {"default": ""}),
                "api_key": ("STRING", {"default": ""}),
            }
        }

    def nothing(self, **widgets: Any) -> tuple[()]:
        return ()


CLASSES = {DEPLOY_CLASS: RunflowDeploy}
