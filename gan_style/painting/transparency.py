"""Pictures with holes: hidden pixels are filled before painting, and alpha is put back after it.

What lies under full transparency is anything, black as often as not. Painted, it would draw a
halo at the edge of what can be seen.
"""

import numpy as np
from numpy.typing import NDArray

from gan_style.painting.strips import Pixels, full, strips


def fill_hidden(pixels: Pixels, alpha: Pixels) -> None:
    """Replace, in place, the pixels that nobody sees by what lies beside them.

    Each picture is halved, visible pixels counting by their alpha, until nothing is hidden; on
    the way back up hidden pixels are interpolated from the half. Time and memory grow with the
    number of pixels only, whatever the shape of the holes. Nothing is filled if all is hidden.

    Args:
        pixels: (H, W, 3), uint8 or uint16.
        alpha: (H, W) of the same kind; 0 is hidden.
    """
    if not alpha.all() and alpha.any():
        half, half_alpha = _halved(pixels, alpha)
        fill_hidden(half, half_alpha)
        for rows in strips(*alpha.shape):
            hidden = alpha[rows] == 0
            if hidden.any():
                doubled = _doubled(half, rows, alpha.shape[1])
                np.copyto(pixels[rows], doubled, where=hidden[..., None])


def _halved(pixels: Pixels, alpha: Pixels) -> tuple[Pixels, Pixels]:
    """Mean color of each 2 x 2 pixels, weighted by alpha, and their largest alpha."""
    height, width = alpha.shape
    size = ((height + 1) // 2, (width + 1) // 2)
    half, half_alpha = np.zeros((*size, 3), pixels.dtype), np.zeros(size, alpha.dtype)
    for out in strips(size[0], 4 * size[1]):
        rows = slice(2 * out.start, min(height, 2 * out.stop))
        weight = alpha[rows].astype(np.float32)[..., None]
        total = _sums(pixels[rows] * weight) / np.maximum(_sums(weight), 1)
        half[out] = total.round()
        for top in (0, 1):
            for left in (0, 1):
                part = alpha[rows][top::2, left::2]
                best = half_alpha[out][: part.shape[0], : part.shape[1]]
                np.maximum(best, part, out=best)
    return half, half_alpha


def _sums(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, C) -> sums of each 2 x 2; at an odd end, of what is there."""
    down: NDArray[np.float32] = values[::2].copy()
    down[: values.shape[0] // 2] += values[1::2]
    sums: NDArray[np.float32] = down[:, ::2].copy()
    sums[:, : values.shape[1] // 2] += down[:, 1::2]
    return sums


def _doubled(half: Pixels, rows: slice, width: int) -> Pixels:
    """Rows of the whole picture, of so many pixels each, interpolated from the half."""
    top, bottom, low = _neighbors(np.arange(rows.start, rows.stop), half.shape[0])
    left, right, far = _neighbors(np.arange(width), half.shape[1])
    low, far = low[:, None, None], far[:, None]
    band = half[top] * (1 - low) + half[bottom] * low
    mixed: Pixels = (band[:, left] * (1 - far) + band[:, right] * far).round().astype(half.dtype)
    return mixed


def _neighbors(
    places: NDArray[np.intp], length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Before, after, and how far between them, along an axis of so many half pixels."""
    before = (places - 1) // 2  # centers: place + 1/2 in the whole is (place - 1/2) / 2 here
    share = np.where(places % 2, np.float32(0.25), np.float32(0.75))
    return before.clip(0), (before + 1).clip(0, length - 1), share


def over_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """(H, W, 3) under its alpha, (H, W), laid over white."""
    top = full(alpha)
    weight = alpha.astype(np.float32)[..., None] / top
    mixed: Pixels = (pixels * weight + top * (1 - weight)).round().astype(pixels.dtype)
    return mixed
