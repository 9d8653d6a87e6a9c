"""Artifacts of painting by networks: restless plain regions, and contours that are not clean.

Both are measured on gray pictures without a network, one number a picture, in regions of a
*guide*: of a painting, the photo it was made from; of a picture of the collection, itself.
`ratio_of_medians` compares the paintings' numbers with those of the collection. The measures are
our own; we know of no paper that defines them.

Shapes: S side of a square picture, RGB in [0, 1]; n edges, L places of a profile.
"""

import math
from collections.abc import Sequence
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray

LEAST_ENERGY = 1 / (12 * 255**2)
"""Mean square of what rounding to 8 bits takes away: less of `plain_energy` is nothing."""
LEAST_RINGING = 0.01
"""Less of `edge_ringing` cannot be seen."""

_FINE = 1.5  # deviation of a Gaussian in pixels; it halves waves that are 8 px long
_PLAIN_SHARE = 0.25  # of a picture that counts as plain
_REGION = 8  # pixels; deviation of the Gaussian over which coarse structure is averaged
_EDGE = 2.0  # pixels; deviation of the Gaussian before edges are looked for
_EDGE_SHARE = 0.01  # of the pixels, that are taken as edges at most
_LEVEL = 1 / 255  # of gray; a slope of less a pixel, as a blurred step of 5 levels has, is no edge
_REACH, _ALONG = 8, 2  # pixels from an edge on either side, and along it, that a profile takes


def plain_energy(picture: Tensor, guide: Tensor) -> float:
    """Mean square of structures under 8 px where the guide is plain.

    Structures under 8 px are what a Gaussian of 1.5 px takes away; waves of 8 px are halved. Plain
    is the quarter of the guide with the least squared gradient of what that Gaussian leaves,
    averaged by a Gaussian of 8 px. So fine texture does not decide what is plain.

    Shape: (3, S, S) both, S at least 32.

    Returns:
        0 for a picture of one color; at most 1.
    """
    gray = to_gray(picture[None])
    fine = gray - _blurred(gray, _FINE)
    steepness = _gradient(_blurred(to_gray(guide[None]), _FINE)).square().sum(0)
    activity = _blurred(steepness[None, None], _REGION)
    least = activity.flatten().kthvalue(round(_PLAIN_SHARE * activity.numel())).values
    return fine[activity <= least].square().mean().item()


def edge_ringing(picture: Tensor, guide: Tensor) -> float | None:
    """How much gray goes up and down across the guide's strong edges beyond a clean contour.

    The variation of a profile across an edge is the sum of its absolute differences. The clean part
    of it is that of the best approximation that rises once and falls once at most, in either order:
    all of it for a step, hard or soft, with or without one line drawn along it. The rest is halos
    on both sides, second contours, and noise. Edges are the maxima of the gradient along its
    direction (Canny 1986) after a Gaussian of 2 px, as many as make up 1 % of the pixels, the
    strongest; profiles reach 8 px to either side and are averaged over 5 px along the edge.

    Shape: (3, S, S) both, S at least 32.

    Returns:
        The rest, relative to the clean part, both summed over all edges: 0 if every contour is
        clean. None if the guide has no edge, or if the picture hardly has any there: less than
        one gray level on average.
    """
    profiles = _profiles(to_gray(picture[None]), *_edges(to_gray(guide[None])))
    variation = profiles.diff(dim=1).abs().sum().item()
    clean = clean_variation(profiles).sum().item()
    return max(0.0, variation / clean - 1) if clean > len(profiles) * _LEVEL else None


def clean_variation(profiles: Tensor) -> Tensor:
    """Most variation of a part of each profile that rises once and falls once, in either order.

    Shape: (n, L) -> (n,).
    """
    found = []
    for values in (profiles, -profiles):
        before = values - values.cummin(1).values
        after = values - values.flip(1).cummin(1).values.flip(1)
        found.append((before + after).amax(1) if values.numel() else before.sum(1))
    return torch.maximum(*found)


def ratio_of_medians(paintings: Sequence[float], own: Sequence[float], least: float) -> float:
    """The paintings' median value relative to that of the collection's pictures.

    A median, because a single picture of a collection can have a hundred times the energy of the
    others (docs/experiments/2026-11-27-plain-energy-edge-ringing.md).

    Args:
        paintings: of one measure, at least one.
        own: of the same measure, at least one.
        least: the least value that counts: smaller medians are set to it.

    Returns:
        1 if they are equal.
    """
    return max(least, median(paintings)) / max(least, median(own))


def _blurred(gray: Tensor, deviation: float) -> Tensor:
    """(1, 1, S, S), S more than three deviations, with a Gaussian."""
    radius = math.ceil(3 * deviation)
    line = torch.softmax(-(torch.arange(-radius, radius + 1) / deviation).square() / 2, 0)
    padded = F.pad(gray, [radius] * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, line[None, None, None]), line[None, None, :, None])


def _gradient(gray: Tensor) -> Tensor:
    """(1, 1, S, S) -> (2, S, S): down and right, by central differences."""
    return torch.stack(torch.gradient(gray[0, 0]))


def _edges(gray: Tensor) -> tuple[Tensor, Tensor]:
    """Places of the strongest edges, and their unit normals: (n, 2) both, down and right."""
    gradient = _gradient(_blurred(gray, _EDGE))
    strength = gradient.square().sum(0).sqrt()
    normals = (gradient / strength.clamp(min=1e-8)).permute(1, 2, 0)
    places = torch.stack(torch.meshgrid(*map(torch.arange, strength.shape), indexing="ij"), -1)
    ahead, behind = (_sampled(strength[None, None], places + s * normals) for s in (1, -1))
    margin = _REACH + _ALONG  # so that profiles stay in the picture
    inner = F.pad(torch.ones_like(strength)[margin:-margin, margin:-margin], [margin] * 4)
    maxima = (strength >= ahead) & (strength > behind) & (strength * inner > _LEVEL)
    found = strength[maxima].argsort(descending=True)[: round(_EDGE_SHARE * strength.numel())]
    return places[maxima][found].float(), normals[maxima][found]


def _profiles(gray: Tensor, places: Tensor, normals: Tensor) -> Tensor:
    """Gray across each edge, averaged along it: (1, 1, S, S), (n, 2), (n, 2) -> (n, L)."""
    across = torch.arange(-_REACH, _REACH + 1)[:, None] * normals[:, None, None]
    tangents = normals.flip(1) * torch.tensor([1, -1])
    along = torch.arange(-_ALONG, _ALONG + 1)[:, None, None] * tangents[:, None, None]
    return _sampled(gray, places[:, None, None] + across + along).mean(1)


def _sampled(gray: Tensor, places: Tensor) -> Tensor:
    """Bilinear values of (1, 1, S, S) at pixels (..., 2), down and right: (...)."""
    sides = torch.tensor(gray.shape[2:])
    grid = (2 * places / (sides - 1) - 1).flip(-1).reshape(1, 1, -1, 2)
    values = F.grid_sample(gray, grid, padding_mode="border", align_corners=True)
    return values.view(places.shape[:-1])
