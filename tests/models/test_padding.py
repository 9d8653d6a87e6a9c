"""Reflection padding with channels last against PyTorch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.models.padding import ChannelsLastReflection, reflection_pad

WIDTHS = [1, 3]  # of kernels of 3 and 7 px
SIZES = [(32, 32), (33, 47), (8, 5), (4, 4)]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def channels_last_pad(maps: Tensor, width: int) -> Tensor:
    out: Tensor = ChannelsLastReflection.apply(maps, width)
    return out


def test_padding_by_hand() -> None:
    row = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    expected = [[5, 4, 5, 6, 5], [2, 1, 2, 3, 2], [5, 4, 5, 6, 5], [2, 1, 2, 3, 2]]
    assert channels_last_pad(row, 1)[0, 0].tolist() == expected


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [*WIDTHS, 2])
def test_values_and_gradients_are_those_of_pytorch(
    width: int, size: tuple[int, int], layout: torch.memory_format, kind: torch.dtype
) -> None:
    maps = drawn(2, 3, *size).to(kind).contiguous(memory_format=layout)
    ours, theirs = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    padded = channels_last_pad(ours, width)
    expected = F.pad(theirs, (width,) * 4, mode="reflect")
    assert torch.equal(padded, expected)
    assert padded.dtype == kind
    upstream = drawn(*expected.shape, seed=1).to(kind)
    (got,) = torch.autograd.grad(padded, ours, upstream)
    (wanted,) = torch.autograd.grad(expected, theirs, upstream)
    assert got.dtype == kind
    # nine numbers at most are added up, in another order
    torch.testing.assert_close(got, wanted, atol=0.1 if kind == torch.bfloat16 else 1e-5, rtol=0)


@pytest.mark.parametrize("width", WIDTHS)
def test_channels_stay_last_in_both_directions(width: int) -> None:
    maps = drawn(2, 5, 9, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    padded = channels_last_pad(maps, width)
    assert padded.is_contiguous(memory_format=torch.channels_last)
    upstream = torch.ones_like(padded)
    (gradient,) = torch.autograd.grad(padded, maps, upstream)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_the_gradient_by_finite_differences() -> None:
    maps = drawn(1, 2, 5, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: channels_last_pad(x, 2), (maps,))


def test_a_second_derivative_is_refused() -> None:
    maps = drawn(1, 1, 4, 4).requires_grad_()
    padded = channels_last_pad(maps, 1)
    (first,) = torch.autograd.grad(padded.square().sum(), maps, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_autocast_does_not_change_the_type(kind: torch.dtype) -> None:
    maps = drawn(1, 2, 6, 6).to(kind)
    with torch.autocast("cpu", torch.bfloat16):
        assert reflection_pad(maps, 1).dtype == channels_last_pad(maps, 1).dtype == kind
        assert torch.equal(reflection_pad(maps, 1), channels_last_pad(maps, 1))
