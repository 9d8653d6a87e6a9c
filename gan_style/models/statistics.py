"""Mean and deviation of channels: what is left of feature maps when positions are forgotten.

Sums in float32 of the maps as they are: `Tensor.var` is many times slower on the CPU.

Shapes: B pictures, C channels, H rows, W columns.
"""

import torch
from torch import Tensor

EPSILON = 1e-5
"""Added to a variance before its root is taken, so that the gradient at 0 is finite."""


def channel_moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean square of each channel over positions, float32.

    Shape: (B, C, H, W) -> (B, C, 1, 1) twice.
    """
    count = maps.shape[2] * maps.shape[3]
    mean = maps.sum((2, 3), keepdim=True, dtype=torch.float32) / count
    square = (maps * maps).sum((2, 3), keepdim=True, dtype=torch.float32) / count
    return mean, square


def variance(mean: Tensor, square: Tensor, epsilon: float = EPSILON) -> Tensor:
    """Mean square minus squared mean, not below 0 by rounding, plus `epsilon`; any equal shape."""
    return (square - mean * mean).clamp(min=0).add(epsilon)


def mean_and_deviation(maps: Tensor) -> Tensor:
    """Means, then deviations of all channels, side by side: (B, C, H, W) -> (B, 2C) float32."""
    mean, square = channel_moments(maps)
    return torch.cat([mean, variance(mean, square).sqrt()], dim=1).flatten(1)
