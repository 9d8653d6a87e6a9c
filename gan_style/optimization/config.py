"""How a picture is optimized: every option, its default and limits, and the losses on the way."""

from dataclasses import dataclass

from gan_style.networks import PICTURE_NETWORKS
from gan_style.options import Section, device_option, option

LOWEST_SIDE = 128
"""Coarse sizes are not smaller than this many pixels (short side)."""
_RANGE_WEIGHT = 3000.0  # leaves half a gray level; a tenth changes what is measured after saving


@dataclass(frozen=True)
class OptimizeConfig(Section):
    """How a painting is optimized.

    Raises:
        ConfigError: a value that is not allowed, naming it and what is.
    """

    size: int | None = option(None, at_least=1, metavar="PIXELS")
    """Short side of the painting; the photo's own if not given."""
    features: str = option("compact", choices=PICTURE_NETWORKS)
    """Network whose maps are compared."""
    feature_weights: str | None = option(None, metavar="FILE")
    """File with its weights; what is shipped, or torchvision's download, if not given."""
    optimizer: str = option("lbfgs", choices=("lbfgs", "adam", "sgd"))
    """How the pixels are moved."""
    evaluations: int = option(300, at_least=1)
    """Evaluations of the losses, all sizes together."""
    scales: int = option(4, at_least=1)
    """At most so many sizes, each twice the one before, from 128 pixels up."""
    start: str = option("content", metavar="content|noise|FILE")
    """Where to start: from the photo, from noise, or from a picture such as a stylized photo."""
    content_weight: float = option(1.0, at_least=0)
    """Weight of the content loss."""
    style_weight: float = option(250.0, at_least=0)
    """Weight of the Gram loss."""
    tv_weight: float = option(0.1, at_least=0)
    """Weight of the total variation."""
    keep_color: bool = False
    """Keep the photo's colors, paint its light and dark."""
    seed: int = option(0, at_least=0)
    """Seed of the noise to start from."""
    device: str = device_option()
    """Where to run."""

    def loss_weights(self) -> dict[str, float]:
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
