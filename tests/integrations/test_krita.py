"""The Krita plug-in: what it calls, what it reads, and its docker on a stand-in of Krita.

The docker's tests need PyQt, which the plug-in has from Krita and the package never imports:
`pip install PyQt5` (or PyQt6) runs them. Without it they are skipped.
"""

import ast
import configparser
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import krita_stand_in
import numpy as np
import pytest
from krita_stand_in import BINDING
from PIL import Image

from gan_style import Stylizer
from gan_style.painting.config import PaintConfig
from gan_style.shipped import named_styles

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "krita"
PLUG_IN = FOLDER / "gan_style_krita"
needs_qt = pytest.mark.skipif(BINDING is None, reason="needs PyQt5 or PyQt6")
SIDES = (60, 80)  # height and width
PATIENCE = 240.0  # seconds


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the part that needs neither Krita nor Qt."""
    monkeypatch.syspath_prepend(PLUG_IN)
    monkeypatch.delitem(sys.modules, "command", raising=False)
    return importlib.import_module("command")


@pytest.fixture(scope="module")
def photo() -> Any:
    """An RGBA picture of 8 bits, (60, 80, 4), whose right side is half transparent."""
    pixels = np.random.default_rng(5).integers(0, 256, (6, 8, 4), dtype=np.uint8)
    pixels = pixels.repeat(10, 0).repeat(10, 1)
    pixels[..., 3] = 255
    pixels[:, 60:, 3] = 128
    return pixels


# ---------------------------------------------------------------------- without Qt


def test_krita_finds_the_plug_in_and_its_python_can_read_it() -> None:
    described = configparser.ConfigParser()
    described.read(FOLDER / "gan_style_krita.desktop", encoding="utf-8")
    entry = described["Desktop Entry"]
    assert entry["ServiceTypes"] == "Krita/PythonPlugin"
    assert (FOLDER / entry["X-KDE-Library"] / "__init__.py").is_file()
    assert (FOLDER / entry["X-KDE-Library"] / entry["X-Krita-Manual"]).is_file()
    for file in PLUG_IN.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))
        imported = [name for each in ast.walk(tree) for name in imports(each)]
        assert not {name for name in imported if name.partition(".")[0] in ("gan_style", "torch")}


def imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_command_it_builds_paints(
    command: ModuleType, photo: Any, tiny_run: Path, tmp_path: Path, stylizer: Stylizer
) -> None:
    Image.fromarray(photo).save(tmp_path / "in.png")
    order = command.Order("ink", str(tiny_run), 0.8, 1.5, keep_color=True)
    words = order.words(str(tmp_path / "in.png"), str(tmp_path / "out.png"))
    done = called([*words, "--device", "cpu"])
    assert done.returncode == 0, done.stderr
    painted = np.array(Image.open(tmp_path / "out.png"))
    config = PaintConfig(strength=0.8, stroke_size=1.5, keep_color=True)
    expected = stylizer.paint(photo[..., :3], stylizer.styles["ink"], config)
    assert np.array_equal(painted[..., :3], expected)
    assert np.array_equal(painted[..., 3], photo[..., 3])


def called(words: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "gan_style", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_it_reads_what_the_command_prints(command: ModuleType, tiny_run: Path) -> None:
    listed = called(command.listing(str(tiny_run)))
    assert command.names(listed.stdout) == ["ink", "oil"]
    assert command.names(called(command.listing("")).stdout) == list(named_styles())
    failed = called(command.Order("no-such-style").words(str(tiny_run / "gone.png"), "out.png"))
    assert command.reason(failed.stderr, failed.returncode).endswith("gone.png does not exist")
    assert command.reason("", 9) == "gan-style ended with 9 and said nothing"


def test_krita_s_own_python_is_kept_from_the_command(command: ModuleType) -> None:
    inherited = {
        "HOME": "/home/ada",
        "APPDIR": "/tmp/.mount_krita",
        "PYTHONHOME": "/tmp/.mount_krita/usr",
        "PYTHONPATH": "/tmp/.mount_krita/usr/lib/krita-python-libs",
        "LD_LIBRARY_PATH": os.pathsep.join(["/tmp/.mount_krita/usr/lib", "/opt/cuda/lib"]),
    }
    clean = command.environment(inherited)
    assert clean["LD_LIBRARY_PATH"] == "/opt/cuda/lib"
    assert clean["HOME"] == "/home/ada"
    assert not {"PYTHONHOME", "PYTHONPATH"} & clean.keys()


def test_the_command_is_looked_for(
    command: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert command.find("") is None
    for folder in (tmp_path / ".local" / "bin", tmp_path / "venv"):
        folder.mkdir(parents=True)
        program = folder / "gan-style"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    assert command.find("") == str(tmp_path / ".local" / "bin" / "gan-style")
    assert command.find(str(tmp_path / "venv" / "gan-style")) == str(program)
    assert command.find(str(tmp_path / "gone")) is None


# ---------------------------------------------------------------------- with Qt


@pytest.fixture(scope="module")
def application() -> Any:
    """Start Qt without a screen."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    widgets = importlib.import_module(f"{BINDING}.QtWidgets")
    return widgets.QApplication.instance() or widgets.QApplication([])


@pytest.fixture
def program() -> krita_stand_in.Krita:
    """Return a Krita with nothing open."""
    return krita_stand_in.Krita()


