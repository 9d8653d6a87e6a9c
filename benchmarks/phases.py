"""Enlarging and convolving as one convolution of the small maps: an experiment.

Maps that are enlarged to twice their sides, bilinearly, and then convolved 3 wide are at each
position a weighted sum of 3 x 3 positions of the small maps, with weights that depend on the row
and column being even or odd, the *phase*. So four convolutions of the small maps, side by side as
4C channels, give the same, and the large maps are never made. The normalization takes the four
phases of a channel together. Only at the border the two differ: the enlarged maps are reflected
there, and the small ones are repeated.

Shapes: O and I channels out and in; channel 4c + 2p + q is phase (p, q) of channel c, as
`torch.nn.functional.pixel_shuffle` takes it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.models.generator import Generator
from gan_style.models.layers import ModulatedConvolution, Modulation
from gan_style.models.statistics import quick_moments, variance

BILINEAR = torch.tensor(
    [
        [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.75, 0.25]],
        [[0.25, 0.75, 0], [0, 0.75, 0.25], [0, 0.25, 0.75]],
    ]
)
"""(phase, position in the large kernel, position in the small one)"""


@contextmanager
def in_phases(generator: Generator) -> Iterator[None]:
    """Within this context the two last enlargements and the last convolution work in phases."""
    half, full, last = generator.up_half, generator.up_full, generator.to_picture
    try:
        generator.up_half = _Enlarged(half, shuffled=True)  # type: ignore[assignment]
        generator.up_full = _Enlarged(full, shuffled=False)  # type: ignore[assignment]
        generator.to_picture = _OfPhases(last)  # type: ignore[assignment]
        yield
    finally:
        generator.up_half, generator.up_full, generator.to_picture = half, full, last


class _Enlarged(nn.Module):
    """(B, I, h, w) -> (B, O, 2h, 2w), or (B, 4O, h, w) where it is not shuffled."""

    def __init__(self, layer: ModulatedConvolution, *, shuffled: bool) -> None:
        super().__init__()
        self.layer, self.shuffled = layer, shuffled

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        layer = self.layer.convolution
        weight = torch.einsum("ptl,qum,oitu->opqilm", BILINEAR, BILINEAR, layer.weight)
        convolved = _convolve(maps, weight.flatten(0, 2), layer.bias)
        modulated = _modulate(self.layer.modulation, convolved, code)
        painted = F.relu(modulated, inplace=True)
        return _shuffle(painted) if self.shuffled else painted


class _OfPhases(nn.Module):
    """A plain convolution of maps that are in phases: (B, 4I, h, w) -> (B, O, 2h, 2w)."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        self.taps = torch.zeros(2, 3, 3, 2)  # phase out, large kernel, small kernel, phase in
        for phase in range(2):
            for tap in range(3):
                place = phase + tap - 1
                self.taps[phase, tap, place // 2 + 1, place % 2] = 1

    def forward(self, maps: Tensor) -> Tensor:
        weight = torch.einsum("ptlr,qums,oitu->opqirslm", self.taps, self.taps, self.layer.weight)
        weight = weight.flatten(3, 5).flatten(0, 2)
        return F.pixel_shuffle(_convolve(maps, weight, self.layer.bias), 2)


def _convolve(maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    assert bias is not None
    with torch.autocast(maps.device.type, enabled=False):
        padded = F.pad(maps, (1,) * 4, mode="replicate")
    weight = weight.contiguous(memory_format=torch.channels_last)
    return F.conv2d(padded, weight, bias.repeat_interleave(4))


def _modulate(modulation: Modulation, maps: Tensor, code: Tensor) -> Tensor:
    scale, shift = modulation.affine(code).float()[0].chunk(2)
    phases = quick_moments(maps)
    mean, square = (moment.reshape(-1, 4).mean(1) for moment in phases)
    factor = (1 + scale) * variance(mean, square, 1e-2).rsqrt()
    scale, shift = (t.repeat_interleave(4) for t in (factor, shift - mean * factor))
    return F.batch_norm(maps, torch.zeros_like(scale), torch.ones_like(scale), scale, shift, eps=0)


def _shuffle(maps: Tensor) -> Tensor:
    """`pixel_shuffle` that keeps the channels last."""
    count, channels, height, width = maps.shape
    last = maps.permute(0, 2, 3, 1).view(count, height, width, channels // 4, 2, 2)
    shape = (count, 2 * height, 2 * width, channels // 4)
    return last.permute(0, 1, 4, 2, 5, 3).reshape(shape).permute(0, 3, 1, 2)
