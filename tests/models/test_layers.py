from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.models.layers import (
    Convolution,
    GlobalStatistics,
    ModulatedConvolution,
    ModulatedResidual,
    Modulation,
    _NormalizeModulate,
    channel_statistics,
)
from gan_style.models.statistics import quick_moments

CODE = 6
Module = TypeVar("Module", bound=nn.Module)
LAYOUTS = [torch.contiguous_format, torch.channels_last]


def drawn(*shape: int, seed: int = 0, kind: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def redrawn(module: Module) -> Module:
    """Draw all its parameters anew, so that no part stands still."""
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return module


# ---------------------------------------------------------------------- convolution


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (8, 5)])
def test_convolution_keeps_the_size_or_halves_it(size: int, height: int, width: int) -> None:
    maps = drawn(1, 2, height, width)
    assert Convolution(2, 4, size)(maps).shape == (1, 4, height, width)
    halved = Convolution(2, 4, size, stride=2)(maps)
    assert halved.shape == (1, 4, (height + 1) // 2, (width + 1) // 2)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_convolution_is_the_same_with_and_without_gradients(size: int, stride: int) -> None:
    convolution = Convolution(2, 3, size, stride)
    maps = drawn(2, 2, 9, 8).requires_grad_()
    taught = convolution(maps)
    with torch.no_grad():
        used = convolution(maps)
    assert torch.allclose(taught, used, atol=1e-6)
    padded = F.pad(maps, (size // 2,) * 4, mode="reflect") if size > 1 else maps
    expected = F.conv2d(padded, convolution.weight, convolution.bias, stride=stride)
    assert torch.allclose(taught, expected, atol=1e-6)
    upstream = drawn(*expected.shape, seed=1)
    (got,) = torch.autograd.grad(taught, maps, upstream)
    (wanted,) = torch.autograd.grad(expected, maps, upstream)
    assert torch.allclose(got, wanted, atol=1e-5)


def test_convolution_leaves_a_flat_map_flat_up_to_its_border() -> None:
    maps = torch.full((1, 3, 9, 9), 0.7)
    out = redrawn(Convolution(3, 4, 7))(maps)
    assert (out.amax((2, 3)) - out.amin((2, 3))).max() < 1e-5
    assert out.abs().max() > 0.1


def test_convolution_starts_without_bias_and_keeps_the_spread() -> None:
    torch.manual_seed(0)
    convolution = Convolution(64, 64)
    assert convolution.bias is not None
    assert not convolution.bias.any()
    # He et al. 2015: relu(x) of unit deviation in, twice its mean square (1/2) out
    out = convolution(F.relu(drawn(2, 64, 32, 32)))
    assert out.square().mean().item() == pytest.approx(1, abs=0.15)


# ---------------------------------------------------------------------- statistics


def test_channel_statistics_by_hand() -> None:
    maps = torch.tensor([[[[1.0, 3.0]], [[-2.0, 4.0]]]])
    mean, inverse = channel_statistics(maps)
    assert mean.flatten().tolist() == [2.0, 1.0]
    expected = [(1 + 1e-2) ** -0.5, (9 + 1e-2) ** -0.5]
    assert inverse.flatten().tolist() == pytest.approx(expected)
    assert mean.shape == inverse.shape == (1, 2, 1, 1)


@pytest.mark.parametrize("value", [0.0, 0.1, 3.3, -100.7])
def test_statistics_of_a_flat_map_are_finite(value: float) -> None:
    mean, inverse = channel_statistics(torch.full((1, 1, 50, 50), value))
    assert mean.item() == pytest.approx(value, rel=1e-5)
    assert 0 < inverse.item() <= 100.01


def test_statistics_are_float32_for_bfloat16_maps() -> None:
    maps = drawn(2, 3, 40, 40).bfloat16()
    mean, inverse = channel_statistics(maps)
    assert mean.dtype == inverse.dtype == torch.float32
    assert torch.allclose(mean[..., 0, 0], maps.float().mean((2, 3)), atol=1e-3)
    deviation = (maps.float().var((2, 3), correction=0) + 1e-2).sqrt()
    assert torch.allclose(1 / inverse[..., 0, 0], deviation, rtol=5e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 3, 300, 700), (2, 5, 33, 47), (1, 2, 2, 70_000)])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_quick_moments_are_the_moments(
    shape: tuple[int, int, int, int], layout: torch.memory_format, kind: torch.dtype
) -> None:
    """One band of rows, several, and rows longer than a band."""
    maps = (drawn(*shape) * 1.5 + 0.4).to(kind).contiguous(memory_format=layout)
    exact = maps.double().mean((2, 3), keepdim=True), maps.double().square().mean((2, 3), True)
    for got, expected in zip(quick_moments(maps), exact, strict=True):
        assert got.dtype == torch.float32
        assert got.shape == expected.shape
        assert torch.allclose(got.double(), expected, rtol=1e-4, atol=1e-5)


def test_quick_moments_of_a_large_map_lose_no_digits() -> None:
    """2**24 ones, added up one after another in float32, are not more than 2**24."""
    mean, square = quick_moments(torch.ones(1, 1, 1, 1).expand(1, 1, 6000, 6000))
    assert mean.item() == pytest.approx(1, rel=1e-5)
    assert square.item() == pytest.approx(1, rel=1e-5)


def test_statistics_are_kept_and_given_again() -> None:
    statistics = GlobalStatistics()
    one, two = drawn(1, 2, 5, 5), drawn(1, 2, 5, 5, seed=1) * 3 + 1
    statistics.keep = True
    measured = statistics(one)
    statistics.keep, statistics.reuse = False, True
    assert all(map(torch.equal, statistics(two), measured))
    statistics.reuse = False
    assert not torch.allclose(statistics(two)[0], measured[0])


def test_statistics_cannot_be_reused_before_they_are_measured() -> None:
    statistics = GlobalStatistics()
    statistics(drawn(1, 2, 5, 5))  # not told to keep these
    statistics.reuse = True
    with pytest.raises(AssertionError, match="measured before"):
        statistics(drawn(1, 2, 5, 5))


# ---------------------------------------------------------------------- modulation


def plain_modulation(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    mean = maps.mean((2, 3), keepdim=True)
    variance = (maps - mean).square().mean((2, 3), keepdim=True)
    return scale * (maps - mean) / (variance + 1e-2).sqrt() + shift


@pytest.mark.parametrize("shape", [(2, 3, 8, 9), (1, 1, 2, 2), (3, 5, 1, 7), (2, 4, 33, 47)])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_modulation_and_its_gradients_are_those_of_plain_pytorch(
    shape: tuple[int, int, int, int], layout: torch.memory_format, kind: torch.dtype
) -> None:
    """The sums inside are float32 in any case, so float64 agrees to float32 precision."""
    batch, channels = shape[:2]
    maps = (drawn(*shape, kind=kind) * 1.5 + 0.4).contiguous(memory_format=layout)
    scale, shift = (drawn(batch, channels, 1, 1, seed=s, kind=kind) for s in (1, 2))
    upstream = drawn(*shape, seed=3, kind=kind).contiguous(memory_format=layout)
    results = []
    for function in (_NormalizeModulate.apply, plain_modulation):
        inputs = [t.clone().requires_grad_() for t in (maps, scale, shift)]
        out = function(*inputs)
        results.append((out, *torch.autograd.grad(out, inputs, upstream)))
    for got, expected in zip(*results, strict=True):
        assert got.dtype == kind
        assert torch.allclose(got, expected, atol=1e-4, rtol=1e-4)


def test_modulation_gradient_by_finite_differences() -> None:
    """Central differences in float32, wide steps: what gradcheck does in float64."""
    maps = drawn(1, 2, 3, 3) * 2
    scale, shift = drawn(1, 2, 1, 1, seed=1), drawn(1, 2, 1, 1, seed=2)
    weight = drawn(1, 2, 3, 3, seed=3)

    def value(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        out: Tensor = _NormalizeModulate.apply(maps, scale, shift)
        return (out * weight).sum()

    inputs = [t.requires_grad_() for t in (maps, scale, shift)]
    gradients = torch.autograd.grad(value(*inputs), inputs)
    for index, gradient in enumerate(gradients):
        for place in range(gradient.numel()):
            ends = []
            for step in (0.02, -0.02):
                moved = [t.detach().clone() for t in inputs]
                moved[index].view(-1)[place] += step
                ends.append(value(*moved).item())
            difference = (ends[0] - ends[1]) / 0.04
            assert difference == pytest.approx(gradient.flatten()[place].item(), abs=2e-3)


def test_modulation_is_the_same_with_and_without_gradients() -> None:
    modulation = Modulation(4, CODE)
    maps, code = drawn(2, 4, 7, 5).requires_grad_(), drawn(2, CODE, seed=1)
    taught = modulation(maps, code)
    with torch.no_grad():
        assert torch.allclose(modulation(maps, code), taught, atol=1e-6)


@pytest.mark.parametrize("pictures", [1, 2])
@pytest.mark.parametrize(("kind", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 0.04)])
def test_modulation_is_the_same_in_inference_mode(
    pictures: int, kind: torch.dtype, near: float
) -> None:
    modulation = Modulation(4, CODE)
    maps, code = drawn(pictures, 4, 70, 50).to(kind), drawn(pictures, CODE, seed=1)
    with torch.no_grad():
        plain = modulation(maps, code)
    with torch.inference_mode():
        quick = modulation(maps, code)
    assert quick.dtype == kind
    assert torch.allclose(quick, plain, atol=near)


@pytest.mark.parametrize("pictures", [1, 2])
def test_kept_statistics_are_the_same_in_inference_mode(pictures: int) -> None:
    modulation = Modulation(4, CODE)
    whole, maps = drawn(1, 4, 20, 30) * 3 + 1, drawn(pictures, 4, 7, 5)
    code = drawn(1, CODE, seed=1).expand(pictures, -1)
    results = []
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            modulation.statistics.keep, modulation.statistics.reuse = True, False
            modulation(whole, code[:1])
            modulation.statistics.keep, modulation.statistics.reuse = False, True
            results.append(modulation(maps, code))
    assert torch.allclose(*results, atol=1e-5)


def test_code_sets_mean_and_deviation_of_each_channel() -> None:
    modulation = Modulation(4, CODE)
    code = drawn(2, CODE, seed=1)
    out = modulation(drawn(2, 4, 40, 30) * 5 + 3, code).detach()
    scale, shift = modulation.affine(code).detach().chunk(2, dim=1)
    assert torch.allclose(out.mean((2, 3)), shift, atol=1e-4)
    assert torch.allclose(out.std((2, 3), correction=0), (1 + scale).abs(), atol=1e-3)
    assert not torch.allclose(scale[0], scale[1])


def test_a_zero_code_only_normalizes() -> None:
    out = Modulation(3, CODE)(drawn(1, 3, 20, 20) * 4 - 2, torch.zeros(1, CODE)).detach()
    assert torch.allclose(out.mean((2, 3)), torch.zeros(1, 3), atol=1e-5)
    assert torch.allclose(out.std((2, 3), correction=0), torch.ones(1, 3), atol=1e-3)


def test_modulation_does_not_mix_pictures() -> None:
    modulation = Modulation(3, CODE)
    maps, code = drawn(3, 3, 6, 6), drawn(3, CODE, seed=1)
    together = modulation(maps, code)
    for i in range(3):
        alone = modulation(maps[i : i + 1], code[i : i + 1])
        assert torch.allclose(alone[0], together[i], atol=1e-5)


@pytest.mark.parametrize("gradients", [False, True])
def test_modulation_keeps_the_type_of_its_maps(gradients: bool) -> None:
    maps = drawn(1, 3, 8, 8).bfloat16().requires_grad_(gradients)
    out = Modulation(3, CODE)(maps, drawn(1, CODE))
    assert out.dtype == torch.bfloat16
    if gradients:
        (gradient,) = torch.autograd.grad(out.float().sum(), maps)
        assert gradient.dtype == torch.bfloat16


# ---------------------------------------------------------------------- blocks of the generator


def test_residual_block_keeps_its_shape_and_its_input_on_the_side() -> None:
    block = ModulatedResidual(4, CODE)
    maps, code = drawn(2, 4, 9, 7), drawn(2, CODE, seed=1)
    assert block(maps, code).shape == maps.shape
    block.second_modulation.affine.weight.data.zero_()
    block.second_modulation.affine.bias.data[:4] = -1  # 1 + scale is 0, and so is the shift
    assert torch.allclose(block(maps, code), maps, atol=1e-6)


def changed_by(block: Callable[[Tensor], Tensor], code: Tensor) -> float:
    return (block(code) - block(code + 0.5)).abs().max().item()


def test_every_block_listens_to_its_code() -> None:
    maps, code = drawn(1, 4, 9, 7), drawn(1, CODE, seed=1)
    residual, convolution = ModulatedResidual(4, CODE), ModulatedConvolution(4, 4, CODE)
    assert changed_by(lambda c: residual(maps, c), code) > 0.01
    assert changed_by(lambda c: convolution(maps, c), code) > 0.01


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (9, 12)),
        ({"stride": 2}, (5, 6)),
        ({"size": 7, "stride": 2}, (5, 6)),
        ({"enlarge": True}, (18, 24)),
    ],
)
def test_modulated_convolution_shapes(options: dict[str, Any], shape: tuple[int, int]) -> None:
    out = ModulatedConvolution(3, 5, CODE, **options)(drawn(2, 3, 9, 12), drawn(2, CODE))
    assert out.shape == (2, 5, *shape)
    assert out.min() >= 0
    assert out.max() > 0


