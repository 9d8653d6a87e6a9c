"""Which frozen networks pictures can be compared through, and where their maps are taken.

To add one of torchvision's, add a row to `PICTURE_NETWORKS` or `STROKE_NETWORKS`: options, help,
losses, evaluation and optimization follow. Needs no torch; `models.feature_networks` builds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class FeatureNetwork:
    """A frozen network and the maps that are taken from it.

    taps: torchvision's name of a layer -> the name of its maps here, in the order of depth.
    content: name of the maps by which content is compared.
    strides: of the taps, pixels of the picture from one position of the maps to the next.
    margin: pixels, a multiple of all strides. Around a picture in a larger one, a margin that wide
        keeps what is beyond it, and the padding of the network, out of the picture's own maps.
    builder: torchvision's name of the network; None for `compact`, which is ours.
    options: what torchvision's builder is called with.
    scaling: how maps are brought to a mean activation of about 1, so that losses on different
        layers and networks have comparable size. "weights": of each convolution, unless a file
        holds the needed layers alone, which are taken as they are. "maps": each tap is divided by
        its mean activation. None: not at all.
    bytes_per_pixel: memory of an optimization, as benchmarks/optimize.py measures it.
    """

    taps: Mapping[str, str]
    content: str
    strides: tuple[int, ...]
    margin: int
    builder: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    scaling: Literal["weights", "maps"] | None = None
    bytes_per_pixel: int = 0


_VGG = {"features.1": "relu1_1", "features.6": "relu2_1", "features.11": "relu3_1"}
_FIRES = {"features.7": "fire7", "features.12": "fire12"}
_RESNET = {"relu": "relu", "layer1": "layer1", "layer2": "layer2"}
_INCEPTION = {
    name: name for name in ("Conv2d_1a_3x3", "Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5b")
}


def _vgg(builder: str) -> FeatureNetwork:
    return FeatureNetwork(
        _VGG, "relu3_1", (1, 2, 4), 16, builder, scaling="weights", bytes_per_pixel=3750
    )


PICTURE_NETWORKS: Mapping[str, FeatureNetwork] = {
    "compact": FeatureNetwork(
        {name: name for name in _VGG.values()}, "relu3_1", (1, 2, 4), 16, bytes_per_pixel=2500
    ),
    "vgg19": _vgg("vgg19"),
    "vgg16": _vgg("vgg16"),
    "resnet50": FeatureNetwork(
        _RESNET, "layer1", (2, 4, 8), 48, "resnet50", scaling="maps", bytes_per_pixel=3500
    ),
    "inception_v3": FeatureNetwork(
        _INCEPTION,
        "Conv2d_4a_3x3",
        (2, 2, 4, 8),
        40,
        "inception_v3",
        # the weights came from TensorFlow, with its own range of inputs
        {"transform_input": True, "init_weights": False},
        scaling="maps",
        bytes_per_pixel=1900,
    ),
}
"""Maps of pictures in color: they carry content, color and texture."""

STROKE_NETWORKS: Mapping[str, FeatureNetwork] = {
    "compact": FeatureNetwork({name: name for name in _FIRES.values()}, "fire7", (8, 16), 112),
    "squeezenet": FeatureNetwork(_FIRES, "fire7", (8, 16), 112, "squeezenet1_1"),
}
"""Deeper maps of gray pictures: strokes rather than colors."""
