"""Mean and deviation of channels: what is left of feature maps when positions are forgotten.

Sums in float32 of the maps as they are: `Tensor.var` is many times slower on the CPU.

Shapes: B pictures, C channels, H rows, W columns.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

EPSILON = 1e-5
"""Added to a variance before its root is taken, so that the gradient at 0 is finite."""
_BAND = 2**16
"""Positions that are measured at once; float32 loses digits in longer sums of one after another."""


def channel_moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean square of each channel over positions, float32.

    Shape: (B, C, H, W) -> (B, C, 1, 1) twice.
    """
    count = maps.shape[2] * maps.shape[3]
    mean = maps.sum((2, 3), keepdim=True, dtype=torch.float32) / count
    square = (maps * maps).sum((2, 3), keepdim=True, dtype=torch.float32) / count
    return mean, square


def quick_moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """The same as `channel_moments`, several times as fast on the CPU, but without a gradient.

    A sum in float32 of bfloat16 maps begins with a copy of them in float32. What PyTorch measures
    for batch normalization needs none, but is summed naively: therefore band by band of rows.
    """
    rows = max(1, _BAND // maps.shape[3])
    moments = [_moments_of_bands(torch.split(picture, rows, dim=2)) for picture in maps[:, None]]
    mean, square = torch.stack(moments, dim=1)[..., None, None]  # (B, C, 1, 1) each
    return mean, square


def _moments_of_bands(bands: Sequence[Tensor]) -> Tensor:
    """(1, C, h, W) bands of one picture -> (2, C), mean and mean square."""
    channels = bands[0].shape[1]
    total = torch.zeros(2, channels)
    for band in bands:
        running = torch.zeros(channels), torch.ones(channels)  # float32, and so are the results
        mean, spread = torch.batch_norm_update_stats(band, *running, 0.0)
        total += band.shape[2] * torch.stack([mean, spread + mean * mean])
    return total / sum(band.shape[2] for band in bands)


def variance(mean: Tensor, square: Tensor, epsilon: float = EPSILON) -> Tensor:
    """Mean square minus squared mean, not below 0 by rounding, plus `epsilon`; any equal shape."""
    return (square - mean * mean).clamp(min=0).add(epsilon)


def mean_and_deviation(maps: Tensor) -> Tensor:
    """Means, then deviations of all channels, side by side: (B, C, H, W) -> (B, 2C) float32."""
    mean, square = channel_moments(maps)
    return torch.cat([mean, variance(mean, square).sqrt()], dim=1).flatten(1)
