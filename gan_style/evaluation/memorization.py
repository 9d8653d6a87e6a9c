"""Memorization: do paintings hold copied pieces of the collection's pictures?

A patch is compared with every patch of every picture of the collection. What counts is not how
near the nearest is, as plain paper and straight edges are near everywhere, but how much nearer
one picture comes than any other (the ratio test of Lowe 2004, section 7.1). A patch that many
pictures hold has a ratio near 1, a copied one near 0. What is usual is measured on the collection
itself: each of its pictures, held out, is compared with the rest.

No network is involved: gray pixels are compared at a quarter of the size, without structure
coarser than a few strokes.

Shapes: P patches, D pixels of a patch.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.data.images import evenly, to_tensor
from gan_style.sizes import READING_SIDE

COPIED, SUSPICIOUS = 0.3, 0.5
"""Novelty relative to held-out pictures: below it one painting, or the median one, is a copy.

Medians on seven collections: pieces of 96 to 192 px pasted into photos 0 to 0.35, held-out halves
0.70 to 1.75, photos 0.90 to 1.16.
"""

_REDUCED = 4  # pixels that become one
_PATCH = 12  # reduced pixels, 48 of the picture
_SPREAD = 2  # reduced pixels; what a Gaussian of this deviation leaves is taken away
_PLAIN = 0.5  # of the collection's median `_corners`: patches below it cannot be recognized
_HELD_OUT = 32  # of the collection, at most
_CHANCE = 0.05  # share of held-out pictures by the same artist that seem to hold a copy
_CHUNK = 512  # patches compared at a time

SEARCHED = 64
"""Pictures of a collection that are searched, spread evenly where there are more."""
FEWEST_PICTURES = 4
"""Pictures that a collection needs: from fewer nobody can say what is usual."""


class Memorization(NamedTuple):
    """The result of `CopyDetector.compare`.

    ratio: the paintings' median novelty over the held-out pictures'; about 1 or more is good.
    copies: indices of the paintings that hold a copy.
    paintings: how many were compared.
    """

    ratio: float
    copies: list[int]
    paintings: int

    @property
    def warns(self) -> bool:
        """Whether the paintings copy: as a whole, or more than one in twenty of them.

        One in thirty is no reason to warn: the artist's signature is enough for that, or a motif
        that was used twice.
        """
        return len(self.copies) > _CHANCE * self.paintings or self.ratio < SUSPICIOUS


class CopyDetector:
    """Finds pieces of a collection's pictures in paintings.

    Args:
        pictures: of `gray_square`. Of more than 64, 64 spread evenly are searched.
    """

    def __init__(self, pictures: Sequence[Tensor]) -> None:
        self._known = evenly(pictures, SEARCHED, to_last=True)

    def compare(self, paintings: Sequence[Tensor]) -> Memorization | None:
        """Compare paintings with the pictures of the collection.

        Args:
            paintings: of `gray_square`, too.

        Returns:
            None if the collection has fewer than 4 pictures, or if either side has nothing but
            plain patches.
        """
        known = self._known
        if len(known) < FEWEST_PICTURES:
            return None
        numbers = evenly(range(len(known)), _HELD_OUT, to_last=True)
        details = [_detail(picture) for picture in [*(known[i] for i in numbers), *paintings]]
        corners = [_corners(detail) for detail in details]
        plain = _PLAIN * torch.cat(corners[: len(numbers)]).median()
        kept = [
            _patches(detail, _PATCH)[much > plain]
            for detail, much in zip(details, corners, strict=True)
        ]
        distances = _distances(torch.cat(kept), known)
        rows = torch.split(distances, [len(patches) for patches in kept])
        for row, number in zip(rows, numbers, strict=False):
            row[:, number] = torch.inf  # itself
        novelties = torch.stack([_novelty(row) for row in rows])
        usual, found = novelties[: len(numbers)], novelties[len(numbers) :]
        if usual.isnan().all() or found.isnan().all():
            return None
        relative = found / usual.nanmedian()
        copies = (relative < COPIED).nonzero().flatten().tolist()
        return Memorization(relative.nanmedian().item(), copies, len(paintings))


def gray_square(picture: Image.Image) -> Tensor:
    """The gray center square of a picture, as `CopyDetector` takes it: (1, 288, 288) in [0, 1]."""
    square = ImageOps.fit(picture, (READING_SIDE, READING_SIDE), Image.Resampling.LANCZOS)
    return to_gray(to_tensor(square)[None])[0]


def _detail(gray: Tensor) -> Tensor:
    """(1, H, W) -> (1, H/4, W/4): fine forms, without light and shade."""
    reduced = F.avg_pool2d(gray, _REDUCED)
    offset = torch.arange(-3 * _SPREAD, 3 * _SPREAD + 1) / _SPREAD
    line = torch.softmax(-offset.square() / 2, 0)
    padded = F.pad(reduced, [3 * _SPREAD] * 4, mode="reflect")
    return reduced - F.conv2d(F.conv2d(padded, line[None, None, None]), line[None, None, :, None])


def _patches(detail: Tensor, stride: int) -> Tensor:
    """All patches (P, D) of a picture, of mean 0 and length 1."""
    patches = F.unfold(detail[None], _PATCH, stride=stride)[0].T
    return F.normalize(patches - patches.mean(1, keepdim=True), dim=1)


def _corners(detail: Tensor) -> Tensor:
    """Cornerness of each patch, (P,): the smaller eigenvalue of its structure tensor.

    Shi & Tomasi (1994, eq. 4). It is 0 on plain ground and along a straight edge, which nobody
    could place.
    """
    down, right = detail.diff(dim=1)[..., 1:], detail.diff(dim=2)[:, 1:]
    products = torch.cat([down * down, right * right, down * right])
    products = F.pad(products, (1, 0, 1, 0))
    yy, xx, xy = F.avg_pool2d(products, _PATCH).flatten(1).unbind()
    smaller: Tensor = (yy + xx) / 2 - (((yy - xx) / 2).square() + xy.square()).sqrt()
    return smaller


def _distances(patches: Tensor, pictures: Sequence[Tensor]) -> Tensor:
    """1 - the correlation with the nearest patch of each picture: (P, pictures).

    Pictures are searched at every second pixel: each is reduced from four starting points.
    """
    half = _REDUCED // 2
    nearest = []
    for picture in pictures:
        places = [picture[:, top:, left:] for top in (0, half) for left in (0, half)]
        known = torch.cat([_patches(_detail(place), 1) for place in places])
        chunks = torch.split(patches, _CHUNK)
        nearest.append(torch.cat([(chunk @ known.T).amax(1) for chunk in chunks]))
    return (1 - torch.stack(nearest, 1)).clamp(min=0)


def _novelty(distances: Tensor) -> Tensor:
    """(P, pictures) -> (): of all patches the lowest ratio of nearest to second nearest picture."""
    if not len(distances):
        return torch.tensor(torch.nan)
    first, second = distances.topk(2, 1, largest=False).values.unbind(1)
    return ((first + 1e-4) / (second + 1e-4)).min()
