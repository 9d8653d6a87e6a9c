"""Which frozen networks pictures can be compared through, and where their maps are taken.

To add one of torchvision's, add a row to `PICTURE_NETWORKS` or `STROKE_NETWORKS`: options, help,
losses, evaluation and optimization follow. Needs no torch; `models.feature_networks` builds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FeatureNetwork:
    """A frozen network and its taps.

    builder: torchvision's name of the network; empty for `compact`, which is ours. taps:
    torchvision's name of a layer -> the name of its maps here, in the order of depth. content: the
    maps by which content is compared. strides: pixels of the picture from one position of the maps
    to the next. margin: pixels, a multiple of all strides, beyond which the maps see nothing.
    bytes_per_pixel: memory of an optimization, as benchmarks/optimize.py measures it.
    """

    builder: str
    taps: Mapping[str, str]
    content: str = "relu3_1"
    strides: tuple[int, ...] = (1, 2, 4)
    margin: int = 16
    bytes_per_pixel: int = 0


_VGG = {"features.1": "relu1_1", "features.6": "relu2_1", "features.11": "relu3_1"}
_FIRES = {"features.7": "fire7", "features.12": "fire12"}

PICTURE_NETWORKS: Mapping[str, FeatureNetwork] = {
    "compact": FeatureNetwork("", {}, bytes_per_pixel=2500),
    "vgg19": FeatureNetwork("vgg19", _VGG, bytes_per_pixel=3750),
    "vgg16": FeatureNetwork("vgg16", _VGG, bytes_per_pixel=3750),
}
"""Maps of pictures in color: they carry content, color and texture."""

STROKE_NETWORKS: Mapping[str, FeatureNetwork] = {
    "compact": FeatureNetwork("", {}),
    "squeezenet": FeatureNetwork("squeezenet1_1", _FIRES),
}
"""Deeper maps of gray pictures: strokes rather than colors."""
