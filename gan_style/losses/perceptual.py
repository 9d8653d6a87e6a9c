"""Losses on feature maps and their statistics: each returns one unweighted number.

All arithmetic is float32, whatever the networks ran in: the Gram matrix of a 64 by 64 map of
value 8 is already too large for float16.

Shapes: B pictures, C channels, H rows, W columns; () is a single number.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.losses.comparison import picture_loss
from gan_style.losses.statistics import StyleStatistics


@picture_loss("content", lambda seen: (seen.painting_content, seen.target_content))
def content_loss(generated: Tensor, content: Tensor) -> Tensor:
    """Mean squared difference of feature maps (Gatys et al. 2016, eq. 1, which halves the sum).

    Shape: (B, C, H, W) both -> ().
    """
    return F.mse_loss(generated.float(), content.float())


@picture_loss("gram", lambda seen: (seen.painting_statistics, seen.target_statistics))
def gram_loss(generated: StyleStatistics, style: StyleStatistics) -> Tensor:
    """Squared difference of Gram matrices, relative to the style's, averaged over layers.

    Gatys et al. (2016, eqs. 4 and 5) divide by 4 C² N² instead: then a layer's weight depends on
    how active it is, and dark styles count for less than bright ones.
    """
    return _relative(generated.gram, style.gram)


@picture_loss("moments", lambda seen: (seen.painting_statistics, seen.target_statistics))
def moments_loss(generated: StyleStatistics, style: StyleStatistics) -> Tensor:
    """Squared differences of channel means and of deviations.

    Each averaged over channels, and summed over layers (Huang & Belongie 2017, eq. 13, with
    squared norms).
    """
    terms = [F.mse_loss(generated.mean[k], style.mean[k]) for k in style.mean]
    terms += [F.mse_loss(generated.deviation[k], style.deviation[k]) for k in style.deviation]
    return torch.stack(terms).sum()


@picture_loss("stroke", lambda seen: (seen.painting_strokes, seen.target_strokes))
def stroke_loss(generated: StyleStatistics, style: StyleStatistics) -> Tensor:
    """Gram and moments of the deeper maps of gray pictures, relative to the styles'.

    Our own: textures as in Gatys et al., from layers whose receptive fields hold whole strokes,
    and from pictures without color, so that the palette cannot make up for the brushwork. Relative
    to the mean over the batch and not to each picture: the deep maps of plain ground are nearly 0.
    """
    terms = [
        _relative(generated.gram, style.gram, over_batch=True),
        _relative(generated.mean, style.mean, over_batch=True),
        _relative(generated.deviation, style.deviation, over_batch=True),
    ]
    return torch.stack(terms).sum()


def _relative(
    generated: dict[str, Tensor], style: dict[str, Tensor], *, over_batch: bool = False
) -> Tensor:
    """||generated - style||² / ||style||², averaged over pictures and layers.

    With `over_batch` the denominator is its mean over the pictures.
    """
    terms = []
    for layer, target in style.items():
        error = (generated[layer] - target).square().flatten(1).sum(1)  # (B,)
        size = target.square().flatten(1).sum(1).clamp(min=1e-6)
        terms.append((error / (size.mean() if over_batch else size)).mean())
    return torch.stack(terms).mean()
