"""Two-sample tests: do paintings and the collection's pictures follow the same distribution?

The classifier two-sample test (C2ST, Lopez-Paz & Oquab 2017) and the kernel Inception distance
(KID, Binkowski et al. 2018), in forms that are unbiased for a few dozen pictures: for two halves
of one collection the expected AUC is exactly 0.5, and the expected KID exactly 0.

Shapes: n paintings and m pictures of the collection, P patches a picture, D numbers.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.data.images import evenly
from gan_style.losses.statistics import Maps
from gan_style.models.statistics import variance

CELLS = 3
"""Patches of `patch_statistics` in a row and in a column of a picture."""

C2ST_FEWEST, KID_FEWEST = 2, 3
"""Pictures that each side of a test needs."""

_MOST = 64  # pictures of a side that are tested: every pair of them costs a small linear system
_RIDGE = 0.03  # of a patch's mean squared length; as small as leaves the halves of `koson` at 0.5


class Estimate(NamedTuple):
    """A statistic and its standard deviation over other pictures of the same kind."""

    value: float
    deviation: float


def patch_statistics(maps: Maps) -> Tensor:
    """Channel means and deviations in each cell of a 3 by 3 grid over the picture.

    Shape: layer -> (B, C, H, W), H and W at least 3 -> (B, 9, D).
    """
    parts = []
    for values in maps.values():
        values = values.float()
        mean = F.adaptive_avg_pool2d(values, CELLS)
        square = F.adaptive_avg_pool2d(values.square(), CELLS)
        parts += [mean, variance(mean, square).sqrt()]
    return torch.cat(parts, 1).flatten(2).mT


def c2st_auc(paintings: Tensor, pictures: Tensor) -> Estimate | None:
    """Area under the ROC curve of a classifier that separates paintings from held-out pictures.

    The classifier two-sample test of Lopez-Paz & Oquab (2017) with the AUC instead of the
    accuracy. The classifier is a ridge regression on standardized statistics of patches, with
    equal weight for both sides. For every pair of a painting and a picture it is fitted without
    these two; the one with the larger mean logit over its patches is classified as the painting,
    and the AUC is the share of pairs that are classified correctly. Leaving out pairs (Airola et
    al. 2011), not one picture at a time, matters: a class that has lost a member counts for less,
    so that its member looks like the other class, and the AUC of two equal sets is well below
    0.5. The deviation is DeLong's (1988), over pictures.

    The regression is not solved anew for every pair: without patches g, their residuals r solve
    G[g, g] r = (G y)[g], where G is the inverse of the regularized kernel matrix.

    Args:
        paintings: (n, P, D) of `patch_statistics`. Of more than 64, 64 spread evenly are taken.
        pictures: (m, P, D), as well.

    Returns:
        0.5 if they cannot be told apart, 1 if they always can; None if a side has fewer than 2
        pictures.
    """
    if min(len(paintings), len(pictures)) < C2ST_FEWEST:
        return None
    sides = [_limited(side).double() for side in (paintings, pictures)]
    counts, patches = [len(side) for side in sides], paintings.shape[1]
    members = torch.tensor(counts) * patches
    labels = torch.tensor([1.0, -1.0]).repeat_interleave(members).double()
    noise = (2 * members / members.sum()).repeat_interleave(members)  # evens out the sides
    inverse = torch.linalg.inv(_kernel_of_patches(sides) + _RIDGE * noise.double().diag())

    pairs = torch.cartesian_prod(torch.arange(counts[0]), counts[0] + torch.arange(counts[1]))
    left_out = (pairs[:, :, None] * patches + torch.arange(patches)).flatten(1)  # (pairs, 2P)
    blocks = inverse[left_out[:, :, None], left_out[:, None, :]]
    residuals = torch.linalg.solve(blocks, (inverse @ labels)[left_out])
    logits = (labels[left_out] - residuals).unflatten(1, (2, patches)).mean(2)  # (pairs, 2)
    wins = torch.sign(logits[:, 0] - logits[:, 1]).add(1).div(2).view(*counts)
    variance = sum((wins.mean(1 - k).var() / counts[k]).item() for k in (0, 1))
    return Estimate(wins.mean().item(), math.sqrt(variance))


def _kernel_of_patches(sides: list[Tensor]) -> Tensor:
    """Inner products of the standardized patches of all pictures, with a constant as a feature."""
    known = torch.cat(sides).flatten(0, 1)
    known = (known - known.mean(0)) / known.std(0).clamp(min=1e-3) / math.sqrt(known.shape[1])
    return known @ known.T + 1


def _limited(pictures: Tensor) -> Tensor:
    """Pictures, or `_MOST` of them."""
    return torch.stack(evenly(list(pictures), _MOST, to_last=True))


def kernel_distance(paintings: Tensor, pictures: Tensor) -> Estimate | None:
    """KID: the squared maximum mean discrepancy under a cubic kernel, unbiased.

    Binkowski et al. (2018, eq. 4 and section 4), k(x, y) = (x·y / D + 1)³, on signatures instead
    of Inception's features. They take the deviation over random subsets of thousands of pictures;
    ours is that of the jackknife, for which dozens suffice.

    Args:
        paintings: (n, D) of `metrics.signature`, not standardized: a scale taken from the pictures
            themselves would make the numbers of two models incomparable.
        pictures: (m, D).

    Returns:
        About 0, of either sign, if both follow one distribution; larger the further they are
        apart. None if a side has fewer than 3 pictures.
    """
    n, m = len(paintings), len(pictures)
    if min(n, m) < KID_FEWEST:
        return None
    one, two = paintings.double(), pictures.double()
    within_one, within_two = _off_diagonal(_kernel(one, one)), _off_diagonal(_kernel(two, two))
    across = _kernel(one, two)
    sums = within_one.sum(), within_two.sum(), across.sum()
    value = _discrepancy(*sums, n, m)
    without_one = _discrepancy(
        sums[0] - 2 * within_one.sum(1), sums[1], sums[2] - across.sum(1), n - 1, m
    )
    without_two = _discrepancy(
        sums[0], sums[1] - 2 * within_two.sum(1), sums[2] - across.sum(0), n, m - 1
    )
    variance = sum((len(v) - 1) * v.var(correction=0).item() for v in (without_one, without_two))
    return Estimate(value.item(), math.sqrt(variance))


def _kernel(one: Tensor, two: Tensor) -> Tensor:
    return (one @ two.T / one.shape[1] + 1) ** 3


def _off_diagonal(kernel: Tensor) -> Tensor:
    return kernel - kernel.diagonal().diag()


def _discrepancy(one: Tensor, two: Tensor, across: Tensor, n: int, m: int) -> Tensor:
    """The estimate from sums of the kernel over pairs within and across the sets."""
    return one / (n * (n - 1)) + two / (m * (m - 1)) - 2 * across / (n * m)
