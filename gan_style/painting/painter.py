"""A photo of any size and a style -> its painting.

Shapes: H rows, W columns, d numbers in a style code.
"""

import math
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.device import autocast, release_freed_memory
from gan_style.errors import ModelError
from gan_style.models.style_model import StyleModel
from gan_style.painting.budget import in_tiles_that_fit, pixels_at_once
from gan_style.painting.config import BrushConfig
from gan_style.painting.enlargement import Enlargement
from gan_style.painting.pixels import to_floats, write_floats
from gan_style.painting.plan import Plan, plan_painting
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels, strips
from gan_style.painting.tiles import paint_in_tiles
from gan_style.sizes import with_short_side
from gan_style.style_code import StyleCode

CORRECTED_SIDE = 384
"""Short side in pixels of the first painting, by which a code is corrected."""
OWN_SIDE = 1024
"""Most pixels of the short side at which a photo's own style is read."""
_OVER = 0.5  # share that the second painting has where a painting is painted over


class Engine(Protocol):
    """Another runtime with the same model, such as `gan_style.sharing.onnx_engine.OnnxEngine`."""

    @property
    def model(self) -> str:
        """`Stylizer.id` of its model."""

    def __call__(self, content: Tensor, code: Tensor) -> Tensor:
        """As `Painter.generate`, in one piece: (1, 3, H, W) and (1, d) -> (1, 3, H, W) float32."""


class Painter:
    """Paints with a model on a device.

    Args:
        model: without gradients, on the device.
        device: where networks run.
        precision: in which they run there, "bfloat16" or "float32".
        engine: paints instead of the model what needs no tiles.
    """

    def __init__(
        self,
        model: StyleModel,
        device: torch.device,
        precision: str,
        engine: Engine | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.precision = precision
        self.engine = engine

    @torch.inference_mode()
    def paint(self, photo: Pixels, style: StyleCode, config: BrushConfig) -> Pixels:
        """Paint a photo.

        Args:
            photo: (H, W, 3), 8 or 16 bits, RGB; is not changed.
            style: of this model.
            config: how.

        Returns:
            (H, W, 3), or the sides that `config.size` asks for, of as many bits.

        Raises:
            TooLargeError: it does not fit into memory.
        """
        height, width = photo.shape[:2]
        if config.size is not None:
            height, width = with_short_side((height, width), config.size)
        plan = plan_painting(min(height, width), config.stroke_size, style.sides[-1])
        # of the very sides that are painted: one pixel less, and it would be painted in tiles
        working = math.prod(with_short_side((height, width), plan.again or plan.side))
        pixels = pixels_at_once(
            (height, width),
            3 * photo.itemsize,
            working,
            config.memory,
            self.device,
            self.precision if self.engine is None else "float32",
        )
        photo = resized(photo, (height, width))
        if config.strength == 0:
            return photo[:]  # a view: nothing changes pixels in place
        code = style.at(plan.reading)[None].to(self.device)

        def paint(pixels: int) -> Pixels:
            release_freed_memory()  # reading a photo takes some of its size
            small, painted = self._painted(photo, plan, code, config.strength, pixels)
            release_freed_memory()
            return _brought_up(photo, small, painted, config.keep_color)

        pixels = min(pixels, working)
        return in_tiles_that_fit(paint, pixels, f"a picture of {width}x{height} px")

    def _painted(
        self, photo: Pixels, plan: Plan, code: Tensor, strength: float, pixels: int
    ) -> tuple[Tensor, Tensor]:
        """The photo at the plan's last side, and its painting, (1, 3, h, w) each.

        code: (1, d). pixels: the most that are painted at a time.
        """
        small = self._reduced(photo, plan.side)
        if strength < 1:  # part of the way from the photo's own code, and of the way in pixels
            own = self.model.encode(shrunk(small, OWN_SIDE)[:, None])
            code = own.lerp(code, strength)
        painted = small.lerp(self.generate(small, code, pixels), min(1.0, 2 * strength))
        if plan.again is None:
            return small, painted
        larger = self._reduced(photo, plan.again)
        sides = larger.shape[2], larger.shape[3]
        enlarged = Enlargement(small, painted, sides).whole(larger)
        over = self.generate(enlarged, code, pixels)
        return larger, enlarged.lerp(over, _OVER * strength)

    def _reduced(self, photo: Pixels, side: int) -> Tensor:
        """The photo with a short side of so many pixels, (1, 3, h, w) float32 in [0, 1]."""
        return to_floats(resized(photo, with_short_side(photo.shape[:2], side)), self.device)

    def generate(self, content: Tensor, code: Tensor, pixels: int) -> Tensor:
        """What the generator makes of (1, 3, h, w) with a code that suits the photo.

        Args:
            content: (1, 3, h, w) in [0, 1], the photo, or its painting to be painted over.
            code: (1, d), of the style that the painting should have.
            pixels: the most that are painted at a time.

        Returns:
            (1, 3, h, w) float32.

        Raises:
            ModelError: it is not finite.
        """
        if self.engine is not None and content.shape[2] * content.shape[3] <= pixels:
            return self.engine(content, code)
        code = self.corrected(content, code)
        with autocast(self.device, self.precision):
            painted = paint_in_tiles(self.model.generator, content, code, pixels)
        if not torch.isfinite(painted).all():  # it would come out black
            raise ModelError(
                "the painting holds numbers that are not finite: the weights of the model, or the "
                "numbers of the style code, are too large"
            )
        return painted

    def corrected(self, content: Tensor, code: Tensor) -> Tensor:
        """The code with which a painting of (1, 3, h, w) gets the code that is wanted, (1, d)."""
        # the first painting is read in float32, as the pictures of a style are
        small, first = shrunk(content, CORRECTED_SIDE), autocast(self.device, self.precision)
        return self.model.corrected(small, code, first)


def shrunk(photo: Tensor, side: int) -> Tensor:
    """(1, 3, H, W) with a short side of at most so many pixels."""
    if min(photo.shape[2:]) <= side:
        return photo
    sides = with_short_side(photo.shape[2:], side)
    return F.interpolate(photo, sides, mode="bilinear", antialias=True)


def _brought_up(photo: Pixels, small: Tensor, painted: Tensor, keep_color: bool) -> Pixels:
    """The painting (1, 3, h, w) of a reduced photo at the size of the photo, in its bits.

    `keep_color`: with the photo's chroma, and the luminance of the painting (Gatys et al. 2017).
    """
    result = np.empty_like(photo)
    sides = photo.shape[0], photo.shape[1]
    enlargement = None
    if min(sides) > min(painted.shape[2:]):
        enlargement = Enlargement(small, painted, sides)
    elif sides != painted.shape[2:]:  # under 32 px, which networks get enlarged
        painted = F.interpolate(painted, sides, mode="area")
    for part in strips(*sides):
        rows = to_floats(photo[part], painted.device)
        strip = painted[:, :, part] if enlargement is None else enlargement.rows(part, rows)
        if keep_color:
            strip = rows + to_gray(strip) - to_gray(rows)
        write_floats(strip, result[part])
    return result