def test_enlarging_a_flat_map_leaves_no_checkerboard() -> None:
    block = redrawn(ModulatedConvolution(3, 5, CODE, enlarge=True))
    out = block.convolution(F.interpolate(torch.full((1, 3, 6, 6), 0.8), scale_factor=2.0))
    assert (out.amax((2, 3)) - out.amin((2, 3))).max() < 1e-5
    modulated = block(torch.full((1, 3, 6, 6), 0.8), drawn(1, CODE))
    assert (modulated.amax((2, 3)) - modulated.amin((2, 3))).max() < 1e-3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_a_block_are_those_of_plain_pytorch(layout: torch.memory_format) -> None:
    """A residual block against the same formula without custom functions, in float64."""
    block = redrawn(ModulatedResidual(3, CODE))
    maps = drawn(2, 3, 6, 5).contiguous(memory_format=layout).requires_grad_()
    code = drawn(2, CODE, seed=1).requires_grad_()
    inputs = [maps, code, *block.parameters()]
    upstream = drawn(2, 3, 6, 5, seed=2)
    got = torch.autograd.grad(block(maps, code), inputs, upstream)
    double = [t.detach().double().requires_grad_() for t in inputs]
    wanted = torch.autograd.grad(_plain_residual(block, *double), double, upstream.double())
    for one, two in zip(got, wanted, strict=True):
        assert torch.allclose(one.double(), two, atol=2e-4, rtol=1e-3)


