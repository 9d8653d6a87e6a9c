"""A model exported once for all tests of this room."""

from pathlib import Path

import pytest

from gan_style import Stylizer
from gan_style.sharing.onnx_export import ExportedGraph, export_onnx


@pytest.fixture(scope="session")
def stylizer() -> Stylizer:
    """Load the shipped model, in the precision of what is exported."""
    loaded = Stylizer.from_pretrained(device="cpu")
    loaded.precision = "float32"
    return loaded


@pytest.fixture(scope="session")
def exported(
    stylizer: Stylizer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[ExportedGraph]]:
    """Export it with weights in half precision: the file of the painting, and what was written."""
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    return path, export_onnx(stylizer.model, stylizer.id, path, half=True)
