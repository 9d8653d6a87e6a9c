"""The docker: paints the current layer in a style, as a new layer above it."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Callable, Optional

from krita import DockWidget, Krita  # type: ignore[attr-defined]  # Krita's, not a folder's

from . import command, pixels
from .panel import Panel, QProcess, QProcessEnvironment, sip

_GROUP = "gan_style"
"""Of settings in Krita's configuration."""


class Docker(DockWidget):
    """One for each window of Krita."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("gan_style")
        self.panel = Panel(changed=self._keep_settings)
        self.setWidget(self.panel)
        self._job: Optional[Job] = None
        self._lister: Optional[QProcess] = None
        for name, field in self.panel.settings.items():
            field.setText(Krita.instance().readSetting(_GROUP, name, ""))
        self.panel.paint.clicked.connect(self.paint_layer)
        self.panel.cancel.clicked.connect(self.cancel)
        self.list_styles()

    def canvasChanged(self, canvas: Any) -> None:
        """Nothing: the layer is looked for when it is to be painted. Krita wants this method."""

    def list_styles(self) -> None:
        """Ask the command for the named styles of the model, and list them when it answers."""
        program = self._program()
        if program is None:
            return
        self._lister = self._started(
            program, command.listing(self.panel.model.text()), self._list_what_was_printed
        )

    def paint_layer(self) -> None:
        """Paint the current layer, unless something is missing, which is said."""
        document = Krita.instance().activeDocument()
        program = self._program()
        problem = (
            command.MISSING if program is None else _problem(document, self.panel.chosen_style())
        )
        if problem or program is None:
            self.panel.say(problem)
            return
        self._job = Job(document, self.panel.order())
        self.panel.set_busy(True)
        self.panel.say(f"Painting {self._job.source.name()} …")
        self._job.process = self._started(program, self._job.words(), self._finish)

    def cancel(self) -> None:
        """End the painting; nothing was changed."""
        if self._job is not None and self._job.process is not None:
            self._job.is_canceled = True
            self._job.process.kill()

    def _program(self) -> Optional[str]:
        program = command.find(self.panel.command.text())
        if program is None:
            self.panel.say(command.MISSING)
        return program

    def _started(self, program: str, words: "list[str]", then: Callable[..., None]) -> QProcess:
        """A process; `then` is called with it when it has ended, or could not begin."""
        process = QProcess(self)
        clean = QProcessEnvironment()
        for name, value in command.environment(os.environ).items():
            clean.insert(name, value)
        process.setProcessEnvironment(clean)
        process.finished.connect(lambda *_: self._ended(process, then))
        process.errorOccurred.connect(lambda error: self._failed(process, error, then))
        process.start(program, words)
        return process

    def _ended(self, process: QProcess, then: Callable[..., None]) -> None:
        if not sip.isdeleted(process):
            then(process)
        elif self._job is not None:  # Krita is being closed, which ends its processes
            self._job.remove_files()

    def _failed(self, process: QProcess, error: Any, then: Callable[..., None]) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # after others it ends, too
            self._ended(process, then)

    def _list_what_was_printed(self, process: QProcess) -> None:
        if process.exitCode() == 0 and process.error() == QProcess.ProcessError.UnknownError:
            self.panel.list_styles(command.names(_text(process.readAllStandardOutput())))
            self.panel.say("")
        else:
            self.panel.say(_failure(process))

    def _finish(self, process: QProcess) -> None:
        job, self._job = self._job, None
        if job is None:
            return
        self.panel.set_busy(False)
        try:
            if job.is_canceled:
                self.panel.say("Canceled; nothing was changed.")
            elif process.exitCode() or process.error() != QProcess.ProcessError.UnknownError:
                self.panel.say(_failure(process))
            else:
                self.panel.say(job.add_layer())
        finally:
            job.remove_files()

    def _keep_settings(self) -> None:
        for name, field in self.panel.settings.items():
            Krita.instance().writeSetting(_GROUP, name, field.text())
        self.list_styles()


class Job:
    """A painting of a layer: its files, and where it goes.

    Args:
        document: with a layer that can be painted.
        order: how.
    """

    def __init__(self, document: Any, order: command.Order) -> None:
        self.document = document
        self.source = document.activeNode()
        self.order = order
        self.size = document.width(), document.height()
        self.depth = self.source.colorDepth()
        self.process: Optional[QProcess] = None
        self.is_canceled = False
        selection = document.selection()
        self.selected = None if selection is None else selection.pixelData(0, 0, *self.size)
        self.folder = Path(tempfile.mkdtemp(prefix="gan-style-krita-"))
        data = self.source.projectionPixelData(0, 0, *self.size)
        pixels.to_image(data, *self.size, self.depth).save(str(self.folder / "layer.png"), "PNG")

    def words(self) -> "list[str]":
        """The arguments of the command."""
        return self.order.words(str(self.folder / "layer.png"), str(self._painting))

    def add_layer(self) -> str:
        """Add the painting above the layer it is of, and say what was done."""
        if self.document not in Krita.instance().documents():
            return "The image was closed before it was painted."
        if (self.document.width(), self.document.height()) != self.size:
            return "The image got another size while it was painted. Paint it again."
        image = pixels.opened(str(self._painting))
        data = pixels.to_data(image, self.depth)
        if self.selected is not None:
            data = pixels.limited(data, self.selected, self.depth)
        name = f"{self.source.name()}, {Path(self.order.style).name}"
        layer = self.document.createNode(name, "paintlayer")
        if (layer.colorModel(), layer.colorDepth()) != ("RGBA", self.depth):
            layer.setColorSpace("RGBA", self.depth, self.source.colorProfile())
        layer.setPixelData(data, 0, 0, *self.size)
        self.source.parentNode().addChildNode(layer, self.source)
        self.document.refreshProjection()
        return f"Painted, as the layer “{name}”."

    def remove_files(self) -> None:
        """Remove what was written on the way."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _painting(self) -> Path:
        return self.folder / "painting.png"


def _problem(document: Any, style: str) -> str:
    """Why the current layer cannot be painted; empty if it can."""
    node = None if document is None else document.activeNode()
    if node is None:
        return "Open an image and choose a layer."
    if not style:
        return "Choose a style: a name, a style code, a picture, or a folder of pictures."
    if not node.type().endswith("layer"):
        return f"{node.name()} is a mask. Choose a layer."
    if node.colorModel() != "RGBA" or node.colorDepth() not in pixels.BYTES:
        return (
            f"{node.name()} is {node.colorModel()} of {node.colorDepth()}, and only RGB/Alpha of 8 "
            "or 16 bit integers can be painted. Image > Convert Image Color Space does that."
        )
    return ""


def _failure(process: QProcess) -> str:
    if process.error() == QProcess.ProcessError.FailedToStart:
        return f"{process.program()} cannot be started: {process.errorString()}"
    return command.reason(_text(process.readAllStandardError()), process.exitCode())


def _text(printed: Any) -> str:
    return bytes(printed).decode("utf-8", "replace")
