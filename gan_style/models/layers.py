"""Convolution, normalization and residual blocks shared by the networks.

Shapes: B pictures, C channels, H rows, W columns, d numbers in a style code.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from gan_style.errors import ModelError
from gan_style.models.padding import reflection_pad
from gan_style.models.resizing import doubled
from gan_style.models.statistics import channel_moments, quick_moments, variance

Widths = TypeVar("Widths")

_EPSILON = 1e-2
"""Added to variances, which are about 1. With less, a square of one color multiplies gradients in
every layer until they are infinite, and rounding is painted where the photo has nothing."""


def of_size(table: Mapping[str, Widths], size: str) -> Widths:
    """The row of a table of widths, by the size of a model.

    Raises:
        ModelError: there is no such size.
    """
    if size not in table:
        raise ModelError(f"model.size is {size!r}; allowed: {', '.join(table)}")
    return table[size]


class Convolution(nn.Conv2d):
    """Convolution that keeps the size (divided by the stride) by reflection padding.

    Zero padding would darken the borders of pictures.
    """

    def __init__(self, channels_in: int, channels_out: int, size: int = 3, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, size, stride)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        width = self.kernel_size[0] // 2
        return super().forward(reflection_pad(input, width) if width else input)


class GlobalStatistics(nn.Module):
    """Mean and inverse deviation of each channel over the whole picture.

    The only place where one part of a picture depends on all others. With `keep` set they are
    stored when measured, and with `reuse` set the stored ones are returned instead: so a large
    picture can be measured once, and painted tile by tile without seams.

    Shape:
        - maps: (B, C, H, W)
        - returns: mean and inverse deviation, (B, C, 1, 1) each, float32
    """

    def __init__(self) -> None:
        super().__init__()
        self.keep = False
        self.reuse = False
        self.kept: tuple[Tensor, Tensor] | None = None

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        if self.reuse:
            assert self.kept is not None, "statistics are measured before they are reused"
            return self.kept
        mean, inverse = channel_statistics(maps)
        if self.keep:
            self.kept = (mean, inverse)
        return mean, inverse


def channel_statistics(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and inverse deviation of each channel: (B, C, H, W) -> (B, C, 1, 1) twice, float32."""
    mean, square = quick_moments(maps) if _is_painted(maps) else channel_moments(maps)
    return mean, variance(mean, square, _EPSILON).rsqrt()


def _is_painted(maps: Tensor) -> bool:
    """Whether operations of the CPU may be used that have no gradient and cannot be traced."""
    if torch.compiler.is_compiling():
        return False
    return torch.is_inference_mode_enabled() and maps.device.type == "cpu"


