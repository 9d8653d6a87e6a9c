"""What was drawn on a photo with the brush, as a mask."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_style.data.images import open_picture, reduce_short_side
from gan_style.painting.strips import Pixels

_DRAWN_ON = 600  # short side in pixels of what is drawn on
_DRAWN = 64  # of 255: what is less opaque is the soft rim of a stroke


def to_draw_on(photo: Path) -> Image.Image:
    """A photo as it is drawn on: no larger than a screen shows.

    Raises:
        PictureError: it cannot be read.
    """
    return reduce_short_side(open_picture(photo, _DRAWN_ON), _DRAWN_ON)


def drawn_mask(drawing: Mapping[str, Any] | None) -> Pixels | None:
    """The mask of what was drawn, white there; None if nothing was.

    Args:
        drawing: the value of Gradio's editor: "layers", each (h, w, 4) uint8 with its opacity.

    Returns:
        (h, w) uint8 of the proportions of what was drawn on.
    """
    layers = [np.asarray(each) for each in (drawing or {}).get("layers") or []]
    opacities = [each[..., 3] for each in layers if each.ndim == 3 and each.shape[2] == 4]
    if not opacities or not any((each > _DRAWN).any() for each in opacities):
        return None
    drawn = np.maximum.reduce([each for each in opacities if each.shape == opacities[0].shape])
    mask: Pixels = np.where(drawn > _DRAWN, 255, 0).astype(np.uint8)
    return mask
