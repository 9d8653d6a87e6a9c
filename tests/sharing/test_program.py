"""The program of torch.export paints as the model, at sizes other than that of its example."""

from pathlib import Path

import pytest
import torch

from gan_style import Stylizer
from gan_style.sharing.graphs import Painting
from gan_style.sharing.program import export_program


@pytest.mark.long
def test_the_program_is_for_all_sizes(shipped: Stylizer, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    found = export_program(shipped.model, path)
    assert max(found.values()) < 1e-3
    program = torch.export.load(path).module()
    given = torch.rand(1, 3, 48, 80), torch.randn(1, 256), torch.ones(1)
    with torch.no_grad():
        assert torch.allclose(program(*given), Painting(shipped.model)(*given), atol=1e-3)
    assert list(tmp_path.iterdir()) == [path]
