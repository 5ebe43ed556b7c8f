"""The widgets that the editor makes for an input, and what each does to a value it is given.

Source: ComfyUI frontend 1.35.9, the widget composables, scripts/widgets.ts, scripts/domWidget.ts,
and the core extensions that bring widgets of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..definitions import COMBO, InputDefinition, NodeDefinition
from ..javascript import text_of
from .canvas import ABSENT, Node, Widget

SEEDS = ("seed", "noise_seed")
CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
CONTROL = "control_after_generate"

# Inputs of these types are widgets; of any other they are sockets.
WIDGET_TYPES = frozenset(
    (
        *("INT", "FLOAT", "BOOLEAN", "STRING", COMBO, "MARKDOWN", "TEXTAREA"),
        *("COLOR", "CHART", "GALLERIA", "IMAGECOMPARE", "COMFY_DYNAMICCOMBO_V3"),
        *("IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "AUDIO_RECORD", "WEBCAM"),
        *("LOAD_3D", "PREVIEW_3D"),
        *("VHSTIMESTAMP", "MTB_COLOR"),  # of ComfyUI-VideoHelperSuite and comfy_mtb
    )
)

_PLAYERS = ("LoadAudio", "SaveAudio", "PreviewAudio", "SaveAudioMP3", "SaveAudioOpus")
_VIEWERS = ("Preview3D", "SaveGLB")
_PICTURE_UPLOADS = ("image_upload", "video_upload", "animated_image_upload")


class TextArea(Widget):
    """A text of several lines: an HTML element, which makes text of whatever it is given.

    A subgraph that shows it on its outside shows the same element.
    """

    __slots__ = ("_element",)

    @property
    def value(self) -> Any:
        return self._element[0]

    @value.setter
    def value(self, value: Any) -> None:
        text = "undefined" if value is ABSENT else "" if value is None else text_of(value)
        self._element = getattr(self, "_element", [""])
        self._element[0] = text.replace("\r\n", "\n").replace("\r", "\n")

    def copied(self, name: str) -> Widget:
        copy = TextArea.__new__(TextArea)
        copy._element = self._element
        Widget.__init__(copy, name, self.kind, self.value, self.definition)
        return copy


class Fixed(Widget):
    """A player or viewer: it takes a place, but keeps no value."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        return ""

    @value.setter
    def value(self, value: Any) -> None:
        pass


class Upload(Widget):
    """A choice of a file that people upload; a record of an upload is read as its path."""

    __slots__ = ("_first", "_given")

    def __init__(self, choice: Widget, first: Any) -> None:
        self._first: Any = first
        self._given: Any = ABSENT
        super().__init__(choice.name, choice.kind, ABSENT, choice.definition)

    @property
    def value(self) -> Any:
        options = self.definition.options if self.definition else {}
        given = self._given
        # A list of files that is asked for anew begins again with what stands there meanwhile.
        if given is ABSENT or given in (None, "", 0, False) or options.get("remote"):
            return self._first
        folder = options.get("image_folder") or "input"
        if isinstance(given, list):
            paths = [_annotated(one, folder) for one in given]
            return paths if options.get("allow_batch") else (paths[0] if paths else ABSENT)
        return _annotated(given, folder)

    @value.setter
    def value(self, value: Any) -> None:
        self._given = value

    def fresh(self) -> Widget:
        return Upload(self, self._first)

    def copied(self, name: str) -> Widget:
        return Widget(name, self.kind, self.value, self.definition)


def asked_inputs(definition: NodeDefinition) -> tuple[InputDefinition, ...]:
    """The inputs of a class, and those that the editor adds to it.

    The editor calls its own required, and puts them behind all that ComfyUI gave an order.
    """
    inputs, place = definition.inputs, len(definition.inputs)
    if not definition.ordered:
        place = 1 + max((index for index, one in enumerate(inputs) if one.required), default=-1)
    return (*inputs[:place], *_added_inputs(definition), *inputs[place:])


