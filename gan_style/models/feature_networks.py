"""Frozen networks through which pictures are compared: picture -> {layer name: map}.

Two kinds of maps. *Picture* features (relu1_1, relu2_1, relu3_1 of VGG) carry content, color and
texture. *Stroke* features are deeper and see the gray picture only, so that what they measure is
the hand and not the palette. `compact` gives both from one small network of ours that was taught
to answer as VGG-19 and SqueezeNet do, and is shipped with the package.

Shapes: B pictures, C channels, H rows, W columns; pictures are RGB in [0, 1].
"""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.errors import FeaturesError
from gan_style.models.compact import CompactPicture, CompactStroke

CONTENT_LAYER = "relu3_1"
PICTURE_LAYERS = ("relu1_1", "relu2_1", "relu3_1")
STROKE_LAYERS = ("fire7", "fire12")

_VGG_TAPS = {
    "vgg16": {1: "relu1_1", 6: "relu2_1", 11: "relu3_1"},
    "vgg19": {1: "relu1_1", 6: "relu2_1", 11: "relu3_1"},
}
_SQUEEZENET_TAPS = {7: "fire7", 12: "fire12"}
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def _register_normalization(module: nn.Module) -> None:
    for name, values in (("mean", _IMAGENET_MEAN), ("deviation", _IMAGENET_DEVIATION)):
        module.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)


class Tapped(nn.Module):
    """The first layers of one of torchvision's networks, with the maps of some of them.

    Shape:
        - pictures: (B, 3, H, W) in [0, 1], H and W at least 32
        - returns: name -> (B, C, h, w) for every tap
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, layers: nn.Sequential, taps: dict[int, str], *, gray: bool) -> None:
        super().__init__()
        _register_normalization(self)
        self.taps = taps
        self.gray = gray
        self.layers = layers[: max(taps) + 1]
        for layer in self.layers.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # a tap before it must keep its values

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        if self.gray:
            pictures = to_gray(pictures).expand(-1, 3, -1, -1)
        x = ((pictures - self.mean) / self.deviation).to(memory_format=torch.channels_last)
        maps = {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                maps[self.taps[index]] = x
        return maps


def picture_features(network: str = "compact", weights: str = "") -> nn.Module:
    """Frozen maps for content and style: relu1_1, relu2_1 and relu3_1.

    Args:
        network: "compact", "vgg19" or "vgg16".
        weights: a file; empty takes the shipped one, or lets torchvision download its own.

    Raises:
        FeaturesError: an unknown network, or weights that are missing or do not fit.
    """
    if network == "compact":
        return _freeze(_load_compact(CompactPicture(), "picture", weights))
    if network not in _VGG_TAPS:
        raise FeaturesError(f"features.network is {network!r}; allowed: compact, vgg19, vgg16")
    tapped = _load_tapped(network, _VGG_TAPS[network], weights, gray=False)
    return _freeze(tapped)


def stroke_features(network: str = "compact", weights: str = "") -> nn.Module:
    """Frozen deeper maps of the gray picture: fire7 and fire12.

    Args:
        network: "compact" or "squeezenet".
        weights: as in `picture_features`.

    Raises:
        FeaturesError: as in `picture_features`.
    """
    if network == "compact":
        return _freeze(_load_compact(CompactStroke(), "stroke", weights))
    if network != "squeezenet":
        raise FeaturesError(f"features.stroke_network is {network!r}; allowed: compact, squeezenet")
    return _freeze(_load_tapped("squeezenet", _SQUEEZENET_TAPS, weights, gray=True))


def _freeze(module: nn.Module) -> nn.Module:
    return module.float().eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _load_compact(module: nn.Module, part: str, weights: str) -> nn.Module:
    with resources.as_file(resources.files("gan_style") / "weights" / "compact.safetensors") as own:
        file = Path(weights) if weights else own
        try:
            state = load_file(file)
        except (OSError, SafetensorError) as error:
            raise FeaturesError(f"weights of compact: cannot read {file}: {error}") from error
    mine = {k.removeprefix(f"{part}."): v for k, v in state.items() if k.startswith(f"{part}.")}
    return _fit(module, mine, file)


def _fit(module: nn.Module, state: dict[str, Tensor], file: Path) -> nn.Module:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise FeaturesError(
            f"weights in {file} do not fit {type(module).__name__}: {error}"
        ) from error
    return module


_CONSTRUCTORS: dict[str, Callable[..., nn.Module]] = {
    "vgg16": torchvision.models.vgg16,
    "vgg19": torchvision.models.vgg19,
    "squeezenet": torchvision.models.squeezenet1_1,
}


def _load_tapped(network: str, taps: dict[int, str], weights: str, *, gray: bool) -> Tapped:
    """A partial state (only `features.N…`) is taken as it is; it must cover the layers needed."""
    build = _CONSTRUCTORS[network]
    if not weights:
        try:
            whole = build(weights="DEFAULT")
        except (URLError, OSError, RuntimeError) as error:
            raise FeaturesError(
                f"torchvision could not download the weights of {network} ({error}). Use "
                "features.network=compact, which is shipped, or name a file you have: "
                "features.weights=FILE (features.stroke_weights for squeezenet)"
            ) from error
        tapped = Tapped(_layers(whole), taps, gray=gray)
        return tapped if network == "squeezenet" else _normalize_activation(tapped)
    with torch.device("meta"):  # to fill 140 M numbers with noise first would take seconds
        whole = build(weights=None)
    tapped = Tapped(_layers(whole), taps, gray=gray)
    tapped.layers.to_empty(device="cpu")
    file = Path(weights)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        state = {
            k.removeprefix("features."): v.float() for k, v in state.items() if "features" in k
        }
    except Exception as error:  # torch.load raises many kinds for files that are not weights
        raise FeaturesError(f"weights of {network}: cannot read {file}: {error}") from error
    raw = len(state) > len(tapped.layers.state_dict())
    needed = {k: v for k, v in state.items() if k in tapped.layers.state_dict()}
    _fit(tapped.layers, needed, file)
    return _normalize_activation(tapped) if raw and network != "squeezenet" else tapped


def _layers(network: nn.Module) -> nn.Sequential:
    layers = network.features
    assert isinstance(layers, nn.Sequential)
    return layers


@torch.no_grad()
def _normalize_activation(tapped: Tapped) -> Tapped:
    """Scale each convolution so that the mean activation after it is 1 (Gatys et al. 2016, 2.).

    ReLU and max pooling are homogeneous, so this changes the taps' scale and nothing else.
    Measured on noise with the 1/f spectrum of natural pictures, to need no photographs here.
    """
    generator = torch.Generator().manual_seed(0)
    noise = sum(
        F.interpolate(torch.randn(4, 3, side, side, generator=generator), 128, mode="bicubic")
        for side in (2, 4, 8, 16, 32, 64, 128)
    )
    x = torch.as_tensor(noise) / 2.6  # the sum of seven unit variances has deviation 2.6
    scale = 1.0  # by which the input of the present layer has been multiplied so far
    for layer in tapped.layers:
        if isinstance(layer, nn.Conv2d):
            layer.bias.mul_(scale) if layer.bias is not None else None
            factor = 1 / F.relu(layer(x)).mean().item()
            layer.weight.mul_(factor)
            if layer.bias is not None:
                layer.bias.mul_(factor)
            scale *= factor
        x = layer(x)
    return tapped
