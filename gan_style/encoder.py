"""The reader of styles: example pictures -> style code.

Shapes: B styles, K example pictures of each, H rows, W columns, d numbers in a code, D numbers in
a style descriptor; pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.blocks import RunningScale

_WIDTHS = {"small": (32, 64, 128, 192), "large": (64, 128, 256, 384)}


class StyleEncoder(nn.Module):
    """A set of pictures in one style -> its code; their order does not matter.

    Style is what stays when positions are forgotten: the mean and deviation of each channel of
    each stage are taken over the whole picture (Huang & Belongie 2017) and read by a small
    network; the readings are averaged over the set, as in Deep Sets (Zaheer et al. 2017, th. 2).
    They are scaled each by itself first: else brightness, of which all of them speak, drowns the
    rest, and codes have two dimensions whatever their length (docs/LOG.md).

    Shape:
        - pictures: (B, K, 3, H, W), K at least 1, H and W at least 32
        - returns: (B, d)
    """

    def __init__(self, code: int, size: str = "small") -> None:
        super().__init__()
        if size not in _WIDTHS:
            raise ValueError(f"model.size is {size!r}; allowed: {', '.join(_WIDTHS)}")
        widths = _WIDTHS[size]
        pairs = zip((3, *widths), widths, strict=False)
        self.stages = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairs)
        pooled = 2 * (3 + sum(widths))
        self.scale = RunningScale(pooled)
        self.read = nn.Sequential(
            nn.Linear(pooled, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 256),
            nn.LeakyReLU(0.2),
        )
        self.to_code = nn.Linear(256, code)

    def forward(self, pictures: Tensor, *, measure: bool = False) -> Tensor:
        """Codes of sets of pictures; `measure`: let these pictures set the scale of readings."""
        sets, examples = pictures.shape[:2]
        x = (pictures.flatten(0, 1) * 2 - 1).to(memory_format=torch.channels_last)
        pooled = [_pool(x)]
        for stage in self.stages:
            x = F.leaky_relu(stage(x), 0.2)  # (B*K, width, H/2, W/2), halved at each stage
            pooled.append(_pool(x))
        numbers = torch.cat(pooled, dim=1)
        if measure:
            self.scale.measure(numbers)
        readings = self.read(self.scale(numbers)).float()  # (B*K, 256)
        code: Tensor = self.to_code(readings.unflatten(0, (sets, examples)).mean(1))  # (B, d)
        return code.float()


def _pool(maps: Tensor) -> Tensor:
    """Mean and deviation of each channel, (B, 2C), float32."""
    flat = maps.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H*W, C): keeps channels last in gradients
    mean = flat.sum(1, dtype=torch.float32) / flat.shape[1]
    square = (flat * flat).sum(1, dtype=torch.float32) / flat.shape[1]
    return torch.cat([mean, (square - mean * mean).clamp(min=0).add(1e-5).sqrt()], dim=1)


class DescriptorHead(nn.Module):
    """Predicts the style descriptor from the code alone: what ties the code to the style.

    Each number of the descriptor is brought to one scale, by `scale`, so that all count alike.

    Shape:
        - code: (B, d)
        - returns: (B, D), the scaled descriptor
    """

    def __init__(self, code: int, descriptor: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(code, 256), nn.LeakyReLU(0.2), nn.Linear(256, descriptor)
        )
        self.scale = RunningScale(descriptor)

    def forward(self, code: Tensor) -> Tensor:
        prediction: Tensor = self.layers(code)
        return prediction
