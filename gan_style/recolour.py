"""More styles than there are pictures: one picture's strokes in another one's palette.

Shapes: N pictures of one style, H rows, W columns; pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor

_LEAST = 1e-3  # added to variances: greys are not blown up into colours


def recolour(pictures: Tensor, palette: Tensor) -> Tensor:
    """Give pictures the mean colour and the covariance of colours of another one.

    An affine map of RGB by Cholesky factors (Gatys et al. 2017, section 5.1, the first method),
    one for all pictures, so that they stay of one style; what leaves [0, 1] is cut off.

    Args:
        pictures: (N, 3, H, W).
        palette: (M, 3, h, w), whose colours they take together.
    """
    mean, factor = _colours(pictures)
    other_mean, other_factor = _colours(palette)
    change = other_factor @ torch.linalg.inv(factor)  # (3, 3)
    away = pictures.movedim(1, -1) - mean
    recoloured: Tensor = (away @ change.mT + other_mean).clamp(0, 1)
    return recoloured.movedim(-1, 1).contiguous()


def _colours(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colour (3,), and the lower Cholesky factor (3, 3) of the covariance."""
    colours = pictures.movedim(1, -1).reshape(-1, 3)
    mean = colours.mean(0)
    away = colours - mean
    covariance = away.mT @ away / len(colours) + _LEAST * torch.eye(3)
    return mean, torch.linalg.cholesky(covariance)