def _scale_and_shift(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Scale times maps plus shift: factors (B, C, 1, 1) in float32, result in the type of maps."""
    if _is_painted(maps) and len(maps) == len(scale) == 1:
        # normalization that normalizes nothing: rounds once, and passes over bfloat16 maps in
        # half the time
        zero, one = torch.zeros_like(scale).flatten(), torch.ones_like(scale).flatten()
        return F.batch_norm(maps, zero, one, scale.flatten(), shift.flatten(), eps=0.0)
    return torch.addcmul(shift.to(maps.dtype), maps, scale.to(maps.dtype))


class _NormalizeModulate(torch.autograd.Function):
    """scale * (maps - mean) / deviation + shift, with a short backward pass.

    Two sums and two multiply-adds. Left to autograd it is nine passes over the maps, some of
    them across the memory layout, because the gradient of a sum has its channels first.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        mean, inverse = channel_statistics(maps)
        ctx.save_for_backward(maps, scale, mean, inverse)
        factor = scale * inverse
        return torch.addcmul((shift - mean * factor).to(maps.dtype), maps, factor.to(maps.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps, scale, mean, inverse = ctx.saved_tensors
        gradient = gradients[0]
        count = maps.shape[2] * maps.shape[3]
        for_shift = gradient.sum((2, 3), keepdim=True, dtype=torch.float32)
        with_maps = (gradient * maps).sum((2, 3), keepdim=True, dtype=torch.float32)
        for_scale = inverse * (with_maps - mean * for_shift)
        factor = scale * inverse
        slope = -factor * for_scale * inverse / count
        offset = -factor * for_shift / count - slope * mean
        kind = maps.dtype
        through = torch.addcmul(offset.to(kind), maps, slope.to(kind))
        return torch.addcmul(through, gradient, factor.to(kind)), for_scale, for_shift


class RunningScale(nn.Module):
    """Brings each of D numbers to mean 0 and deviation 1 over the pictures measured.

    Unlike batch normalization (Ioffe & Szegedy 2015) it scales by what was measured so far, in
    training as in use, so that a picture's numbers never depend on what else is in its batch; and
    it stops measuring after STEPS batches, so that a model adapted to one collection keeps its
    scale. Their number stays in the host's memory wherever the module is moved: every step reads
    it, and would have to wait for a GPU to say it.

    Shape: (B, D) -> (B, D) float32
    """

    STEPS = 2000
    mean: Tensor  # (D,)
    square: Tensor  # (D,) mean square
    steps: Tensor  # () int64, on the CPU

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("square", torch.ones(count))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def _apply(self, *given: Any, **named: Any) -> "RunningScale":
        steps = self.steps  # of `to`, `cuda`, …, which all go through here
        super()._apply(*given, **named)  # type: ignore[no-untyped-call]
        self.steps = steps
        return self

    def forward(self, values: Tensor) -> Tensor:
        return (values.float() - self.mean) * variance(self.mean, self.square, 1e-4).rsqrt()

    @property
    def measuring(self) -> bool:
        """Whether it still takes batches into account, or did so until the last one."""
        return int(self.steps) <= self.STEPS

    @torch.no_grad()
    def measure(self, values: Tensor) -> None:
        """Take (B, D) numbers of a batch into account: all alike at first, then fading."""
        steps = int(self.steps)
        if steps < self.STEPS:
            share = max(1 / (steps + 1), 0.01)
            self.mean.lerp_(values.float().mean(0), share)
            self.square.lerp_(values.float().square().mean(0), share)
            self.steps += 1


class Modulation(nn.Module):
    """Instance normalization whose scale and shift come from the style code.

    AdaIN (Huang & Belongie 2017, eq. 8) with the affine parameters predicted from the code, as in
    StyleGAN (Karras et al. 2019, eq. 1) and conditional instance normalization (Dumoulin et al.
    2017, eq. 5). Normalization and modulation are one multiplication and one addition.

    Shape:
        - maps: (B, C, H, W); code: (B, d)
        - returns: (B, C, H, W) in the type of maps
    """

    def __init__(self, channels: int, code_dim: int) -> None:
        super().__init__()
        self.statistics = GlobalStatistics()
        self.affine = nn.Linear(code_dim, 2 * channels)
        nn.init.normal_(self.affine.weight, std=0.5 * code_dim**-0.5)
        nn.init.zeros_(self.affine.bias)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        scale, shift = self.affine(code).float()[..., None, None].chunk(2, dim=1)  # (B, C, 1, 1)
        scale = 1 + scale
        if torch.is_grad_enabled() and maps.requires_grad and not self.statistics.reuse:
            out: Tensor = _NormalizeModulate.apply(maps, scale, shift)
            return out
        mean, inverse = self.statistics(maps)
        scale = scale * inverse
        return _scale_and_shift(maps, scale, shift - mean * scale)


class ModulatedResidual(nn.Module):
    """Two modulated convolutions beside the identity."""

    def __init__(self, channels: int, code_dim: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels)
        self.first_modulation = Modulation(channels, code_dim)
        self.second = Convolution(channels, channels)
        self.second_modulation = Modulation(channels, code_dim)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        x = F.relu(self.first_modulation(self.first(maps), code))
        change: Tensor = self.second_modulation(self.second(x), code)
        return maps + change


class ModulatedConvolution(nn.Module):
    """Convolution, modulation, ReLU; optionally to half the size, or to twice by resizing first."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        code_dim: int,
        *,
        size: int = 3,
        stride: int = 1,
        enlarge: bool = False,
    ) -> None:
        super().__init__()
        self.enlarge = enlarge
        self.convolution = Convolution(channels_in, channels_out, size, stride)
        self.modulation = Modulation(channels_out, code_dim)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        if self.enlarge:  # resize, then convolve: transposed convolutions leave checkerboards
            maps = doubled(maps)
        modulated: Tensor = self.modulation(self.convolution(maps), code)
        return F.relu(modulated)
