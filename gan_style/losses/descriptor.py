"""Reconstruction of the style descriptor from the style code.

Shapes: S sets of pictures, C channels, d numbers in a style code, D numbers in a descriptor; () is
a single number.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.models.layers import RunningScale

_NUMBERS = 128  # of a descriptor, for each layer
_WIDTH = 256  # of the decoder's hidden layer
_SEED = 0  # of the projection, which is the same in every run


class StyleDescriptor(nn.Module):
    """Stacked Gram matrices of feature maps under a fixed random projection.

    Of each Gram matrix the upper triangle is taken, with entries beside the diagonal times √2, as
    they stand for two of the matrix; it is projected by a matrix of normal random numbers. So the
    distance of two descriptors is, but for chance, the distance of their Gram matrices (Johnson &
    Lindenstrauss 1984). The projection is made anew from its seed and never saved.

    Args:
        channels: of each layer's maps, by its name.
        numbers: for each layer; D is as many times the layers.

    Shape:
        - gram: layer -> (S, C, C), symmetric
        - returns: (S, D) float32, layer after layer
    """

    def __init__(self, channels: Mapping[str, int], numbers: int = _NUMBERS) -> None:
        super().__init__()
        self.size = numbers * len(channels)
        self.layers = tuple(channels)
        rng = torch.Generator().manual_seed(_SEED)
        for layer, count in channels.items():
            rows, columns = torch.triu_indices(count, count)
            drawn = torch.randn(len(rows), numbers, generator=rng) * numbers**-0.5
            drawn *= torch.where(rows == columns, 1.0, 2**0.5)[:, None]
            self.register_buffer(f"{layer}_projection", drawn, persistent=False)
            self.register_buffer(f"{layer}_places", rows * count + columns, persistent=False)

    def forward(self, gram: Mapping[str, Tensor]) -> Tensor:
        parts = []
        for layer in self.layers:
            places, projection = (
                self.get_buffer(f"{layer}_{name}") for name in ("places", "projection")
            )
            parts.append(gram[layer].float().flatten(1)[:, places] @ projection)
        return torch.cat(parts, dim=1)


class DescriptorLoss(nn.Module):
    """Error of the style descriptor that a small network decodes from the code alone.

    It asks the code to hold the style's Gram matrices. Each number of the descriptor is brought to
    mean 0 and variance 1 over the pictures trained on, so that all count alike, and a decoder that
    knows nothing of the style has a loss of 1. The decoder serves training alone.

    Args:
        code_dim: d.
        channels: of the maps whose Gram matrices are described, by layer.

    Shape:
        - codes: (S, d)
        - gram: layer -> (S, C, C), of the pictures that were encoded, averaged over each set
        - returns: (), with a gradient into codes and decoder
    """

    def __init__(self, code_dim: int, channels: Mapping[str, int]) -> None:
        super().__init__()
        self.descriptor = StyleDescriptor(channels)
        size = self.descriptor.size
        self.scale = RunningScale(size)
        self.decoder = nn.Sequential(
            nn.Linear(code_dim, _WIDTH), nn.LeakyReLU(0.2), nn.Linear(_WIDTH, size)
        )

    def forward(self, codes: Tensor, gram: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            descriptor = self.descriptor(gram)
            self.scale.measure(descriptor)
            target = self.scale(descriptor)
        return F.mse_loss(self.decoder(codes).float(), target)
