"""A loss on the lattice of dots that enlarging the generator's maps leaves in paintings."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.losses.comparison import picture_loss

_CELL = 8  # px, a whole number of every period that `generator.lattice_period` gives
_WINDOW = 5  # cells down and across over which a lattice keeps its phase, and strokes do not
_LEVELS = 255.0  # of an 8-bit picture


@picture_loss("lattice", lambda seen: (seen.paintings, seen.lattice_period))
def lattice_loss(pictures: Tensor, period: float) -> Tensor:
    """Power of pictures at the frequencies of a lattice, as far as it keeps its phase.

    Our own, after the finding of Odena et al. (2016) that enlarging maps leaves a pattern of a
    known period. Waves across, down and along both diagonals are looked for in cells of 8 by 8 px;
    the squared mean of their Fourier coefficients over 5 by 5 cells, less what 25 cells of random
    phases would have on average, is what the lattice has. Grain, hatching and other strokes of
    that size, whose phase does not keep to a grid, cost next to nothing.

    Args:
        pictures: (B, 3, H, W), H and W at least 32, RGB in [0, 1].
        period: of the lattice in pixels: 8 / 3, or another of which 8 is a multiple. A lattice
            finer than 2 px cannot be in a picture.

    Returns:
        () in squared levels of 1/255, summed over directions and averaged over colors: a lattice
        with waves of one level in one direction has 0.24.
    """
    if period < 2:
        return pictures.sum() * 0
    height, width = pictures.shape[2:]
    waves = _waves(height, width, period, pictures.device)  # (8, H, W)
    products = _LEVELS * pictures.float().flatten(0, 1)[:, None] * waves  # (B 3, 8, H, W)
    cells = F.avg_pool2d(products, _CELL)  # (B 3, 8, h, w), real and imaginary parts
    side = min(_WINDOW, *cells.shape[2:])
    kept = F.avg_pool2d(cells, side, stride=2).square()
    by_chance = F.avg_pool2d(cells.square(), side, stride=2) / side**2
    power: Tensor = (kept - by_chance).sum(1)
    return power.mean()


def _waves(height: int, width: int, period: float, device: torch.device) -> Tensor:
    """(8, H, W): cosines and sines of waves down, across and along both diagonals."""
    down, across = (
        2 * math.pi / period * torch.arange(side, dtype=torch.float32, device=device)
        for side in (height, width)
    )
    down, across = down[:, None].expand(-1, width), across.expand(height, -1)
    phases = torch.stack([down, across, down + across, down - across])
    return torch.cat([phases.cos(), phases.sin()])
