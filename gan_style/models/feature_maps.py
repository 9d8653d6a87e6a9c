"""What the frozen networks have in common through which pictures are compared."""

from collections.abc import Mapping

from torch import nn

from gan_style.networks import FeatureNetwork


class FeatureMaps(nn.Module):
    """A network that returns the maps of some of its layers, and what has to be known of them.

    content_layer: name of the maps by which content is compared.
    strides: name of the maps -> pixels of the picture from one position to the next.
    margin: pixels, a multiple of all strides; see `networks.FeatureNetwork`.

    Shape:
        - pictures: (B, 3, H, W) in [0, 1], H and W at least 32
        - returns: name -> (B, C, about H / stride, W / stride)
    """

    content_layer: str
    strides: Mapping[str, int]
    margin: int

    def describe(self, network: FeatureNetwork) -> None:
        """Take over what the table of networks says."""
        self.content_layer = network.content
        self.strides = dict(zip(network.taps.values(), network.strides, strict=True))
        self.margin = network.margin
