"""Coarse to fine: a painting optimized at its smallest size first, then at every next one.

After Gatys et al. (2017, section 6): strokes larger than the network's receptive field have to be
laid while the picture is small.

Shapes: H rows, W columns; pictures are RGB in [0, 1].
"""

import time
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray, transfer_luminance
from gan_style.data.images import open_picture, resize_short_side, to_image, to_tensor
from gan_style.errors import PictureError
from gan_style.optimization.config import LOWEST_SIDE, LossRecord, OptimizeConfig
from gan_style.optimization.objective import Objective, luminance_of
from gan_style.optimization.solver import Descent

Show = Callable[[], Image.Image]
Progress = Callable[[LossRecord, Show], None]
"""Takes every evaluation, and a function that returns the best picture so far."""


class CoarseToFine:
    """The schedule of an optimization: sizes, where each starts, and the losses of all.

    With `keep_color` only the luminance is optimized: pixels are (1, 1, H, W), else (1, 3, H, W).

    Args:
        photo: of the painting's full size.
        config: how the painting is optimized.
        progress: called at every evaluation.
        device: where to optimize.

    Attributes:
        sides: short sides in pixels, the smallest first.
        luminance: mean and deviation of the photo's luminance if only that is optimized, or None.
        history: the losses at every evaluation so far.

    Raises:
        PictureError: the picture to start from cannot be read, or has other proportions.
    """

    def __init__(
        self, photo: Image.Image, config: OptimizeConfig, progress: Progress, device: torch.device
    ) -> None:
        self.photo = photo
        self.config = config
        self.progress = progress
        self.device = device
        self.luminance = luminance_of(to_tensor(photo)[None]) if config.keep_color else None
        self.sides = _sides(min(photo.size), config.scales)
        self.history: list[LossRecord] = []
        self._start = self._starting_picture()
        self._descent: Descent | None = None  # of the present size
        self._began = time.perf_counter()

    def _starting_picture(self) -> Image.Image:
        """The picture to start from, of full size."""
        start, (width, height) = self.config.start, self.photo.size
        if start == "content":
            return self.photo
        if start == "noise":
            rng = torch.Generator().manual_seed(self.config.seed)
            return to_image(torch.rand(3, height, width, generator=rng))
        side = min(self.photo.size)
        picture = resize_short_side(open_picture(start, side), side)
        if max(abs(a - b) for a, b in zip(picture.size, self.photo.size, strict=True)) > 2:
            raise PictureError(
                f"start is {start}, {picture.width}x{picture.height} px at this size; it must have "
                f"the photo's proportions, {width}x{height}"
            )
        return picture.resize(self.photo.size, Image.Resampling.LANCZOS)

    def pixels(self, picture: Image.Image, side: int) -> Tensor:
        """What is optimized of a picture, at a short side: (1, 1 or 3, H, W)."""
        values = to_tensor(resize_short_side(picture, side))[None].to(self.device)
        return values if self.luminance is None else to_gray(values)

    def optimize(self, side: int, objective: Objective) -> None:
        """Optimize the picture at this short side; evaluations are shared evenly among sizes.

        It starts from the result of the size before, with the finer details of the first picture.

        Raises:
            DivergedError: the first loss is not finite.
        """
        start = self.pixels(self._start, side)
        if self._descent is not None:
            best = self._descent.best
            coarse = self.pixels(self._start, min(best.shape[2:]))
            start = start + _enlarged(best - coarse, start)
        allowed = self.config.evaluations * (self.sides.index(side) + 1) // len(self.sides)
        self._descent = Descent(lambda pixels: self._loss(pixels, objective), start)
        self._descent.run(self.config.optimizer, allowed - len(self.history))

    def _loss(self, pixels: Tensor, objective: Objective) -> Tensor:
        weights = self.config.loss_weights()
        terms = objective.terms(in_color(pixels))
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        numbers = torch.stack([total, *terms.values()]).tolist()  # waits for the device, once
        record = LossRecord(
            len(self.history) + 1,
            pixels.shape[3],
            pixels.shape[2],
            time.perf_counter() - self._began,
            **dict(zip(("total", *terms), numbers, strict=True)),
        )
        self.history.append(record)
        self.progress(record, self.best)
        return total

    def best(self) -> Image.Image:
        """The best picture so far, of full size."""
        assert self._descent is not None
        width, height = self.photo.size
        best = _enlarged(self._descent.best, torch.empty(height, width))
        painted = to_image(in_color(best)[0])
        if self.luminance is None:
            return painted
        # as "L": PIL's luminance of three equal channels is off by 1 for some values
        return transfer_luminance(self.photo, painted.convert("L"))


def _sides(largest: int, count: int) -> list[int]:
    """Short sides from the coarsest to the full one."""
    sides = [largest]
    while len(sides) < count and sides[0] // 2 >= LOWEST_SIDE:
        sides.insert(0, sides[0] // 2)
    return sides


def in_color(pixels: Tensor) -> Tensor:
    """What is optimized as a color picture: (1, 1 or 3, H, W) -> (1, 3, H, W)."""
    return pixels.expand(-1, 3, -1, -1)


def _enlarged(picture: Tensor, like: Tensor) -> Tensor:
    size = like.shape[-2:]
    if picture.shape[-2:] == size:
        return picture
    return F.interpolate(picture, size, mode="bicubic", align_corners=False)
