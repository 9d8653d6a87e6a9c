"""How a picture is optimized: every option, its default and limits. Needs no torch."""

import math
from dataclasses import dataclass

from gan_style.cli.arguments import argument, check_choices

LOWEST_SIDE = 128
"""Coarse sizes are not smaller than this many pixels (short side)."""

_RANGE_WEIGHT = 3000.0  # leaves half a gray level; a tenth changes what is measured after saving


@dataclass(frozen=True)
class OptimizeConfig:
    """How a painting is optimized. The command line takes names, defaults and help from here.

    Raises:
        ValueError: a value that is not allowed, naming it and what is.
    """

    size: int | None = argument(None, "short side in pixels (default: the photo's)", type=int)
    features: str = argument("compact", "network", choices=("compact", "vgg19", "vgg16"))
    feature_weights: str = argument("", "file with its weights (default: its own)")
    method: str = argument("lbfgs", "how pixels are moved", choices=("lbfgs", "adam"))
    evaluations: int = argument(300, "evaluations of the losses, all sizes together")
    scales: int = argument(4, f"at most so many sizes, each twice the last, from {LOWEST_SIDE} up")
    start: str = argument("content", "content, noise, or a picture file such as a stylized photo")
    content_weight: float = argument(1.0, "weight of the content loss")
    style_weight: float = argument(250.0, "weight of the Gram loss")
    tv_weight: float = argument(0.1, "weight of the total variation")
    keep_color: bool = argument(False, "keep the photo's colors, paint its light and dark")
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
class LossRecord:
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