def _added_inputs(definition: NodeDefinition) -> list[InputDefinition]:
    """Players, viewers, buttons to upload."""

    def extra(name: str, type: str, options: Mapping[str, Any] | None = None) -> InputDefinition:
        return InputDefinition(name, type, options or {}, required=True)

    extras = {}
    if definition.class_type in _PLAYERS:
        extras["audioUI"] = extra("audioUI", "AUDIO_UI")
    required = [one for one in definition.inputs if one.required]
    if any(one.name == "audio" and one.options.get("audio_upload") is True for one in required):
        extras["upload"] = extra("upload", "AUDIOUPLOAD")
    for one in required:
        if one.type == COMBO and any(one.options.get(kind) is True for kind in _PICTURE_UPLOADS):
            extras["upload"] = extra("upload", "IMAGEUPLOAD", {"of": one.name})
            break
    if definition.class_type in _VIEWERS:
        extras["image"] = extra("image", "PREVIEW_3D")
    return list(extras.values())


def kind_of(definition: InputDefinition) -> str:
    """The type that decides which widget an input gets."""
    return str(definition.options.get("widgetType") or definition.type)


def is_widget(definition: InputDefinition) -> bool:
    """Whether the editor makes a widget of the input."""
    return kind_of(definition) in WIDGET_TYPES and not definition.options.get("forceInput")


def add_widgets(node: Node, definition: InputDefinition) -> None:
    """Put the input's widgets onto the node, in the editor's order."""
    if kind_of(definition) == "IMAGEUPLOAD":
        _watch_upload(node, str(definition.options.get("of")))
    node.widgets.extend(widgets_of(definition))


def widgets_of(definition: InputDefinition) -> Iterator[Widget]:
    """The widgets of an input that needs to know nothing of its node."""
    name, options, kind = definition.name, definition.options, kind_of(definition)
    default = options.get("default")
    if kind in ("INT", "FLOAT"):
        yield Widget(name, "number", 0 if default is None else default, definition)
        control = options.get(CONTROL)
        if control is None and kind == "INT":
            control = name in SEEDS
        if control:
            yield _control(options, "randomize" if kind == "INT" else "fixed")
    elif kind == "BOOLEAN":
        yield Widget(name, "toggle", False if default is None else default, definition)
    elif kind == "STRING":
        made: type[Widget] = TextArea if options.get("multiline") else Widget
        text = made(name, "text", "" if default is None else text_of(default), definition)
        text.dynamic = options.get("dynamicPrompts") is True
        yield text
    elif kind == COMBO:
        yield from _choice(definition)
    elif kind == "MARKDOWN":
        yield TextArea(name, "markdown", "", definition)
    elif kind in _SPECIAL_DEFAULTS:
        yield Widget(name, kind.lower(), _special_default(kind, options), definition)
    elif kind in ("IMAGEUPLOAD", "AUDIOUPLOAD"):
        yield Widget(name, "button", "image" if kind == "IMAGEUPLOAD" else "", sent=False)
    elif kind == "AUDIO_UI":
        yield Fixed(name, "audioUI", saved=False)
    elif kind == "AUDIO_RECORD":
        yield Fixed(name, "audioUI", definition=definition)
        yield Widget(name, "button", "", sent=False)
    elif kind in ("WEBCAM", "PREVIEW_3D"):
        yield Fixed(name, kind.lower(), definition=definition)
    elif kind == "LOAD_3D":
        yield Widget("upload 3d model", "button", "upload3dmodel")
        yield Widget("upload extra resources", "button", "uploadExtraResources")
        yield Widget("clear", "button", "clear")
        yield Fixed("image", "load_3d", definition=definition)
    else:  # a pack's own
        yield Widget(name, kind.lower(), ABSENT if default is None else default, definition)


def saved_names(definition: NodeDefinition) -> list[str]:
    """The widgets of a plain class that take a place in `widgets_values`, in order."""
    asked = [one for one in definition.inputs if is_widget(one)]
    return [widget.name for one in asked for widget in widgets_of(one) if widget.saved]


