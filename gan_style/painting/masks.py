"""Masks: gray pictures that say how much of something goes where, white all and black nothing."""

from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from gan_style.color import LUMINANCE
from gan_style.data.images import Picture
from gan_style.errors import PictureError
from gan_style.painting.canvas import Canvas, read_canvas
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels, full, strips, to_8_bits

Mask: TypeAlias = Picture | Pixels
"""A picture in memory, the path of its file, or an array (H, W) of uint8, uint16 or floats."""

_NEARLY = 0.02
"""Share within which values count as black or white, which JPEG seldom leaves them."""
_PROPORTION = 0.02
"""By how much the proportions of a mask may be others than those of its photo: by rounding."""


def read_mask(mask: Mask, name: str = "a mask") -> Pixels:
    """Read a mask: its luminance, times its opacity if it is partly transparent.

    Args:
        mask: a picture in memory, a path, or an array (H, W): uint8, uint16, or floats in [0, 1].
        name: what messages call it, unless it has a path.

    Returns:
        (H, W) uint8.

    Raises:
        PictureError: it cannot be read, or an array is of another kind or shape.
        TooLargeError: reading it would take more memory than is free.
    """
    if isinstance(mask, np.ndarray):
        return _checked(mask, name)
    return _opacity(read_canvas(mask, name=name if isinstance(mask, Image.Image) else None))


def _checked(mask: Pixels, name: str) -> Pixels:
    if mask.ndim != 2 or not mask.size:
        raise PictureError(f"{name} has the shape {mask.shape}; it must be (H, W)")
    if mask.dtype in (np.uint8, np.uint16):
        return to_8_bits(mask)
    if mask.dtype == np.bool_:
        mask = mask.astype(np.float32)
    if not np.issubdtype(mask.dtype, np.floating):
        raise PictureError(f"{name} is of {mask.dtype}; allowed: uint8, uint16, bool and floats")
    if not ((mask >= 0) & (mask <= 1)).all():  # not-a-number is refused, too
        raise PictureError(f"{name} has values outside [0, 1], which floats must be in")
    gray: Pixels = (mask * 255).round().astype(np.uint8)
    return gray


def _opacity(canvas: Canvas) -> Pixels:
    weights = np.array(LUMINANCE, np.float32)
    height, width = canvas.pixels.shape[:2]
    gray = np.empty((height, width), np.uint8)
    for rows in strips(height, width):
        values = to_8_bits(canvas.pixels[rows]) @ weights
        if canvas.alpha is not None:
            values *= canvas.alpha[rows] / np.float32(full(canvas.alpha))
        gray[rows] = values.round()
    return gray


def fitted(mask: Pixels, sides: tuple[int, int], feather: float, name: str = "a mask") -> Pixels:
    """A mask at the size of a photo, with soft borders if that is wanted.

    Args:
        mask: (h, w) uint8.
        sides: H and W of the photo.
        feather: percent of the photo's short side over which borders are softened.
        name: what messages call it.

    Returns:
        (H, W) uint8. Masks that add up to one still do.

    Raises:
        PictureError: its proportions are not those of the photo.
    """
    (height, width), (rows, columns) = mask.shape, sides
    if abs(width * rows - height * columns) > _PROPORTION * width * rows + max(width, rows):
        raise PictureError(
            f"{name} has {width}x{height} px, and the photo {columns}x{rows}: a mask must have "
            "the proportions of its photo"
        )
    mask = resized(mask, sides, Image.Resampling.BILINEAR)
    if not feather:
        return mask
    deviation = feather / 100 * min(sides) / 4  # nearly all of the step is within four of them
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(deviation)))


def shares(mask: Pixels) -> Pixels:
    """(h, W) uint8 as float32 in [0, 1]; what is nearly black or white is black or white."""
    values = mask.astype(np.float32) / 255
    clipped: Pixels = ((values - _NEARLY) / np.float32(1 - 2 * _NEARLY)).clip(0, 1)
    return clipped
