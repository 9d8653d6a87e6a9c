"""The part of Krita's Python module that the plug-in uses, with pixels in bytes and Qt's widgets.

It keeps to what Krita documents of `libkis`; Krita itself is a program of its own.
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

BINDING = next((name for name in ("PyQt6", "PyQt5") if find_spec(name)), None)
"""The binding of Qt that is there: without one, none of this can be used."""
BYTES = {"U8": 4, "U16": 8}


class Selection:
    """Selectedness of every pixel of an image, a byte each."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def pixelData(self, x: int, y: int, w: int, h: int) -> Any:
        return _byte_array(self.data)


class Node:
    def __init__(
        self, name: str, kind: str, depth: str, data: bytes, parent: "Node | None"
    ) -> None:
        self._name, self._kind, self._depth, self.data = name, kind, depth, data
        self.parent, self.children = parent, list[Node]()
        self.model = "RGBA"

    def name(self) -> str:
        return self._name

    def type(self) -> str:
        return self._kind

    def colorModel(self) -> str:
        return self.model

    def colorDepth(self) -> str:
        return self._depth

    def colorProfile(self) -> str:
        return "sRGB-elle-V2-srgbtrc.icc"

    def setColorSpace(self, model: str, depth: str, profile: str) -> bool:
        self.model, self._depth = model, depth
        return True

    def parentNode(self) -> "Node | None":
        return self.parent

    def projectionPixelData(self, x: int, y: int, w: int, h: int) -> Any:
        assert (x, y, w * h * BYTES[self._depth]) == (0, 0, len(self.data))
        return _byte_array(self.data)

    def setPixelData(self, value: Any, x: int, y: int, w: int, h: int) -> None:
        assert len(value) == w * h * BYTES[self._depth]
        self.data = bytes(value)

    def addChildNode(self, child: "Node", above: "Node") -> bool:
        self.children.insert(self.children.index(above) + 1, child)
        child.parent = self
        return True


class Document:
    """An image with one layer, which is active."""

    def __init__(self, size: tuple[int, int], depth: str, data: bytes) -> None:
        self.size, self.depth = size, depth
        self.root = Node("root", "grouplayer", depth, b"", None)
        self.active = Node("Photo", "paintlayer", depth, data, self.root)
        self.root.children.append(self.active)
        self.selected: Selection | None = None
        self.refreshed = 0

    def width(self) -> int:
        return self.size[0]

    def height(self) -> int:
        return self.size[1]

    def activeNode(self) -> Node:
        return self.active

    def selection(self) -> Selection | None:
        return self.selected

    def createNode(self, name: str, kind: str) -> Node:
        return Node(name, kind, self.depth, b"", None)

    def refreshProjection(self) -> None:
        self.refreshed += 1


class Krita:
    """The program: open images and settings."""

    def __init__(self) -> None:
        self.open: list[Document] = []
        self.settings: dict[tuple[str, str], str] = {}
        self.factories: list[Any] = []

    def activeDocument(self) -> Document | None:
        return self.open[-1] if self.open else None

    def documents(self) -> list[Document]:
        return self.open

    def readSetting(self, group: str, name: str, default: str) -> str:
        return self.settings.get((group, name), default)

    def writeSetting(self, group: str, name: str, value: str) -> None:
        self.settings[group, name] = value

    def addDockWidgetFactory(self, factory: Any) -> None:
        self.factories.append(factory)


def krita_module(program: Krita, dock_widget: type) -> ModuleType:
    """What `import krita` finds."""
    module = ModuleType("krita")
    found: Any = module
    found.Krita = type("Krita", (), {"instance": staticmethod(lambda: program)})
    found.DockWidget = dock_widget
    found.DockWidgetFactoryBase = type("DockWidgetFactoryBase", (), {"DockRight": 2})
    found.DockWidgetFactory = lambda name, place, kind: (name, place, kind)
    return module


def _byte_array(data: bytes) -> Any:
    return import_module(f"{BINDING}.QtCore").QByteArray(data)
