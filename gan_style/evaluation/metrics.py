"""Metrics: distances of a painting to its photo, to a style picture and to a collection.

Each function returns one number; docs/metrics.md says which way is better and what it cannot see.
All but `structural_similarity` compare maps of a network of `models.feature_networks`, and numbers
of different networks do not compare.

Shapes: B pictures, C channels, H rows, W columns, D numbers of a signature; pictures are RGB in
[0, 1]; `Maps` are layer name -> (B, C, H, W).
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.losses.perceptual import content_loss, gram_loss, moments_loss
from gan_style.losses.statistics import Maps, StyleStatistics
from gan_style.models.statistics import mean_and_deviation

LEAST_DEVIATION = 1e-3
"""The least scale of a channel: those that hardly vary are not amplified without limit."""

_WINDOW, _SPREAD = 11, 1.5  # pixels; side and deviation of the Gaussian of Wang et al.
_STEADY_MEAN, _STEADY_VARIANCE = 0.01**2, 0.03**2  # their C1 and C2, for a range of 1


def content_distance(painting: Tensor, photo: Tensor) -> float:
    """Mean squared difference of the content layer's maps; 0 is the photo itself.

    Gatys et al. (2016, eq. 1), averaged where they sum.

    Shape: (B, C, H, W) both.
    """
    return content_loss(painting, photo).item()


def moments_distance(painting: StyleStatistics, style: StyleStatistics) -> float:
    """Squared differences of channel means and deviations, summed over layers; 0 is the style's.

    The style loss of AdaIN (Huang & Belongie 2017, eq. 13), with squared norms and averaged over
    the channels of a layer.
    """
    return moments_loss(painting, style).item()


def gram_distance(painting: StyleStatistics, style: StyleStatistics) -> float:
    """||Gram - Gram of the style||² / ||Gram of the style||², averaged over layers; 0 is equal.

    Gatys et al. (2016, eqs. 3 to 5) with every layer relative to the style's own size.
    """
    return gram_loss(painting, style).item()


def structural_similarity(painting: Tensor, photo: Tensor) -> float:
    """SSIM of the gray pictures (Wang et al. 2004, eq. 13); 1 is equal, 0 unrelated.

    A Gaussian window of 11 px and deviation 1.5; windows that would leave the picture are left
    out; variances are those of the window, without a correction for small samples.

    Shape: (B, 3, H, W) both.

    Raises:
        ValueError: a side is shorter than the window.
    """
    if min(painting.shape[2:]) < _WINDOW:
        height, width = painting.shape[2:]
        raise ValueError(f"a picture of {width} by {height} px; the window takes {_WINDOW}")
    one, two = to_gray(painting.float()), to_gray(photo.float())
    offset = torch.arange(_WINDOW, device=one.device) - (_WINDOW - 1) / 2
    line = torch.softmax(-offset.square() / (2 * _SPREAD**2), 0)
    window = (line[:, None] * line)[None, None]
    parts = torch.cat([one, two, one * one, two * two, one * two])
    mean_1, mean_2, square_1, square_2, product = F.conv2d(parts, window).chunk(5)
    means, squared_means = mean_1 * mean_2, mean_1.square() + mean_2.square()
    light = (2 * means + _STEADY_MEAN) / (squared_means + _STEADY_MEAN)
    structure = 2 * (product - means) + _STEADY_VARIANCE
    structure = structure / (square_1 + square_2 - squared_means + _STEADY_VARIANCE)
    return (light * structure).mean().item()


def signature(maps: Maps) -> Tensor:
    """Mean and deviation of every channel of every layer, side by side: (B, D)."""
    return torch.cat([mean_and_deviation(values) for values in maps.values()], 1)


def signature_scale(signatures: Tensor) -> Tensor:
    """Standard deviation of each number over all collections: (n, D) signatures -> (D,)."""
    return signatures.std(0, correction=min(1, len(signatures) - 1)).clamp(min=LEAST_DEVIATION)


def nn_distance(paintings: Tensor, own: Tensor, scale: Tensor) -> float | None:
    """Distance of paintings to their nearest neighbors in a collection, relative to its halves'.

    1 means that paintings are as near to the collection as its own two halves are to each other.

    The distance from one set to another is the mean, over the signatures of the one, of the
    Euclidean distance to the nearest of the other. The halves are every other picture.

    Args:
        paintings: (n, D) signatures.
        own: (m, D) signatures of the collection, in the order of its files.
        scale: (D,) of `signature_scale`.

    Returns:
        None if the collection has a single picture, and so no halves.
    """
    if len(own) < 2:
        return None
    own = own / scale
    halves = max(_to_nearest(own[::2], own[1::2]), 1e-6)
    return _to_nearest(paintings / scale, own) / halves


def _to_nearest(one: Tensor, two: Tensor) -> float:
    distances = torch.cdist(one, two, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.min(1).values.mean().item()


def centroid_accuracy(
    paintings: Tensor, collections: Mapping[str, Tensor], name: str, scale: Tensor
) -> float:
    """Share of paintings whose nearest collection is `name`, by the centroid of its signatures.

    Args:
        paintings: (n, D) signatures.
        collections: (m, D) signatures of each collection.
        name: one of them.
        scale: (D,) of `signature_scale`.
    """
    centroids = torch.stack([(own / scale).mean(0) for own in collections.values()])
    distances = (paintings / scale)[:, None] - centroids  # (n, collections, D)
    nearest = distances.square().mean(2).argmin(1)
    return (nearest == list(collections).index(name)).double().mean().item()
