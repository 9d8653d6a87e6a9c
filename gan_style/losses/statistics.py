"""Statistics of feature maps over positions: Gram matrices, means and deviations of channels.

Shapes: B pictures, C channels, H rows, W columns. `Maps` are what a feature network returns:
layer name -> (B, C, H, W).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from gan_style.models.statistics import EPSILON

Maps = Mapping[str, Tensor]


@dataclass(frozen=True)
class StyleStatistics:
    """Gram matrix, mean and deviation of every channel over positions, by layer.

    gram: (B, C, C). mean, deviation: (B, C).
    """

    gram: dict[str, Tensor]
    mean: dict[str, Tensor]
    deviation: dict[str, Tensor]

    def average(self, count: int) -> "StyleStatistics":
        """Replace the statistics of each run of `count` pictures by their mean; shapes stay."""

        def pool(values: dict[str, Tensor]) -> dict[str, Tensor]:
            return {
                layer: v.reshape(-1, count, *v.shape[1:]).mean(1).repeat_interleave(count, dim=0)
                for layer, v in values.items()
            }

        return StyleStatistics(pool(self.gram), pool(self.mean), pool(self.deviation))


def gram_matrix(maps: Tensor) -> Tensor:
    """Products of channels averaged over positions (Gatys et al. 2016, eq. 3).

    The paper sums over positions; the average makes pictures of different sizes comparable.

    Shape: (B, C, H, W) -> (B, C, C), symmetric.
    """
    flat = positions_first(maps)
    return flat.mT @ flat / flat.shape[1]


def positions_first(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H*W, C) in float32; moves nothing where channels are last in memory."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2).float()


def style_statistics(maps: Maps) -> StyleStatistics:
    """Gram matrix, mean and deviation of every channel of every layer.

    The deviation is that of `models.statistics`, but from the Gram matrix's diagonal, which holds
    the mean squares already.
    """
    gram, mean, deviation = {}, {}, {}
    for layer, values in maps.items():
        flat = positions_first(values)
        gram[layer] = flat.mT @ flat / flat.shape[1]
        mean[layer] = flat.mean(1)
        square = gram[layer].diagonal(dim1=1, dim2=2)  # (B, C) mean squares
        deviation[layer] = (square - mean[layer].square()).clamp(min=0).add(EPSILON).sqrt()
    return StyleStatistics(gram, mean, deviation)
