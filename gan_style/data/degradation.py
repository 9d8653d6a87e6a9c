"""Photos made worse, for training: pictures with their strokes filtered away, and noise.

Shapes: B pictures, C channels, H rows, W columns; pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.device import derived_rng

_RADII = (3, 10)  # pixels, smallest and largest, of the window in which strokes are averaged
_FLATNESS = (-2.6, -1.5)  # exponents of 10: variances up to about this are taken for strokes
_REDUCTIONS = (2, 4)  # how many times smaller half of the pictures are made in between
_GRAIN = 4 / 255
_NOISE = 2.5 / 255
_NOISE_CELLS = (1, 2, 4)  # pixels


def destylize(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Make something like photos of pictures of a style: strokes filtered away, other colors.

    With the pictures themselves as what is to be painted, these are pairs that agree in every
    pixel: nothing else tells a generator where this hand leaves paper bare, draws a contour or
    hatches a tone. Learned destylization gives such pairs, too, but needs a model of its own. Here
    it is a guided filter, in half of the calls a reduction and enlargement, then for each picture
    other saturation, contrast, brightness, color cast and gamma, and grain.

    Args:
        pictures: (B, 3, H, W) of any styles.
        rng: on the CPU; all that is random follows from it.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    radius = int(torch.randint(_RADII[0], _RADII[1] + 1, (), generator=rng))
    low, high = _FLATNESS
    exponent = low + (high - low) * float(torch.rand((), generator=rng))
    reduced = bool(torch.rand((), generator=rng) < 0.5)
    factor = int(torch.randint(_REDUCTIONS[0], _REDUCTIONS[1] + 1, (), generator=rng))
    smooth = guided_filter(pictures, radius, 10**exponent)
    if reduced:
        small = [max(1, side // factor) for side in smooth.shape[2:]]
        smooth = F.interpolate(smooth, small, mode="area")
        smooth = F.interpolate(smooth, pictures.shape[2:], mode="bicubic")
    return _other_colors(smooth, derived_rng(rng, pictures.device))


def _other_colors(pictures: Tensor, rng: torch.Generator) -> Tensor:
    def drawn(low: float, high: float, channels: int = 1) -> Tensor:
        shape = (len(pictures), channels, 1, 1)
        return low + (high - low) * torch.rand(shape, generator=rng, device=rng.device)

    gray = pictures.mean(1, keepdim=True)
    pictures = gray + (pictures - gray) * drawn(0.3, 1.4)
    pictures = (pictures - 0.5) * drawn(0.65, 1.25, 3) + 0.5 + drawn(-0.12, 0.12, 3)
    pictures = pictures.clamp(1e-3, 1) ** drawn(0.75, 1.35)
    grain = torch.randn(pictures.shape, generator=rng, device=rng.device) * drawn(0, _GRAIN)
    return (pictures + grain).clamp(0, 1)


def guided_filter(pictures: Tensor, radius: int, epsilon: float) -> Tensor:
    """Smooth what varies little, and keep edges (He et al. 2010, eqs. 5, 6 and 8).

    Each channel is its own guide. Windows end at the border of the picture.

    Args:
        pictures: (B, C, H, W).
        radius: pixels from the middle of a window to its border.
        epsilon: variance below which what is in a window is smoothed.

    Returns:
        (B, C, H, W).
    """
    mean = _window_means(pictures, radius)
    variance = (_window_means(pictures.square(), radius) - mean.square()).clamp(min=0)
    slope = variance / (variance + epsilon)
    offset = _window_means(mean - slope * mean, radius)
    return _window_means(slope, radius) * pictures + offset


def _window_means(values: Tensor, radius: int) -> Tensor:
    """Mean over a window around each pixel, along one axis after the other: that is quicker."""
    side = 2 * radius + 1
    for size, padding in (((side, 1), (radius, 0)), ((1, side), (0, radius))):
        values = F.avg_pool2d(values, size, 1, padding, count_include_pad=False)
    return values


def add_noise(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Add noise as it is in photos: fine and coarser, up to 2.5/255 each, and rounded to bytes.

    Args:
        pictures: (B, 3, H, W), sides at least 4.
        rng: on the CPU; all that is random follows from it.

    Returns:
        (B, 3, H, W) in [0, 1], multiples of 1/255.
    """
    count, channels, height, width = pictures.shape
    device_rng = derived_rng(rng, pictures.device)
    device, noisy = pictures.device, pictures
    for cell in _NOISE_CELLS:
        shape = (count, channels, height // cell, width // cell)
        noise = torch.randn(shape, generator=device_rng, device=device)
        if cell > 1:
            noise = F.interpolate(noise, (height, width), mode="bilinear")
        amount = torch.rand((count, 1, 1, 1), generator=device_rng, device=device)
        noisy = noisy + noise * (amount * _NOISE)
    return (noisy.clamp(0, 1) * 255).round() / 255
