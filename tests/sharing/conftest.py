"""What tests of sharing have in common: a model exported once, and small examples."""

from pathlib import Path

import pytest

from gan_style import Stylizer
from gan_style.sharing.onnx_export import ExportedGraph, export_onnx


@pytest.fixture(autouse=True)
def _small_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paint the examples of model cards small: their size is not what is tested."""
    monkeypatch.setattr("gan_style.hub_model._EXAMPLE_SIDE", 48)


@pytest.fixture(scope="session")
def shipped() -> Stylizer:
    """Load the shipped model, in the precision of what is exported."""
    loaded = Stylizer.from_pretrained(device="cpu")
    loaded.precision = "float32"
    return loaded


@pytest.fixture(scope="session")
def exported(
    shipped: Stylizer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[ExportedGraph]]:
    """Export it with weights in half precision: the file of the painting, and what was written."""
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    return path, export_onnx(shipped.model, shipped.id, path, half=True)
