"""Resizing with a gradient that is summed in a fixed order, against PyTorch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.models import resizing
from gan_style.models.resizing import doubled, reduced

KINDS = [torch.float32, torch.bfloat16]


@pytest.fixture
def _fixed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resizing, "_in_fixed_order", lambda maps: True)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def check(resized: Tensor, ours: Tensor, expected: Tensor, theirs: Tensor) -> None:
    assert torch.equal(resized, expected)
    assert type(resized.grad_fn).__name__.startswith("FixedOrderResize")
    upstream = drawn(*expected.shape, seed=1).to(expected.dtype)
    (got,) = torch.autograd.grad(resized, ours, upstream)
    (wanted,) = torch.autograd.grad(expected, theirs, upstream)
    assert got.dtype == wanted.dtype
    rounding = 0.05 if got.dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(got, wanted, atol=rounding, rtol=0)


@pytest.mark.usefixtures("_fixed_order")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 1), (4, 7), (12, 9)])
def test_doubling_is_pytorchs(
    size: tuple[int, int], layout: torch.memory_format, kind: torch.dtype
) -> None:
    maps = drawn(2, 3, *size).to(kind).contiguous(memory_format=layout)
    ours, theirs = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    expected = F.interpolate(theirs, scale_factor=2, mode="bilinear")
    check(doubled(ours), ours, expected, theirs)


@pytest.mark.usefixtures("_fixed_order")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("sides", [(16, 16), (24, 36), (48, 72), (17, 40)])
def test_reducing_is_pytorchs(sides: tuple[int, int], layout: torch.memory_format) -> None:
    pictures = drawn(2, 3, 48, 72).contiguous(memory_format=layout)
    ours, theirs = pictures.clone().requires_grad_(), pictures.clone().requires_grad_()
    expected = F.interpolate(theirs, sides, mode="bicubic", antialias=True)
    check(reduced(ours, sides), ours, expected, theirs)


def test_the_cpu_has_pytorchs_own_whose_order_is_fixed_there() -> None:
    maps = drawn(1, 3, 32, 32).requires_grad_()
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        kinds = [type(out.grad_fn).__name__ for out in (doubled(maps), reduced(maps, (16, 16)))]
    finally:
        torch.use_deterministic_algorithms(before)
    assert kinds == ["UpsampleBilinear2DBackward0", "UpsampleBicubic2DAaBackward0"]
