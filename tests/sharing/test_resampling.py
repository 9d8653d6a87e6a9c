"""Products with matrices of weights are what PyTorch's antialiased interpolation is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.sharing.resampling import bicubic, bilinear


@pytest.mark.parametrize(("mode", "resize"), [("bilinear", bilinear), ("bicubic", bicubic)])
@pytest.mark.parametrize("sides", [(64, 50), (31, 77), (96, 75), (130, 75)])
def test_resampling_is_that_of_pytorch(
    mode: str, resize: Callable[..., Tensor], sides: tuple[int, int]
) -> None:
    maps = torch.rand(2, 3, 96, 75, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps, sides, mode=mode, antialias=True)
    assert torch.allclose(resize(maps, sides), expected, atol=2e-5)
