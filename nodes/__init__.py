"""The node classes that ComfyUI gets, by class name, and what it calls them."""

from .deploy import CLASSES as _DEPLOY_CLASSES
from .inputs import CLASSES as _INPUT_CLASSES
from .outputs import CLASSES as _OUTPUT_CLASSES
from .save import available as _available

_SAVERS, SAVERS_LEFT_OUT = _available()  # the latter in words

NODE_CLASS_MAPPINGS = {**_INPUT_CLASSES, **_OUTPUT_CLASSES, **_SAVERS, **_DEPLOY_CLASSES}
NODE_DISPLAY_NAME_MAPPINGS = {
    name: node_class.DISPLAY_NAME for name, node_class in NODE_CLASS_MAPPINGS.items()
}
