"""Several styles in one painting, and more or less of them, by masks.

Every style is painted over the whole photo, so that its strokes do not end at a border, and the
paintings are blended in pixels.

Shapes: H rows, W columns of the painting; h rows of a strip of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

import numpy as np

from gan_style.errors import TooLargeError
from gan_style.painting.config import PaintConfig
from gan_style.painting.faces import face_mask, protected
from gan_style.painting.masks import fitted, shares
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels, strips
from gan_style.sizes import with_short_side
from gan_style.style_code import StyleCode

Paint: TypeAlias = Callable[[Pixels, StyleCode, PaintConfig], Pixels]

_LEVELS = (0.5, 1.0)
"""Shares of the strength that are painted where it differs from place to place; between them, and
below the first and the photo, paintings are blended."""


@dataclass(frozen=True, eq=False)
class Region:
    """Where a style goes.

    style: a code. mask: any size, uint8, white where it is seen in full; None for all that the
    masks of other regions leave.
    """

    style: StyleCode
    mask: Pixels | None = None


def paint_regions(
    paint: Paint,
    photo: Pixels,
    regions: Sequence[Region],
    config: PaintConfig,
    strengths: Pixels | None = None,
) -> Pixels:
    """Paint a photo in several styles, each in its region.

    Where no region is, the photo is left as it is, to the bit. Masks that add up to more than one
    are divided by their sum.

    Args:
        paint: paints the whole photo in one style, as `Painter.paint`.
        photo: (H, W, 3), uint8 or uint16; is not changed.
        regions: one at least; no more than one without a mask.
        config: how.
        strengths: uint8 of any size: how much of `config.strength` goes where; None is all.

    Returns:
        (H, W, 3) of the same type, or with the short side `config.size`.

    Raises:
        PictureError: the proportions of a mask are not those of the photo.
        TooLargeError: it does not fit into memory.
    """
    sides = photo.shape[0], photo.shape[1]
    if config.size is not None:
        sides = with_short_side(sides, config.size)
    if config.protect == "faces":
        strengths = protected(strengths, face_mask(photo))
    blend = _Blend(
        [_fitted(region.mask, sides, config.feather, "the mask") for region in regions],
        _fitted(strengths, sides, 0.0, "the strength map"),
    )
    photo = resized(photo, sides)
    result = np.array(photo)
    memory = _left(config.memory, result.nbytes + blend.nbytes, sides)
    layers = product(regions, blend.levels)
    for number, (region, level) in enumerate(layers, 1):
        if not blend.is_seen(number, sides):
            continue
        strength = level * config.strength
        options = replace(config, strength=strength, size=None, memory=memory)
        blend.add(number, paint(photo, region.style, options), result)
    return result


def _fitted(
    mask: Pixels | None, sides: tuple[int, int], feather: float, name: str
) -> Pixels | None:
    return None if mask is None else fitted(mask, sides, feather, name)


def _left(memory: float | None, held: int, sides: tuple[int, int]) -> float | None:
    """What is left of the GB that are allowed for painting, when so many bytes are held."""
    if memory is None:
        return None
    left = memory - held / 1e9
    if left <= 0:
        raise TooLargeError(
            f"a painting of {sides[1]}x{sides[0]} px with masks holds {held / 1e9:.2f} GB, and "
            f"{memory:g} GB are allowed"
        )
    return left


class _Blend:
    """Says how much of the photo and of each painting is seen where.

    Paintings are numbered from 1 on, by regions and then by levels of strength; 0 is the photo.

    Args:
        masks: of each region, (H, W) uint8, or None.
        strengths: (H, W) uint8; None is full strength everywhere.
    """

    def __init__(self, masks: Sequence[Pixels | None], strengths: Pixels | None) -> None:
        self.masks = masks
        self.strengths = strengths
        self.levels = (1.0,) if strengths is None else _LEVELS

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in (*self.masks, self.strengths) if each is not None)

    def is_seen(self, number: int, sides: tuple[int, int]) -> bool:
        """Whether anything of a painting is seen."""
        return any(self._weights(rows, sides[1])[number].any() for rows in strips(*sides))

    def add(self, number: int, painting: Pixels, result: Pixels) -> None:
        """Blend a painting over those with smaller numbers, in `result`, (H, W, 3)."""
        for rows in strips(*result.shape[:2]):
            weights = self._weights(rows, result.shape[1])[: number + 1]
            seen = weights[number] > 0
            share = np.divide(weights[number], weights.sum(0), where=seen, out=weights[0])
            below = result[rows].astype(np.float32)
            mixed = below + share[..., None] * (painting[rows] - below)
            np.copyto(result[rows], mixed.round().astype(result.dtype), where=seen[..., None])

    def _weights(self, rows: slice, width: int) -> Pixels:
        """Of the photo and of each painting, (1 + paintings, h, W) float32; they add up to 1."""
        painted = self._regions(rows, width)[:, None] * self._levels(rows)
        painted = painted.reshape(-1, *painted.shape[2:])
        return np.concatenate([(1 - painted.sum(0)).clip(0, 1)[None], painted])

    def _regions(self, rows: slice, width: int) -> Pixels:
        """(regions, h, W) float32, which add up to 1 at most."""
        given = [None if mask is None else shares(mask[rows]) for mask in self.masks]
        zero = np.zeros((rows.stop - rows.start, width), np.float32)
        total = sum((mask for mask in given if mask is not None), zero)
        over = np.maximum(total, 1)
        return np.stack([(over - total) if mask is None else mask / over for mask in given])

    def _levels(self, rows: slice) -> Pixels:
        """(levels, h, W) float32: how much of each level makes the strength there."""
        if self.strengths is None:
            return np.ones((1, 1, 1), np.float32)
        knots = (0.0, *self.levels)
        value = shares(self.strengths[rows])
        hats = [np.interp(value, knots, hat) for hat in np.eye(len(knots))[1:]]
        return np.stack(hats).astype(np.float32)
