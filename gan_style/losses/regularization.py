"""Losses on pixels that keep a painting smooth, and the same whatever noise is in the photo.

Shapes: B pictures, H rows, W columns; () is a single number. Pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.losses.comparison import picture_loss

_EDGE = 20.0
"""Decay of the weight with an edge of the photo: a step of 1/20 in brightness leaves 1/e."""


@picture_loss("tv", lambda seen: (seen.paintings,))
def total_variation(pictures: Tensor) -> Tensor:
    """Mean over pixels of sqrt(dx² + dy²), summed over colors: the isotropic total variation.

    Rudin, Osher & Fatemi (1992, eq. 2.2b), averaged where they integrate. The last row and column
    have no neighbor and are left out; 1e-6 under the root keeps the gradient finite.

    Shape: (B, 3, H, W) -> ().
    """
    corner = pictures[..., :-1, :-1]
    right = pictures[..., :-1, 1:] - corner
    down = pictures[..., 1:, :-1] - corner
    return (right.square() + down.square() + 1e-6).sqrt().sum(1).mean()


@picture_loss("smoothness", lambda seen: (seen.paintings, seen.photos))
def smoothness_loss(pictures: Tensor, content: Tensor) -> Tensor:
    """Total variation of the coarse painting, weighted down at edges of the coarse photo.

    The edge-aware smoothness of Godard et al. (2017, eq. 3), on means over cells of 8 by 8 and of
    16 by 16 px. What is painted inside a cell, such as strokes, costs nothing, nor does a change
    of color that is the same everywhere; patches of different color in flat regions such as skies
    do.

    Shape: (B, 3, H, W) both, H and W at least 32 -> ().
    """
    terms = []
    for cell in (8, 16):
        painted, photo = F.avg_pool2d(pictures, cell), F.avg_pool2d(content, cell)
        for axis in (2, 3):
            edge = photo.diff(dim=axis).abs().mean(1)  # (B, h, w)
            step = (painted.diff(dim=axis).square().sum(1) + 1e-6).sqrt()
            terms.append((step * (-_EDGE * edge).exp()).mean())
    return torch.stack(terms).mean()


def steadiness_loss(noisy: Tensor, clean: Tensor) -> Tensor:
    """Mean squared difference of paintings of photos with noise in them and without.

    The stability objective of Zheng et al. (2016), with paintings for their outputs; the one
    without noise has no gradient here, as it is what the other is to become. Without it
    normalization paints steps of 1/255, such as those of compressed skies, at full contrast.

    Shape: (B, 3, H, W) both -> ().
    """
    return F.mse_loss(noisy, clean.detach())
