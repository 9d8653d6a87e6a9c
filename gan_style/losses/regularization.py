"""Losses on pixels that keep a painting calm.

Shapes: B pictures, H rows, W columns; () is a single number. Pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_EDGE = 20.0
"""How fast an edge of the photo frees the painting: a step of 1/20 in brightness to a third."""


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


def smoothness_loss(pictures: Tensor, content: Tensor) -> Tensor:
    """Total variation of the coarse painting, counted where the coarse photo has none.

    The edge-aware smoothness of Godard et al. (2017, eq. 3), on means of 8 by 8 and of 16 by 16 px
    so that strokes are free: it takes no notice of what is painted inside a cell, and asks for a
    plain sky not to become a quilt. Colors are free, too, as long as like stays beside like.

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
