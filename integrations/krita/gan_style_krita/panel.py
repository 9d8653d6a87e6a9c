"""What is shown in the docker: the fields of an order, two buttons, and a line of text."""

from typing import Callable, List

try:
    from PyQt6 import sip
    from PyQt6.QtCore import QProcess, QProcessEnvironment
    from PyQt6.QtWidgets import (
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFileDialog,
        QFormLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QProgressBar,
        QPushButton,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
except ImportError:  # Krita 5
    from PyQt5 import sip
    from PyQt5.QtCore import QProcess, QProcessEnvironment
    from PyQt5.QtWidgets import (
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFileDialog,
        QFormLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QProgressBar,
        QPushButton,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )

from .command import Order

__all__ = ["Panel", "QProcess", "QProcessEnvironment", "sip"]


class Panel(QWidget):
    """The fields.

    Args:
        changed: is called when a setting has another value.

    Attributes:
        settings: fields that are kept from one start of Krita to the next, by name.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self.changed = changed
        self.styles = QComboBox()
        self.styles.setEditable(True)
        self.styles.setToolTip("A name, or a style code, a picture, or a folder of pictures")
        self.model = _line("base", "A run folder or a model file; base is shipped with gan-style")
        self.strength = _number(0, 1, "0 is the layer, 1 the full style")
        self.stroke_size = _number(0.5, 4, "Times as large strokes as in the style's pictures")
        self.keep_color = QCheckBox("Keep the layer's colors")
        self.command = _line("found by itself", "The file of the installed command gan-style")
        self.settings = {"model": self.model, "command": self.command}
        for field in self.settings.values():
            field.editingFinished.connect(changed)
        self.paint = QPushButton("Paint this layer")
        self.cancel = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)  # it moves, and says no share
        self.message = QLabel()
        self.message.setWordWrap(True)
        self._lay_out()
        self.set_busy(False)

    def chosen_style(self) -> str:
        """The style that is chosen or typed."""
        return str(self.styles.currentText()).strip()

    def order(self) -> Order:
        """All that is chosen."""
        return Order(
            style=self.chosen_style(),
            model=str(self.model.text()).strip() or "base",
            strength=self.strength.value(),
            stroke_size=self.stroke_size.value(),
            keep_color=self.keep_color.isChecked(),
        )

    def list_styles(self, names: List[str]) -> None:
        """Offer these; what is typed stays."""
        before = self.chosen_style()
        self.styles.clear()
        self.styles.addItems(names)
        self.styles.setEditText(before or (names[0] if names else ""))

    def set_busy(self, busy: bool) -> None:
        """Whether something is being painted."""
        self.paint.setEnabled(not busy)
        self.cancel.setEnabled(busy)
        self.progress.setVisible(busy)

    def say(self, text: str) -> None:
        """Show a line of text."""
        self.message.setText(text)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Style", _row(self.styles, *self._choosers(self.styles.setEditText)))
        form.addRow("Strength", self.strength)
        form.addRow("Stroke size", self.stroke_size)
        form.addRow(self.keep_color)
        form.addRow("Model", _row(self.model, *self._choosers(self.model.setText)))
        form.addRow("Command", _row(self.command, *self._choosers(self.command.setText)[:1]))
        whole = QVBoxLayout(self)
        whole.addLayout(form)
        whole.addWidget(_row(self.paint, self.cancel))
        whole.addWidget(self.progress)
        whole.addWidget(self.message)
        whole.addStretch()

    def _choosers(self, take: Callable[[str], None]) -> List[QToolButton]:
        """A button that chooses a file, and one that chooses a folder."""

        def choose_file() -> None:
            place, _ = QFileDialog.getOpenFileName(self, "Choose a file")
            self._take(place, take)

        def choose_folder() -> None:
            self._take(QFileDialog.getExistingDirectory(self, "Choose a folder"), take)

        return [_button("File", choose_file), _button("Folder", choose_folder)]

    def _take(self, place: str, take: Callable[[str], None]) -> None:
        if place:
            take(place)
            self.changed()


def _line(shown: str, about: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(shown)
    line.setToolTip(about)
    return line


def _number(least: float, most: float, about: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(least, most)
    box.setSingleStep(0.05)
    box.setValue(1)
    box.setToolTip(about)
    return box


def _button(text: str, press: Callable[[], None]) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.clicked.connect(lambda *_: press())
    return button


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.setStretch(0, 1)
    return row
