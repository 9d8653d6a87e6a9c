"""What is exported, as modules with tensors in and tensors out.

Their sizes are left open: one graph is for pictures of every size.

Shapes: H rows, W columns, d numbers in a style code; pictures are RGB in [0, 1].
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.models.style_model import StyleModel
from gan_style.painting.enlargement import luminance_slope
from gan_style.painting.painter import CORRECTED_SIDE, OWN_SIDE
from gan_style.sizes import MINIMUM_SIDE

LARGEST_SIDE = 8192
"""Most pixels of a side of a photo that an exported program takes."""


class Painting(nn.Module):
    """Photo, code and strength -> the painting, as `Painter` makes it without tiles.

    Args:
        model: its weights are shared.

    Shape:
        - photo: (1, 3, H, W) in [0, 1], H and W at least 32
        - code: (1, d), of the style read at the photo's short side
        - strength: (1,) in [0, 1]
        - returns: (1, 3, H, W) in [0, 1]
    """

    def __init__(self, model: StyleModel) -> None:
        super().__init__()
        self.generator = model.generator
        self.reading = Reading(model)
        self.own = Shrinking(OWN_SIDE)
        self.first = Shrinking(CORRECTED_SIDE)
        self.steering = Steering()
        self.correction = Correction(model)
        self.blending = Blending()

    def forward(self, photo: Tensor, code: Tensor, strength: Tensor) -> Tensor:
        # Also at full strength: a branch would save a twentieth of the work, and not every
        # program that reads the file knows branches.
        wanted = self.steering(self.reading(self.own(photo)), code, strength)
        first = self.reading(self.generator(self.first(photo), wanted))
        painted = self.generator(photo, self.correction(wanted, first))
        blended: Tensor = self.blending(photo, painted, strength)
        return blended


class Reading(nn.Module):
    """Pictures -> the code of each; the code of their style is the mean.

    Shape:
        - pictures: (K, 3, H, W) in [0, 1], H and W at least 32
        - returns: (K, d)
    """

    def __init__(self, model: StyleModel) -> None:
        super().__init__()
        self.encoder = model.encoder

    def forward(self, pictures: Tensor) -> Tensor:
        codes: Tensor = self.encoder(pictures[:, None])
        return codes


class Shrinking(nn.Module):
    """A photo with a short side of at most so many pixels, as of `painter.shrunk`.

    Shape: (1, 3, H, W) -> (1, 3, h, w)
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, photo: Tensor) -> Tensor:
        # Sizes as tensors, so that for the networks after it they are new unknowns: as formulas of
        # H and W they would make every later question about sizes one about these.
        sides = torch.stack([torch.full((), each) for each in photo.shape[2:]])
        short = sides.min()
        scaled = (2 * sides * short.clamp(max=self.side) + short) // (2 * short)  # rounded
        reduced: Any = [each.item() for each in scaled]
        for each in reduced:
            torch._check(each >= MINIMUM_SIDE)
            torch._check(each <= LARGEST_SIDE)
        return F.interpolate(photo, reduced, mode="bilinear", antialias=True)


class Steering(nn.Module):
    """The code that is the strength's part of the way from the photo's own to the style's.

    Shape: (1, d), (1, d), (1,) -> (1, d)
    """

    def forward(self, own: Tensor, code: Tensor, strength: Tensor) -> Tensor:
        return own + strength * (code - own)


class Correction(nn.Module):
    """The wanted code moved by what a first painting missed: (1, d), (1, d) -> (1, d)."""

    def __init__(self, model: StyleModel) -> None:
        super().__init__()
        self.feedback = model.feedback

    def forward(self, wanted: Tensor, found: Tensor) -> Tensor:
        moved: Tensor = wanted + self.feedback(wanted - found)
        return moved


class Blending(nn.Module):
    """The painting, or below half the strength its mean with the photo.

    Shape: (1, 3, H, W), (1, 3, H, W), (1,) -> (1, 3, H, W)
    """

    def forward(self, photo: Tensor, painted: Tensor, strength: Tensor) -> Tensor:
        share = (2 * strength).clamp(max=1)
        return share * painted + (1 - share) * photo


class Enlarging(nn.Module):
    """A small painting -> the large one, with the photo's edges: all of `Enlargement` at once.

    Shape:
        - photo: (1, 3, H, W) in [0, 1]
        - small: (1, 3, h, w), the photo reduced
        - painted: (1, 3, h, w), the painting of that
        - returns: (1, 3, H, W) in [0, 1]
    """

    def forward(self, photo: Tensor, small: Tensor, painted: Tensor) -> Tensor:
        sides = photo.shape[2], photo.shape[3]
        gray = to_gray(small)
        smooth = F.interpolate(torch.cat([painted, gray], 1), sides, mode="bicubic")
        slope = F.interpolate(luminance_slope(gray, painted), sides, mode="bilinear")
        detail = to_gray(photo) - smooth[:, 3:]
        return (smooth[:, :3] + slope * detail).clamp(0, 1)
