"""Pictures worked on a band of rows at a time, so that no second copy of them is made."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[Any]
"""(H, W, 3) of color, or (H, W) of alpha; uint8, or uint16 of pictures of 16 bits a channel."""

_STRIP = 2**20
"""Pixels worked on at once."""


def strips(height: int, width: int) -> Iterator[slice]:
    """Bands of whole rows of about a million pixels, which cover a picture from top to bottom."""
    rows = max(1, _STRIP // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(height, top + rows))


def to_8_bits(values: Pixels) -> NDArray[np.uint8]:
    """Round uint16 of any shape to uint8; uint8 is given back as it is."""
    if values.dtype == np.uint8:
        return values
    whole, rest = np.divmod(values, np.uint16(257))
    return (whole + (rest > 128)).astype(np.uint8)


def full(values: Pixels) -> int:
    """The largest value: 255, or 65535."""
    return int(np.iinfo(values.dtype).max)
