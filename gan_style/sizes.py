"""Sizes of pictures on which all parts agree."""

from collections.abc import Sequence

READING_SIDE = 288
"""Short side in pixels at which pictures of a style are learned from and compared."""
READING_SIDES = (192, 288, 512, 1024)
"""Short sides in pixels at which a style's pictures are read: strokes are as large, in pixels of
the painting, as they are in the pictures at the side that is used."""
CARRIED_SIDE = 512
"""Pictures are read at up to this side even if they have to be enlarged for it; at larger ones only
if they have as many pixels, for what the model reads in pictures enlarged further is blur."""
MINIMUM_SIDE = 32
"""The networks take no shorter side, in pixels."""
LONGEST_RATIO = 4
"""Pictures are cut to at most this many times their shorter side before they are read."""


def with_short_side(sides: Sequence[int], short_side: int) -> tuple[int, int]:
    """Two sides in the same proportion, of which the shorter one has `short_side` pixels."""
    one, other = (max(1, round(side * short_side / min(sides))) for side in sides)
    return one, other