@pytest.fixture
def plug_in(
    application: Any, program: krita_stand_in.Krita, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """Import the plug-in as Krita does, with a command that is this checkout's."""
    widgets = importlib.import_module(f"{BINDING}.QtWidgets")
    module = krita_stand_in.krita_module(program, widgets.QDockWidget)
    monkeypatch.setitem(sys.modules, "krita", module)
    monkeypatch.syspath_prepend(FOLDER)
    for name in [name for name in sys.modules if name.startswith("gan_style_krita")]:
        monkeypatch.delitem(sys.modules, name)
    script = tmp_path / "gan-style"
    root = FOLDER.parents[1]
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        "from gan_style.cli.main import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    program.settings["gan_style", "command"] = str(script)
    return importlib.import_module("gan_style_krita")


@pytest.fixture
def docker(plug_in: ModuleType, program: krita_stand_in.Krita, tiny_run: Path) -> Any:
    """Open the docker, with the model of a tiny run."""
    program.settings["gan_style", "model"] = str(tiny_run)
    ((name, _, kind),) = program.factories
    assert name == "gan_style"
    return kind()


def wait(application: Any, is_reached: Callable[[], bool]) -> None:
    ended = time.monotonic() + PATIENCE
    while not is_reached():
        assert time.monotonic() < ended
        application.processEvents()
        time.sleep(0.01)


def krita_bytes(pixels: Any) -> bytes:
    """Krita's order of channels: blue, green, red, alpha."""
    return bytes(np.ascontiguousarray(pixels[..., [2, 1, 0, 3]]).tobytes())


def opened(program: krita_stand_in.Krita, pixels: Any) -> krita_stand_in.Document:
    depth = "U8" if pixels.dtype == np.uint8 else "U16"
    size = (pixels.shape[1], pixels.shape[0])
    program.open.append(krita_stand_in.Document(size, depth, krita_bytes(pixels)))
    return program.open[-1]


def layer_above(document: krita_stand_in.Document, dtype: Any) -> Any:
    """The new layer's pixels, RGBA."""
    below, above = document.root.children
    assert below is document.active
    assert above.colorDepth() == document.depth
    values = np.frombuffer(above.data, dtype).reshape(*SIDES, 4)
    return values[..., [2, 1, 0, 3]]


@needs_qt
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_layer_is_painted_where_something_is_selected(
    docker: Any,
    application: Any,
    program: krita_stand_in.Krita,
    stylizer: Stylizer,
    photo: Any,
    dtype: Any,
) -> None:
    pixels = photo if dtype == np.uint8 else photo.astype(np.uint16) * 257
    document = opened(program, pixels)
    selected = np.zeros(SIDES, np.uint8)
    selected[:, 20:] = 255
    selected[:20] = 100
    document.selected = krita_stand_in.Selection(selected.tobytes())
    wait(application, lambda: docker.panel.chosen_style() == "ink")
    docker.paint_layer()
    assert not docker.panel.paint.isEnabled()
    folder = docker._job.folder
    wait(application, docker.panel.paint.isEnabled)
    assert docker.panel.message.text() == "Painted, as the layer “Photo, ink”."
    assert document.active.data == krita_bytes(pixels)
    assert document.refreshed == 1
    assert not folder.exists()
    painted = layer_above(document, dtype)
    expected = stylizer.paint(pixels[..., :3], stylizer.styles["ink"])
    shown = painted[..., 3] > 0
    assert np.array_equal(painted[..., :3][shown], expected[shown])
    alpha = pixels[..., 3].astype(float) * selected / 255
    assert np.abs(painted[..., 3] - alpha).max() <= 0.5


@needs_qt
def test_painting_is_canceled_and_nothing_is_changed(
    docker: Any, application: Any, program: krita_stand_in.Krita, photo: Any
) -> None:
    document = opened(program, photo)
    wait(application, lambda: docker.panel.chosen_style() == "ink")
    docker.paint_layer()
    folder = docker._job.folder
    docker.cancel()
    wait(application, docker.panel.paint.isEnabled)
    assert docker.panel.message.text() == "Canceled; nothing was changed."
    assert len(document.root.children) == 1
    assert not folder.exists()


@needs_qt
def test_why_a_layer_is_not_painted_is_said(
    docker: Any, application: Any, program: krita_stand_in.Krita, photo: Any
) -> None:
    said = docker.panel.message.text
    wait(application, lambda: docker.panel.chosen_style() == "ink")
    docker.paint_layer()
    assert said() == "Open an image and choose a layer."
    document = opened(program, photo)
    docker.panel.styles.setEditText("no-such-style")
    docker.paint_layer()
    wait(application, docker.panel.paint.isEnabled)
    assert "no-such-style" in said()
    assert "\n" not in said()
    document.active.model = "CMYKA"
    docker.paint_layer()
    assert "CMYKA of U8" in said()
    document.active.model, document.active._kind = "RGBA", "transparencymask"
    docker.paint_layer()
    assert "is a mask" in said()
    docker.panel.command.setText("/nowhere/gan-style")
    docker.paint_layer()
    assert "was not found" in said()
    assert len(document.root.children) == 1


@needs_qt
def test_an_image_that_changed_meanwhile_is_left_alone(
    docker: Any, application: Any, program: krita_stand_in.Krita, photo: Any
) -> None:
    wait(application, lambda: docker.panel.chosen_style() == "ink")
    document = opened(program, photo)
    docker.paint_layer()
    document.size = (10, 10)
    wait(application, docker.panel.paint.isEnabled)
    assert "another size" in docker.panel.message.text()
    document.size = (80, 60)
    docker.paint_layer()
    program.open.remove(document)
    wait(application, docker.panel.paint.isEnabled)
    assert "was closed" in docker.panel.message.text()
    assert len(document.root.children) == 1


@needs_qt
def test_settings_are_kept(
    docker: Any, application: Any, program: krita_stand_in.Krita, tiny_run: Path
) -> None:
    assert docker.panel.model.text() == str(tiny_run)
    docker.panel._take("base", docker.panel.model.setText)  # as the button does
    assert program.settings["gan_style", "model"] == "base"
    wait(application, lambda: docker.panel.styles.count() == len(named_styles()))
