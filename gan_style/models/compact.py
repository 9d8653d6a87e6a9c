"""The networks of `compact`: small, ours, trained to approximate VGG-19 and SqueezeNet.

Shapes: B pictures, H rows, W columns; pictures are RGB in [0, 1]. How they were trained is in
recipes/compact, and how well in weights/compact.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.color import luminance_of
from gan_style.models.feature_maps import FeatureMaps

_FIRES = (3, 4, 6, 7, 9, 10, 11, 12)  # the numbers that SqueezeNet's fire modules have
_POOLED_BEFORE = (6, 9)


class _Residual(nn.Module):
    """x + relu(convolution(x)), the shape kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        return maps + F.relu(self.convolution(maps))


class CompactPicture(FeatureMaps):
    """Picture features of the compact network.

    The strided convolutions are 4 wide with padding 1, which puts every output where VGG's
    2 by 2 pooling puts it. Each tap is a 1 by 1 convolution from a few channels. The first
    two taps give the 32 of 64 and 64 of 128 channels of VGG that represent the rest best (chosen
    by pivoted QR in recipes/compact), because wide maps at full size are what costs time.

    Shape:
        - pictures: (B, 3, H, W) in [0, 1], H and W at least 4
        - returns: relu1_1 (B, 32, H, W), relu2_1 (B, 64, H/2, W/2), relu3_1 (B, 256, H/4, W/4),
          sizes rounded down, every value at least 0
    """

    def __init__(self, half: int = 32, quarter: int = 72) -> None:
        super().__init__()
        self.relu1_1 = nn.Conv2d(3, 32, 3, padding=1)
        self.stem = nn.Conv2d(3, half, 4, stride=2, padding=1)
        self.at_half = nn.Sequential(_Residual(half), _Residual(half))
        self.relu2_1 = nn.Conv2d(half, 64, 1)
        self.down = nn.Conv2d(half, quarter, 4, stride=2, padding=1)
        self.at_quarter = nn.Sequential(_Residual(quarter), _Residual(quarter))
        self.relu3_1 = nn.Conv2d(quarter, 256, 1)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        x = (pictures - 0.45).to(memory_format=torch.channels_last)  # padding with 0 is mid-gray
        half = self.at_half(F.relu(self.stem(x)))  # (B, half, H/2, W/2)
        quarter = self.at_quarter(F.relu(self.down(half)))  # (B, quarter, H/4, W/4)
        return {
            "relu1_1": F.relu(self.relu1_1(x)),
            "relu2_1": F.relu(self.relu2_1(half)),
            "relu3_1": F.relu(self.relu3_1(quarter)),
        }


def _pooled(maps: Tensor) -> Tensor:
    """The largest of 3 by 3, every second; windows may end one pixel beyond the border.

    Values have to be at least 0: a border of zeros is what `ceil_mode` is without, but that makes
    an export compare sizes, and be for such sizes only.
    """
    return F.max_pool2d(F.pad(maps, (0, 1, 0, 1)), 3, stride=2)


class _Fire(nn.Module):
    """Squeeze to few channels, expand to many (Iandola et al. 2016, fig. 1)."""

    def __init__(self, channels_in: int, squeezed: int, channels_out: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels_in, squeezed, 1)
        self.point = nn.Conv2d(squeezed, channels_out // 2, 1)
        self.square = nn.Conv2d(squeezed, channels_out // 2, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        x = F.relu(self.squeeze(maps))
        return F.relu(torch.cat([self.point(x), self.square(x)], 1))


class CompactStroke(FeatureMaps):
    """Stroke features of the compact network, on the gray picture.

    Shaped and numbered as SqueezeNet 1.1, so that it could be trained map by map, but with half the
    channels in the first layer, whose input has one channel and not three. That layer is where
    SqueezeNet spends its time: the deep maps are small.

    Shape:
        - pictures: (B, 3, H, W) in [0, 1], H and W at least 32
        - returns: fire7 (B, 256, about H/8, W/8), fire12 (B, 512, about H/16, W/16), at least 0
    """

    def __init__(self) -> None:
        super().__init__()
        self.taps = {7: "fire7", 12: "fire12"}
        self.stem = nn.Conv2d(1, 32, 3, stride=2)
        shapes = [(32, 16, 128), (128, 16, 128), (128, 32, 256), (256, 32, 256)]
        shapes += [(256, 48, 384), (384, 48, 384), (384, 64, 512), (512, 64, 512)]
        self.fires = nn.ModuleDict(
            {str(i): _Fire(*shape) for i, shape in zip(_FIRES, shapes, strict=True)}
        )

    def first(self, pictures: Tensor) -> Tensor:
        """(B, 32, about H/4, W/4): the first layer, pooled."""
        # Luminance goes into the weights: a gray picture of full size costs more than this layer.
        weight = self.stem.weight * luminance_of(pictures)  # (32, 3, 3, 3)
        maps = pictures.to(memory_format=torch.channels_last)
        x = F.relu(F.conv2d(maps, weight, self.stem.bias, stride=2))  # (B, 32, H/2, W/2)
        return _pooled(x)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        x = self.first(pictures)
        taken = {}
        for index in _FIRES:
            if index in _POOLED_BEFORE:
                x = _pooled(x)
            x = self.fires[str(index)](x)
            if index in self.taps:
                taken[self.taps[index]] = x
        return taken
