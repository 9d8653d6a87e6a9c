"""The style encoder: example pictures -> style code.

Shapes: B sets of pictures, K pictures in each, H rows, W columns, d numbers in a style code;
pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor, nn

from gan_style.models.feature_networks import picture_features, stroke_features
from gan_style.models.layers import RunningScale, of_size
from gan_style.models.statistics import mean_and_deviation

_WIDTHS = {"small": 256, "large": 512}
_READINGS = 2 * (32 + 64 + 256 + 256 + 512)  # of relu1_1, relu2_1, relu3_1, fire7, fire12


class StyleEncoder(nn.Module):
    """A set of pictures in one style -> its code; their order does not matter.

    Style is what stays when positions are forgotten: the mean and deviation of every channel
    (Huang & Belongie 2017) of the maps of `compact`, which is shipped and frozen here. Each of
    these readings is standardized by itself, because all of them depend on brightness, which would
    drown the rest; a linear map takes them to a code, and a small network adds what is not linear.
    Codes are averaged over the set, as in Deep Sets (Zaheer et al. 2017, th. 2). An encoder with
    maps of its own, learned along with the generator, encoded unseen styles no better.

    Args:
        code_dim: d, numbers in a style code.
        size: "small" or "large".

    Raises:
        ModelError: an unknown size.

    Shape:
        - pictures: (B, K, 3, H, W), K at least 1, H and W at least 32
        - returns: (B, d)
    """

    def __init__(self, code_dim: int, size: str = "small") -> None:
        super().__init__()
        width = of_size(_WIDTHS, size)
        self.picture = picture_features("compact")
        self.stroke = stroke_features("compact")
        self.scale = RunningScale(_READINGS)
        self.to_code = nn.Linear(_READINGS, code_dim)
        first = nn.Linear(_READINGS, width)
        self.bend = nn.Sequential(first, nn.LeakyReLU(0.2), nn.Linear(width, code_dim))
        for layer in (self.to_code, first):  # readings are scaled instead: see `forward`
            nn.init.normal_(layer.weight, std=0.3)  # about what a trained one has

    def forward(self, pictures: Tensor, *, measure: bool = False) -> Tensor:
        """Codes of sets of pictures; with `measure` these pictures update the readings' scale."""
        sets, examples = pictures.shape[:2]
        numbers = self.readings(pictures.flatten(0, 1))
        if measure:
            self.scale.measure(numbers)
        # Thousands of readings are correlated, and a step of Adam moves the weights of all: the
        # weights are therefore large and the readings small, which has the effect of an equalized
        # learning rate (Karras et al. 2018, 4.1).
        scaled = self.scale(numbers) * _READINGS**-0.5  # (B*K, 2240)
        each = self.to_code(scaled).float() + self.bend(scaled).float()  # (B*K, d)
        code: Tensor = each.reshape(sets, examples, -1).mean(1)
        return code

    def readings(self, pictures: Tensor) -> Tensor:
        """Mean and deviation of every channel of `compact`: (B, 3, H, W) -> (B, 2240) float32."""
        maps = [*self.picture(pictures).values(), *self.stroke(pictures).values()]
        return torch.cat([mean_and_deviation(each) for each in maps], dim=1)
