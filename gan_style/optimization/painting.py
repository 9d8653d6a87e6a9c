"""A painting made of pixels that move: how, from what, from the smallest size to the largest.

Shapes: H rows, W columns; pictures are RGB in [0, 1].
"""

import time
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.data.images import read_picture, resize_short_side, to_image, to_rgb, to_tensor
from gan_style.optimization.config import LOWEST_SIDE, LossRecord, OptimizeConfig
from gan_style.optimization.objective import Objective, Picture, light_of
from gan_style.optimization.solver import Descent

Show = Callable[[], Image.Image]
Progress = Callable[[LossRecord, Show], None]
"""Takes every evaluation, and a function that gives the best picture so far."""


class Painting:
    """The picture from the smallest size to the largest, and its history.

    With `keep_color` only its luminance is painted: pixels are (1, 1, H, W), else (1, 3, H, W).
    """

    def __init__(
        self, photo: Image.Image, settings: OptimizeConfig, progress: Progress, device: torch.device
    ) -> None:
        self.photo = photo
        self.settings = settings
        self.progress = progress
        self.device = device
        self.light = light_of(to_tensor(photo)[None]) if settings.keep_color else None
        self.sides = _sides(min(photo.size), settings.scales)
        self.begin = self._begin()
        self.history: list[LossRecord] = []
        self.descent: Descent | None = None  # of the present size
        self.began = time.perf_counter()

    def _begin(self) -> Image.Image:
        """The picture to start from, of full size."""
        if self.settings.start == "content":
            return self.photo
        width, height = self.photo.size
        if self.settings.start == "noise":
            generator = torch.Generator().manual_seed(self.settings.seed)
            return to_image(torch.rand(3, height, width, generator=generator))
        begin = open_picture(self.settings.start, min(self.photo.size))
        if max(abs(a - b) for a, b in zip(begin.size, self.photo.size, strict=True)) > 2:
            raise ValueError(
                f"start is {self.settings.start}, {begin.width}x{begin.height} px at this size; "
                f"it must have the photo's proportions, {width}x{height}"
            )
        return begin.resize(self.photo.size, Image.Resampling.LANCZOS)

    def pixels(self, picture: Image.Image, side: int) -> Tensor:
        """What is painted of a picture, at a short side."""
        values = to_tensor(resize_short_side(picture, side))[None].to(self.device)
        return values if self.light is None else to_gray(values)

    def paint(self, side: int, objective: Objective) -> None:
        """Improve the picture at this short side; evaluations are shared evenly among sizes."""
        start = self.pixels(self.begin, side)
        if self.descent is not None:
            before = self.pixels(self.begin, min(self.descent.best.shape[2:]))
            start = start + _enlarged(self.descent.best - before, start)
        allowed = self.settings.evaluations * (self.sides.index(side) + 1) // len(self.sides)
        descent = Descent(lambda pixels: self._loss(pixels, objective), start)
        self.descent = descent
        descent.run(self.settings.method, allowed - len(self.history))

    def _loss(self, pixels: Tensor, objective: Objective) -> Tensor:
        weights = self.settings.weights()
        terms = objective.terms(in_color(pixels))
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        numbers = torch.stack([total, *terms.values()]).tolist()  # waits for the device, once
        row = LossRecord(
            len(self.history) + 1,
            pixels.shape[3],
            pixels.shape[2],
            time.perf_counter() - self.began,
            **dict(zip(("total", *terms), numbers, strict=True)),
        )
        self.history.append(row)
        self.progress(row, self.show)
        return total

    def show(self) -> Image.Image:
        """The best picture so far, of full size."""
        assert self.descent is not None
        width, height = self.photo.size
        best = _enlarged(self.descent.best, torch.empty(height, width))
        painted = to_image(in_color(best)[0])
        if self.light is None:
            return painted
        # luminance transfer, Gatys et al. 2017, 5.1
        _, blue, red = self.photo.convert("YCbCr").split()
        return Image.merge("YCbCr", (painted.convert("L"), blue, red)).convert("RGB")


def open_picture(picture: Picture, size: int | None) -> Image.Image:
    """A picture as RGB, at a short side if that is given."""
    if isinstance(picture, Image.Image):
        opened = to_rgb(picture)
    else:
        opened = read_picture(picture, size or 0)
    return resize_short_side(opened, size) if size else opened


def _sides(largest: int, count: int) -> list[int]:
    """Short sides from the coarsest to the full one."""
    sides = [largest]
    while len(sides) < count and sides[0] // 2 >= LOWEST_SIDE:
        sides.insert(0, sides[0] // 2)
    return sides


def in_color(pixels: Tensor) -> Tensor:
    """(1, 1 or 3, H, W) -> (1, 3, H, W): what is painted, as a picture."""
    return pixels.expand(-1, 3, -1, -1)


def _enlarged(picture: Tensor, like: Tensor) -> Tensor:
    size = like.shape[-2:]
    if picture.shape[-2:] == size:
        return picture
    return F.interpolate(picture, size, mode="bicubic", align_corners=False)
