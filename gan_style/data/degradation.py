"""Photos made worse, for training: pictures with their strokes filtered away, and noise.

Shapes: B pictures, C channels, H rows, W columns; pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.device import derived_rng

_LINES = 0.6  # share of the calls in which lines are removed
_LIGHT = 0.25  # share of these in which they are light lines, not dark ones
_LINE_RADII = (1, 2)  # pixels; lines up to twice as wide, and one more, are removed
_RADII = (3, 10)  # pixels, smallest and largest, of the window in which strokes are averaged
_FLATNESS = (-2.6, -1.5)  # exponents of 10: variances up to about this are taken for strokes
_REDUCTIONS = (2, 4)  # how many times smaller half of the pictures are made in between
_SHADE, _SHADE_CELLS = 0.3, 4  # of the light's logarithm, at most; so many random lights a side
_DETAIL = 0.8  # largest share of a photo's detail that is laid over
_DETAIL_RADIUS, _DETAIL_FLATNESS = 6, 0.01  # of the guided filter whose remainder detail is
_GRAIN = 4 / 255
_NOISE = 2.5 / 255
_NOISE_CELLS = (1, 2, 4)  # pixels


def destylize(pictures: Tensor, rng: torch.Generator, photos: Tensor | None = None) -> Tensor:
    """Make something like photos of pictures of a style: strokes filtered away, other colors.

    With the pictures themselves as what is to be painted, these are pairs that agree in every
    pixel: nothing else tells a generator where this hand leaves paper bare, draws a contour or
    hatches a tone. Learned destylization gives such pairs, too, but needs a model of its own. Here
    what sets a picture apart from a photo is taken away, and what photos have is added:

    - in over half of the calls thin dark lines, or light ones, by closing, or opening, as
      mathematical morphology calls it (Serra 1982): contours are then to be drawn where only an
      edge is left;
    - strokes, by a guided filter, and in half of the calls by a reduction and enlargement;
    - for each picture, light that is uneven, so that flat areas are to be painted in spite of
      shading, and the fine detail of a photo, which is to be left out;
    - for each picture, other saturation, contrast, brightness, color cast and gamma, and grain.

    Args:
        pictures: (B, 3, H, W) of any styles.
        rng: on the CPU; all that is random follows from it.
        photos: (B, 3, H, W), whose detail is taken; None: no detail is added.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    lines = _without_lines(pictures, rng)
    radius = int(torch.randint(_RADII[0], _RADII[1] + 1, (), generator=rng))
    low, high = _FLATNESS
    exponent = low + (high - low) * float(torch.rand((), generator=rng))
    reduced = bool(torch.rand((), generator=rng) < 0.5)
    factor = int(torch.randint(_REDUCTIONS[0], _REDUCTIONS[1] + 1, (), generator=rng))
    smooth = guided_filter(lines, radius, 10**exponent)
    if reduced:
        small = [max(1, side // factor) for side in smooth.shape[2:]]
        smooth = F.interpolate(smooth, small, mode="area")
        smooth = F.interpolate(smooth, pictures.shape[2:], mode="bicubic")
    device_rng = derived_rng(rng, pictures.device)
    return _other_colors(_with_light_and_detail(smooth, photos, device_rng), device_rng)


def _without_lines(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """In `_LINES` of the calls, replace lines by what is beside them."""
    chance, kind = torch.rand(2, generator=rng).tolist()
    radius = int(torch.randint(_LINE_RADII[0], _LINE_RADII[1] + 1, (), generator=rng))
    if chance >= _LINES:
        return pictures
    sign = -1 if kind < _LIGHT else 1
    grown = F.max_pool2d(sign * pictures, 2 * radius + 1, 1, radius)  # over dark lines
    return sign * -F.max_pool2d(-grown, 2 * radius + 1, 1, radius)


def _with_light_and_detail(pictures: Tensor, photos: Tensor | None, rng: torch.Generator) -> Tensor:
    count = len(pictures)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(count, 1, *shape, generator=rng, device=rng.device)

    light = torch.randn(count, 1, _SHADE_CELLS, _SHADE_CELLS, generator=rng, device=rng.device)
    light = F.interpolate(light, pictures.shape[2:], mode="bicubic", align_corners=True)
    lit = pictures * (light * drawn(1, 1) * _SHADE).exp()
    share = drawn(1, 1) * _DETAIL
    if photos is not None:
        lit = lit + share * (photos - guided_filter(photos, _DETAIL_RADIUS, _DETAIL_FLATNESS))
    return lit.clamp(0, 1)


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
