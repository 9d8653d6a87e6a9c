"""examples/quickstart.ipynb runs from top to bottom, and is kept without outputs."""

import io
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "quickstart.ipynb"

nbformat = pytest.importorskip("nbformat", reason="needs the dev extra")
nbclient = pytest.importorskip("nbclient", reason="needs the dev extra")
pytest.importorskip("ipykernel", reason="needs the dev extra")


def test_is_kept_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(not each.get("outputs") and not each.get("execution_count") for each in cells)


@pytest.mark.long
def test_runs_and_shows_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # two wait for each other while other tests run
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(tmp_path))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [each for each in outputs if "image/png" in each.get("data", {})]
    assert len(pictures) == 4
    [archive] = tmp_path.glob("gan-style-*/gan-style.zip")
    names = zipfile.ZipFile(archive).namelist()
    assert {"painted.png", "model/model.safetensors"} <= set(names)


def test_pictures_can_be_uploaded_in_colab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("more/b.png", picture("blue"))
    chosen = [{"a.png": picture("red"), "rest.zip": packed.getvalue()}, {"c.png": picture("green")}]
    colab = ModuleType("google.colab")
    colab.files = SimpleNamespace(upload=lambda: chosen.pop(0))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    [source] = [each.source for each in cells if "def upload" in each.source]
    exec(compile(source, "upload", "exec"), {"sys": sys})
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Choose pictures of the style:"
    assert shown[-1] == "2 pictures of the style; the first photo is c.png"


def picture(color: str) -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(file, "PNG")
    return file.getvalue()