def _plain_residual(block: nn.Module, maps: Tensor, code: Tensor, *values: Tensor) -> Tensor:
    named = dict(zip((n for n, _ in block.named_parameters()), values, strict=True))

    def convolve(x: Tensor, name: str) -> Tensor:
        padded = F.pad(x, (1,) * 4, mode="reflect")
        return F.conv2d(padded, named[f"{name}.weight"], named[f"{name}.bias"])

    def modulate(x: Tensor, name: str) -> Tensor:
        affine = F.linear(code, named[f"{name}.affine.weight"], named[f"{name}.affine.bias"])
        scale, shift = affine[..., None, None].chunk(2, dim=1)
        return plain_modulation(x, 1 + scale, shift)

    x = F.relu(modulate(convolve(maps, "first"), "first_modulation"))
    return maps + modulate(convolve(x, "second"), "second_modulation")


def _second_derivative(function: Callable[[Tensor], Tensor]) -> Tensor:
    maps = drawn(1, 2, 4, 4, kind=torch.float64).requires_grad_()
    (first,) = torch.autograd.grad(function(maps).pow(3).sum(), maps, create_graph=True)
    first.square().sum().backward()
    assert maps.grad is not None
    return maps.grad


def test_second_derivatives_are_right_or_refused() -> None:
    """Never silently wrong: a penalty on the generator's gradient would use them."""
    scale, shift = drawn(1, 2, 1, 1, seed=1), drawn(1, 2, 1, 1, seed=2)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        _second_derivative(lambda maps: _NormalizeModulate.apply(maps, scale, shift))
    assert _second_derivative(lambda maps: plain_modulation(maps, scale, shift)).isfinite().all()
