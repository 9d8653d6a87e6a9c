"""Arrays of pixels in another size, without PyTorch: what refuses a video need not load it."""

import numpy as np
from PIL import Image

from gan_style.painting.strips import Pixels, full


def resized(
    pixels: Pixels,
    sides: tuple[int, int],
    filter: Image.Resampling = Image.Resampling.LANCZOS,
) -> Pixels:
    """The color or alpha with H and W of `sides`."""
    if pixels.shape[:2] == sides:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(_resized(Image.fromarray(pixels), sides, filter))
    white = full(pixels)
    result = np.empty((*sides, *pixels.shape[2:]), pixels.dtype)
    for channel in np.ndindex(pixels.shape[2:]):  # PIL has no color of 16 bits
        place = (..., *channel)
        values = np.asarray(_resized(Image.fromarray(pixels[place].astype("f4")), sides, filter))
        result[place] = values.clip(0, white).round()
    return result


def _resized(image: Image.Image, sides: tuple[int, int], filter: Image.Resampling) -> Image.Image:
    return image.resize((sides[1], sides[0]), filter, None, 3.0)
