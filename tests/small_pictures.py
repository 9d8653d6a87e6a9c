"""A collection of small pictures of a few colors, the same on every machine."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_small_pictures(folder: Path, size: tuple[int, int] = (60, 50)) -> None:
    """Make styles/ink and styles/oil of three pictures each, and photos/ of four.

    Args:
        folder: to make them in.
        size: width and height of each.
    """
    random = np.random.default_rng(0)
    for place, coarse in (("styles/ink", 4), ("styles/oil", 12), ("photos", 6)):
        (folder / place).mkdir(parents=True)
        for number in range(4 if place == "photos" else 3):
            values = random.integers(0, 256, (coarse, coarse, 3), dtype=np.uint8)
            picture = Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)
            picture.save(folder / place / f"{number}.png")
