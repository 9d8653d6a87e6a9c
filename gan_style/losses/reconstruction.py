"""The loss of paintings whose every pixel is known: those of a picture of the style itself.

Shapes: B pictures, C channels, H rows, W columns; () is a single number. Pictures are RGB in
[0, 1].
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_style.losses.statistics import Maps

_LEAST = 1e-6  # mean square of a map: those of pictures of one color may be 0


def reconstruction_loss(
    paintings: Tensor,
    pictures: Tensor,
    painting_maps: Maps,
    picture_maps: Maps,
    places: Sequence[int],
) -> Tensor:
    """Differences of some paintings from the pictures that they are to be.

    The mean absolute difference of pixels, as in pix2pix (Isola et al. 2017, eq. 3), and the
    squared difference of feature maps (Johnson et al. 2016, eq. 2), here relative to the picture's
    own and averaged over layers, so that none of them outweighs the pixels.

    Args:
        paintings: (B, 3, H, W).
        pictures: (B, 3, H, W).
        painting_maps: of the paintings, by layer, (B, C, h, w).
        picture_maps: of the pictures.
        places: those of the B that are compared.

    Returns:
        (), the sum over these places divided by B; 0 if there are none.
    """
    if not places:
        return paintings.sum() * 0
    chosen = torch.tensor(places).to(paintings.device, non_blocking=True)
    terms = [(paintings[chosen] - pictures[chosen]).abs().flatten(1).mean(1)]
    for layer, maps in painting_maps.items():
        target = picture_maps[layer][chosen].float()
        error = (maps[chosen].float() - target).square().flatten(1).mean(1)
        terms.append(error / (len(painting_maps) * target.square().mean().clamp(min=_LEAST)))
    return torch.stack(terms).sum() / len(paintings)
