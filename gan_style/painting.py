"""A painting made of pixels that move: how, from what, from the smallest size to the largest.

Shapes: H rows, W columns; pictures are RGB in [0, 1].
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gan_style.arguments import argument, check_choices
from gan_style.features import to_grey
from gan_style.images import read_picture, resize_short_side, to_image, to_rgb, to_tensor
from gan_style.objective import Objective, Picture, light_of
from gan_style.pixels import Descent

LOWEST_SIDE = 128
"""Coarse sizes are not smaller than this many pixels (short side)."""
_RANGE_WEIGHT = 3000.0  # leaves half a grey level; a tenth changes what is measured after saving


@dataclass(frozen=True)
class Settings:
    """How a painting is optimised. The command line takes names, defaults and help from here.

    Raises:
        ValueError: a value that is not allowed, naming it and what is.
    """

    size: int | None = argument(None, "short side in pixels (default: the photo's)", type=int)
    features: str = argument("compact", "network", choices=("compact", "vgg19", "vgg16"))
    feature_weights: str = argument("", "file with its weights (default: its own)")
    method: str = argument("lbfgs", "how pixels are moved", choices=("lbfgs", "adam"))
    evaluations: int = argument(300, "evaluations of the losses, all sizes together")
    scales: int = argument(4, f"at most so many sizes, each twice the last, from {LOWEST_SIDE} up")
    start: str = argument("content", "content, noise, or a picture file such as a stylised photo")
    content_weight: float = argument(1.0, "weight of the content loss")
    style_weight: float = argument(250.0, "weight of the Gram loss")
    tv_weight: float = argument(0.1, "weight of the total variation")
    keep_colour: bool = argument(False, "keep the photo's colours, paint its light and dark")
    seed: int = argument(0, "of the noise to start from")
    device: str = argument("auto", "where to run", choices=("auto", "cpu", "cuda", "mps"))

    def __post_init__(self) -> None:
        check_choices(self)
        for name in ("size", "evaluations", "scales"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} is {value}; allowed: 1 or more")
        for name in ("content_weight", "style_weight", "tv_weight"):
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"{name} is {value}; allowed: 0 or more, finite")

    def weights(self) -> dict[str, float]:
        """The weight of every term of `Objective.terms`."""
        return {
            "content": self.content_weight,
            "gram": self.style_weight,
            "tv": self.tv_weight,
            "range": _RANGE_WEIGHT,
        }


@dataclass(frozen=True)
class Evaluation:
    """The losses of one picture on the way: `total` is weighted, its terms are not."""

    evaluation: int  # from 1
    width: int
    height: int
    seconds: float  # since the painting began
    total: float
    content: float
    gram: float
    tv: float
    range: float


Show = Callable[[], Image.Image]
Progress = Callable[[Evaluation, Show], None]
"""Takes every evaluation, and a function that gives the best picture so far."""


class Painting:
    """The picture from the smallest size to the largest, and its history.

    With `keep_colour` only its luminance is painted: pixels are (1, 1, H, W), else (1, 3, H, W).
    """

    def __init__(
        self, photo: Image.Image, settings: Settings, progress: Progress, device: torch.device
    ) -> None:
        self.photo = photo
        self.settings = settings
        self.progress = progress
        self.device = device
        self.light = light_of(to_tensor(photo)[None]) if settings.keep_colour else None
        self.sides = _sides(min(photo.size), settings.scales)
        self.begin = self._begin()
        self.history: list[Evaluation] = []
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
        return values if self.light is None else to_grey(values)

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
        row = Evaluation(
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
