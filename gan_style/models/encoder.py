"""The reader of styles: example pictures -> style code.

Shapes: B styles, K example pictures of each, H rows, W columns, d numbers in a code; pictures
are RGB in [0, 1].
"""

import torch
from torch import Tensor, nn

from gan_style.models.feature_networks import picture_features, stroke_features
from gan_style.models.layers import RunningScale

_WIDTHS = {"small": 256, "large": 512}
_READINGS = 2 * (32 + 64 + 256 + 256 + 512)  # of relu1_1, relu2_1, relu3_1, fire7, fire12


class StyleEncoder(nn.Module):
    """A set of pictures in one style -> its code; their order does not matter.

    Style is what stays when positions are forgotten: the mean and deviation of every channel
    (Huang & Belongie 2017) of the maps of `compact`, which is shipped and frozen here. They are
    scaled each by itself, because all of them speak of brightness, which would drown the rest
    (docs/LOG.md); a linear map takes them to a code, and a small network bends it. Codes are
    averaged over the set, as in Deep Sets (Zaheer et al. 2017, th. 2). An encoder with
    maps of its own, learned along with the painter, read unseen styles no better (docs/LOG.md).

    Shape:
        - pictures: (B, K, 3, H, W), K at least 1, H and W at least 32
        - returns: (B, d)
    """

    def __init__(self, code: int, size: str = "small") -> None:
        super().__init__()
        if size not in _WIDTHS:
            raise ValueError(f"model.size is {size!r}; allowed: {', '.join(_WIDTHS)}")
        width = _WIDTHS[size]
        self.picture = picture_features("compact")
        self.stroke = stroke_features("compact")
        self.scale = RunningScale(_READINGS)
        self.to_code = nn.Linear(_READINGS, code)
        first = nn.Linear(_READINGS, width)
        self.bend = nn.Sequential(first, nn.LeakyReLU(0.2), nn.Linear(width, code))
        for layer in (self.to_code, first):  # readings are scaled instead: see `forward`
            nn.init.normal_(layer.weight, std=0.3)  # about what a trained one has

    def forward(self, pictures: Tensor, *, measure: bool = False) -> Tensor:
        """Codes of sets of pictures; `measure`: let these pictures set the scale of readings."""
        sets, examples = pictures.shape[:2]
        numbers = self.readings(pictures.flatten(0, 1))
        if measure:
            self.scale.measure(numbers)
        # Thousands of readings agree, and a step of Adam moves all their weights: the weights are
        # therefore large, and readings small (equalised learning rate, Karras et al. 2018, 4.1).
        scaled = self.scale(numbers) * _READINGS**-0.5  # (B*K, 2240)
        each = self.to_code(scaled).float() + self.bend(scaled).float()  # (B*K, d)
        code: Tensor = each.reshape(sets, examples, -1).mean(1)
        return code

    def readings(self, pictures: Tensor) -> Tensor:
        """Mean and deviation of every channel of `compact`: (B, 3, H, W) -> (B, 2240) float32."""
        maps = [*self.picture(pictures).values(), *self.stroke(pictures).values()]
        return torch.cat([_pool(each) for each in maps], dim=1)


def _pool(maps: Tensor) -> Tensor:
    """Mean and deviation of each channel, (B, 2C), float32."""
    flat = maps.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H*W, C): keeps channels last in gradients
    mean = flat.sum(1, dtype=torch.float32) / flat.shape[1]
    square = (flat * flat).sum(1, dtype=torch.float32) / flat.shape[1]
    return torch.cat([mean, (square - mean * mean).clamp(min=0).add(1e-5).sqrt()], dim=1)
