"""A painting in overlapping tiles, as if it had been made in one piece.

Only the normalization of a generator looks at a whole picture (`models.layers.GlobalStatistics`).
With statistics that were measured beforehand a tile depends on the pixels around it alone, and
with enough of these beside it, it is the same as in the whole: there is no seam to be hidden.

Shapes: H rows, W columns, d numbers in a style code; pictures are RGB in [0, 1].
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.models.generator import STRIDE, Generator
from gan_style.sizes import MINIMUM_SIDE

MARGIN = 64
"""Pixels of the picture that a tile is painted with on every side, and that are then cut off."""
SMALLEST_TILE = 128
"""Least side of a tile in pixels, without its margin."""

Range = tuple[int, int]


def paint_in_tiles(generator: Generator, content: Tensor, code: Tensor, pixels: int) -> Tensor:
    """Paint a picture, in tiles if it has more than so many pixels.

    The statistics of tiles are those of the picture, reduced to that number of pixels if it has
    more.

    Args:
        generator: paints.
        content: (1, 3, H, W), H and W at least 32.
        code: (1, d).
        pixels: most that may be painted at a time; a tile with its margin has 256 x 256 at least.

    Returns:
        (1, 3, H, W) float32.
    """
    height, width = content.shape[2:]
    if height * width <= pixels:
        painted: Tensor = generator(content, code)
        return painted.float()
    with generator.statistics_of(reduced(content, pixels), code):
        return paint_tiles(generator, content, code, tile_side(pixels))


def tile_side(pixels: int) -> int:
    """The side of a tile that has at most so many pixels with its margin, or the least side."""
    side = math.isqrt(max(0, pixels)) - 2 * MARGIN
    return max(SMALLEST_TILE, side // STRIDE * STRIDE)


def smallest_pixels() -> int:
    """The number of pixels of the smallest tile with its margin."""
    return (SMALLEST_TILE + 2 * MARGIN) ** 2


def reduced(content: Tensor, pixels: int) -> Tensor:
    """(1, 3, H, W) with at most so many pixels, and sides of at least 32."""
    height, width = content.shape[2:]
    factor = math.sqrt(pixels / (height * width))
    if factor >= 1:
        return content
    sides = [max(MINIMUM_SIDE, int(side * factor)) for side in (height, width)]
    return F.interpolate(content, sides, mode="bilinear", antialias=True)


def paint_tiles(generator: Generator, content: Tensor, code: Tensor, side: int) -> Tensor:
    """Paint tiles of `side` pixels, a multiple of 16, with statistics that are given.

    To be called within `Generator.statistics_of`; other arguments as `paint_in_tiles`.
    """
    painted = torch.empty(content.shape, dtype=torch.float32, device=content.device)
    for (top, bottom), (above, below) in _ranges(content.shape[2], side):
        for (left, right), (before, after) in _ranges(content.shape[3], side):
            tile = generator(content[:, :, above:below, before:after], code)
            inner = tile[:, :, top - above : bottom - above, left - before : right - before]
            painted[:, :, top:bottom, left:right] = inner
    return painted


def _ranges(length: int, side: int) -> Iterator[tuple[Range, Range]]:
    """Cut a length into tiles: from where to where each goes, without and with its margin.

    They begin at multiples of 16, as the generator's maps do. A rest too short for the networks
    belongs to the tile before it.
    """
    starts = [*range(0, max(1, length - MINIMUM_SIDE), side)]
    for start, end in zip(starts, [*starts[1:], length], strict=True):
        yield (start, end), (max(0, start - MARGIN), min(length, end + MARGIN))
