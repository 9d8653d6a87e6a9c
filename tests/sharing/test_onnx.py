"""What is exported paints as PyTorch does: by itself, without PyTorch, and as an engine."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import nn

from gan_style import Stylizer
from gan_style.errors import ModelError
from gan_style.sharing import onnx_export, onnx_runtime
from gan_style.sharing.onnx_engine import OnnxEngine
from gan_style.sharing.onnx_export import CHECKED_SIZES, ExportedGraph, export_onnx
from gan_style.sharing.onnx_runtime import OnnxStylizer
from gan_style.shipped import named_styles

pytest.importorskip("onnxruntime", reason="needs the extra onnx")

Exported = tuple[Path, list[ExportedGraph]]
BLOCKED = "import sys, runpy; sys.modules['torch'] = None; sys.argv = sys.argv[1:]; "


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Take an odd size."""
    return Image.fromarray(data.astronaut()).resize((131, 99))


def far(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.mark.long
def test_every_part_is_as_pytorch_at_every_size(exported: Exported) -> None:
    path, written = exported
    assert [each.path.name for each in written] == [
        "model.onnx",
        "model.encoder.onnx",
        "model.enlarge.onnx",
    ]
    for each in written:
        assert each.path.parent == path.parent
        assert each.size == each.path.stat().st_size
        assert set(each.differences) == set(CHECKED_SIZES)
        assert max(each.differences.values()) < 1e-3
    assert sum(each.size for each in written) < 17e6  # of 22 in float32


@pytest.mark.long
@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_paintings_without_pytorch_are_those_of_the_stylizer(
    exported: Exported, shipped: Stylizer, photo: Image.Image, strength: float
) -> None:
    painted = OnnxStylizer(exported[0]).stylize(photo, named_styles()["woodblock"], strength)
    assert far(painted, shipped.stylize(photo, "woodblock", strength)) <= 1
    assert far(painted, photo) > 30


@pytest.mark.long
def test_large_photos_are_painted_over_and_brought_up(
    exported: Exported, shipped: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "CARRIED_SIDE", 64)  # as if 64 were 512, for speed
    monkeypatch.setattr("gan_style.painting.plan.CARRIED_SIDE", 64)
    large = Image.fromarray(data.astronaut()).resize((180, 150))
    style = shipped.styles["woodblock"].read_at((64,))
    code = onnx_runtime.Style(style.mean.numpy(), style.sides, style.model)
    painted = OnnxStylizer(exported[0]).stylize(large, code, 0.6)
    assert far(painted, shipped.stylize(large, style, 0.6)) <= 1


@pytest.mark.long
def test_styles_are_read_as_the_stylizer_reads_them(
    exported: Exported, shipped: Stylizer, photo: Image.Image
) -> None:
    pictures = [photo, photo.transpose(Image.Transpose.ROTATE_180).resize((400, 300))]
    expected, found = shipped.encode(pictures), OnnxStylizer(exported[0]).encode(pictures)
    assert found.sides == expected.sides
    assert np.abs(found.codes - expected.mean.numpy()).max() < 1e-3


@pytest.mark.long
def test_the_standalone_file_runs_where_there_is_no_pytorch(
    exported: Exported, photo: Image.Image, tmp_path: Path
) -> None:
    photo.save(tmp_path / "photo.png")
    script = tmp_path / "paint.py"
    script.write_text(Path(onnx_runtime.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    words = ["photo.png", "--model", str(exported[0]), "-o", "painted.png", "--style"]
    run = [sys.executable, "-I", "-c", BLOCKED + "runpy.run_path(sys.argv[0], None, '__main__')"]
    done = subprocess.run(
        [*run, "paint.py", *words, str(named_styles()["pastel"])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert far(Image.open(tmp_path / "painted.png"), photo) > 30
    done = subprocess.run(
        [*run, "paint.py", *words, "photo.safetensors"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "photo.safetensors is not a style code" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_stylizer_paints_with_onnx_runtime_as_its_engine(
    exported: Exported, shipped: Stylizer, photo: Image.Image
) -> None:
    engine = OnnxEngine(exported[0])
    other = Stylizer.from_pretrained(device="cpu", engine=engine)
    assert far(other.stylize(photo, "mosaic"), shipped.stylize(photo, "mosaic")) <= 1
    with pytest.raises(ModelError, match="export this one anew"):
        Stylizer(shipped.model, "another", torch.device("cpu"), engine=engine)
    with pytest.raises(ModelError, match=r"encoder\.onnx is not a painting"):
        OnnxEngine(exported[1][1].path)


@pytest.mark.long
def test_a_graph_that_computes_something_else_is_not_written(
    shipped: Stylizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Darker(nn.Module):
        def forward(
            self, photo: torch.Tensor, small: torch.Tensor, painted: torch.Tensor
        ) -> object:
            return photo * 0.5

    graph = onnx_export.enlarging_graph()
    for name in ("painting_graph", "reading_graph"):
        monkeypatch.setattr(onnx_export, name, lambda *given: graph)
    for name in ("Painting", "Reading"):
        monkeypatch.setattr(onnx_export, name, lambda model: Darker())
    with pytest.raises(ModelError, match=r"painting differs from PyTorch by 0\.\d+ at 256x256 px"):
        export_onnx(shipped.model, shipped.id, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_constants_of_the_standalone_file_are_those_of_the_package() -> None:
    from gan_style import encoding, sizes
    from gan_style.painting import painter, plan

    for name in ("READING_SIDES", "CARRIED_SIDE", "LONGEST_RATIO"):
        assert getattr(onnx_runtime, name) == getattr(sizes, name)
    assert onnx_runtime.LEAST_SIDE == sizes.MINIMUM_SIDE
    assert onnx_runtime.READ_ALWAYS == sizes.READING_SIDE
    assert onnx_runtime.LARGEST_SIDE == plan._LARGEST_SIDE
    assert onnx_runtime.OWN_SIDE == painter.OWN_SIDE
    assert onnx_runtime.MOST_ENLARGED == encoding._MOST_ENLARGED