def add_own_widgets(node: Node) -> None:
    """The widgets that an extension adds to nodes of one class, behind all others."""
    if node.class_type == "PreviewAny":
        node.widgets.append(TextArea("preview", "markdown", "", saved=False))
        node.widgets.append(TextArea("preview", "text", "", saved=False))
        node.widgets.append(Widget("previewMode", "toggle", False))
    elif node.class_type == "WebcamCapture":
        node.widgets.append(Widget("waiting for camera...", "button", ABSENT, sent=False))
    elif node.class_type == "CustomCombo":
        _add_option(node)


_SPECIAL_DEFAULTS: Mapping[str, tuple[str, Any]] = {
    "TEXTAREA": ("default", ""),
    "COLOR": ("default", "#000000"),
    "CHART": ("data", {}),
    "GALLERIA": ("images", []),
    "IMAGECOMPARE": ("", ["", ""]),
}


def _special_default(kind: str, options: Mapping[str, Any]) -> Any:
    """The default of a widget whose definition nests its options once more."""
    key, fallback = _SPECIAL_DEFAULTS[kind]
    inner = options.get("options")
    return (inner.get(key) if isinstance(inner, Mapping) else None) or fallback


def _choice(definition: InputDefinition) -> Iterator[Widget]:
    """A choice from a list, with the widgets that come with it."""
    options = definition.options
    if options.get("multi_select"):
        yield Widget(definition.name, "custom", [], definition)
        if options.get(CONTROL):
            yield _control(options, "fixed")
        return
    yield Widget(definition.name, "combo", _first_choice(definition), definition)
    if remote := options.get("remote"):
        yield Widget("Auto-refresh after generation", "toggle", False, sent=False)
        if isinstance(remote, Mapping) and remote.get("refresh_button"):
            yield Widget("refresh", "button", "refresh")
    if options.get(CONTROL):
        yield _control(options, "randomize")
        yield Widget("control_filter_list", "text", "", sent=False)


def _first_choice(definition: InputDefinition) -> Any:
    if default := definition.options.get("default"):
        return default
    if definition.choices:
        return definition.choices[0]
    return "Loading..." if definition.options.get("remote") else ABSENT


def _control(options: Mapping[str, Any], default: str) -> Widget:
    """What changes a value after each run."""
    name = options.get(CONTROL)
    if not isinstance(name, str):
        prefix = options.get("control_prefix")
        name = f"{prefix} {CONTROL}" if prefix else CONTROL
    return Widget(name, "control", default, sent=False)


def _watch_upload(node: Node, name: str) -> None:
    """Make the choice that an upload button belongs to one that reads records of uploads."""
    for index, widget in enumerate(node.widgets):
        if widget.name == name:
            first = "undefined" if widget.value is ABSENT else text_of(widget.value)
            node.widgets[index] = Upload(widget, first)
            return


class _Option(Widget):
    """A line of a list of choices that grows as it is filled in."""

    __slots__ = ("_node", "_text")

    def __init__(self, name: str, node: Node) -> None:
        self._node = node
        self._text: Any = ""
        Widget.__init__(self, name, "text", "")

    @property
    def value(self) -> Any:
        return self._text

    @value.setter
    def value(self, value: Any) -> None:
        self._text = value
        widgets = self._node.widgets
        if not widgets or self not in widgets:
            return
        filled = value is not ABSENT and value not in (None, "", 0, False)
        if widgets[-1] is self:
            if filled:
                _add_option(self._node)
        elif not filled and widgets[-2] is self and not widgets[-1].value:
            widgets.pop()


def _add_option(node: Node) -> None:
    if node.widgets:
        node.widgets.append(_Option(f"option{len(node.widgets) - 1}", node))


def _annotated(item: Any, folder: str) -> str:
    """A file's path with its folder behind it, unless that is input/."""
    if isinstance(item, str):
        return f"{item}{_note(item, folder)}"
    if not isinstance(item, Mapping):
        return ""
    name, inner, kind = (item.get(key) or "" for key in ("filename", "subfolder", "type"))
    path = f"{inner}/{name}" if inner else str(name)
    return f"{path}{_note(str(kind), folder)}" if kind else path


def _note(text: str, folder: str) -> str:
    noted = any(f"[{one}]" in text.lower() for one in ("input", "output", "temp"))
    return "" if noted or folder == "input" else f" [{folder}]"
