"""Two-sample tests: do paintings and the collection's pictures come from one source?

Both are right for a few dozen pictures. For two halves of one collection the expected AUC is
exactly 0.5, and the expected KID exactly 0.

Shapes: n paintings and m pictures of the collection, P patches a picture, D numbers.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.losses.statistics import Maps

CELLS = 3
"""Patches of `patch_statistics` in a row and in a column of a picture."""

_MOST = 64  # pictures of a side that are tested: every pair of them costs a small linear system
_RIDGE = 0.03  # of a patch's mean squared length; as small as leaves the halves of `koson` at 0.5


class Estimate(NamedTuple):
    """A number, and the standard deviation it would have over other pictures of the same kind."""

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
        parts += [mean, (square - mean.square()).clamp(min=0).add(1e-5).sqrt()]
    return torch.cat(parts, 1).flatten(2).mT


def c2st_auc(paintings: Tensor, pictures: Tensor) -> Estimate | None:
    """Can a linear classifier of patches tell paintings from pictures that it never saw?

    Ridge regression on standardized statistics, both sides weighing the same. For every pair of a
    painting and a picture it is taught without these two, and the mean verdict on their patches
    tells which it takes for the painting; the AUC is the share of pairs that it tells rightly.
    Leaving out pairs (Airola et al. 2011), and not one picture at a time, matters: a class that
    has lost a member counts for less, its member looks like the other class, and of two equal
    sets the AUC is well below 0.5. The deviation is DeLong's (1988), over pictures.

    No classifier is taught twice: without patches g, their residuals are those that solve
    G[g, g] r = (G y)[g], where G is the inverse of the regularized kernel matrix.

    Args:
        paintings: (n, P, D) of `patch_statistics`. Of more than 64, 64 spread evenly are taken.
        pictures: (m, P, D), as well.

    Returns:
        0.5 if they cannot be told apart, 1 if always; None if a side has fewer than 2 pictures.
    """
    if min(len(paintings), len(pictures)) < 2:
        return None
    sides = [_thinned(paintings).double(), _thinned(pictures).double()]
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


def _thinned(pictures: Tensor) -> Tensor:
    if len(pictures) <= _MOST:
        return pictures
    return pictures[torch.linspace(0, len(pictures) - 1, _MOST).round().long()]


def kernel_distance(paintings: Tensor, pictures: Tensor) -> Estimate | None:
    """KID: the squared maximum mean discrepancy under a cubic kernel, unbiased.

    Binkowski et al. (2018, eq. 4 and section 4), k(x, y) = (x·y / D + 1)³, on signatures instead
    of Inception's features. They take the deviation over random subsets of thousands of pictures;
    ours is the jackknife's, which dozens allow.

    Args:
        paintings: (n, D), as `metrics.signature` gives them, not standardized: a scale taken from
            the pictures themselves would make the numbers of two models incomparable.
        pictures: (m, D).

    Returns:
        About 0, of either sign, if both are of one kind; larger the further they are apart. None
        if a side has fewer than 3 pictures.
    """
    n, m = len(paintings), len(pictures)
    if min(n, m) < 3:
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
