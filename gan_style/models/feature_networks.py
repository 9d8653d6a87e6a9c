"""Frozen networks through which pictures are compared: picture -> {layer name: map}.

Two kinds of maps. *Picture* features (such as relu1_1, relu2_1, relu3_1 of VGG) carry content,
color and texture. *Stroke* features are deeper, and those of the gray picture: they depend on
strokes and not on the palette. `compact` gives both from one small network of ours that was trained
to approximate VGG-19 and SqueezeNet, and is shipped with the package; the others are torchvision's.
Which there are, and which of their layers are taken, is in gan_style/networks.py.

Shapes: B pictures, C channels, H rows, W columns; pictures are RGB in [0, 1].
"""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model
from torchvision.models.feature_extraction import create_feature_extractor

from gan_style.color import to_gray
from gan_style.errors import FeaturesError
from gan_style.files import require_regular
from gan_style.models.compact import CompactPicture, CompactStroke
from gan_style.models.feature_maps import FeatureMaps
from gan_style.networks import PICTURE_NETWORKS, STROKE_NETWORKS, FeatureNetwork
from gan_style.tensor_files import LARGEST_FILE, first_not_finite, read_tensors

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Tapped(FeatureMaps):
    """The maps of some layers of one of torchvision's networks.

    Args:
        layers: pictures, normalized as for ImageNet -> name -> maps.
        gray: whether it is given the gray picture.

    Shape: as of `FeatureMaps`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, layers: nn.Module, *, gray: bool) -> None:
        super().__init__()
        for name, values in (("mean", _IMAGENET_MEAN), ("deviation", _IMAGENET_DEVIATION)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.layers = layers
        self.gray = gray
        self.scale: dict[str, float] = {}  # by which maps are divided

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        if self.gray:
            pictures = to_gray(pictures).expand(-1, 3, -1, -1)
        x = ((pictures - self.mean) / self.deviation).to(memory_format=torch.channels_last)
        maps: dict[str, Tensor] = self.layers(x)
        return {
            name: values / self.scale[name] if name in self.scale else values
            for name, values in maps.items()
        }


def picture_features(network: str = "compact", weights: str | None = None) -> FeatureMaps:
    """Frozen maps for content and style.

    Args:
        network: a name in `networks.PICTURE_NETWORKS`.
        weights: a file, .safetensors or a state_dict as torchvision's .pth; None takes the shipped
            one, or lets torchvision download its own.

    Raises:
        FeaturesError: an unknown network, or weights that are missing or do not fit.
    """
    return _build("network", PICTURE_NETWORKS, network, weights)


def stroke_features(network: str = "compact", weights: str | None = None) -> FeatureMaps:
    """Frozen deeper maps of the gray picture.

    Args:
        network: a name in `networks.STROKE_NETWORKS`.
        weights: as in `picture_features`.

    Raises:
        FeaturesError: as in `picture_features`.
    """
    return _build("stroke_network", STROKE_NETWORKS, network, weights)


def _build(
    option: str, table: Mapping[str, FeatureNetwork], name: str, weights: str | None
) -> FeatureMaps:
    if name not in table:
        raise FeaturesError(f"features.{option} is {name!r}; allowed: {', '.join(table)}")
    network, gray = table[name], table is STROKE_NETWORKS
    if network.builder is None:
        module = _compact(gray, weights)
    elif weights is None:
        module = _downloaded(option, name, network.builder, network, gray)
    else:
        module = _from_file(name, network.builder, network, gray, Path(weights))
    module.describe(network)
    return module.float().eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _compact(gray: bool, weights: str | None) -> FeatureMaps:
    module: FeatureMaps = CompactStroke() if gray else CompactPicture()
    part = "stroke." if gray else "picture."
    with resources.as_file(resources.files("gan_style") / "weights" / "compact.safetensors") as own:
        file = own if weights is None else Path(weights)
        state = _read("compact", file)
    mine = {k.removeprefix(part): v for k, v in state.items() if k.startswith(part)}
    _load(module, mine, "compact", file)
    return module


def _downloaded(
    option: str, name: str, builder: str, network: FeatureNetwork, gray: bool
) -> FeatureMaps:
    try:
        whole = get_model(builder, weights="DEFAULT", **network.options)
    except (URLError, OSError, RuntimeError) as error:
        raise FeaturesError(
            f"torchvision could not download the weights of {name} ({error}). Use "
            f"features.{option}=compact, which is shipped, or name a file you have: "
            f"features.{option.replace('network', 'weights')}=FILE"
        ) from error
    tapped = Tapped(_extractor(whole, network), gray=gray)
    _scale(tapped, network, whole)
    return tapped


def _from_file(
    name: str, builder: str, network: FeatureNetwork, gray: bool, file: Path
) -> FeatureMaps:
    """The file has to cover the layers that are needed, and may hold no others."""
    with torch.device("meta"):  # to fill 140 M numbers with noise first would take seconds
        whole = get_model(builder, weights=None, **network.options)
    tapped = Tapped(_extractor(whole, network), gray=gray)
    tapped.layers.to_empty(device="cpu")
    state = _read(name, file)
    needed = tapped.layers.state_dict().keys()
    _load(tapped.layers, {k: v for k, v in state.items() if k in needed}, name, file)
    blocks = {k.partition(".")[0] for k in needed}
    only_needed = all(k in needed for k in state if k.partition(".")[0] in blocks)
    if not (network.scaling == "weights" and only_needed):
        _scale(tapped, network, whole)
    return tapped


def _extractor(whole: nn.Module, network: FeatureNetwork) -> nn.Module:
    extractor: nn.Module = create_feature_extractor(
        whole.eval(), dict(network.taps), suppress_diff_warning=True
    )
    for layer in extractor.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # a tap before it must keep its values
    return extractor


# ---------------------------------------------------------------------- weights


def _read(name: str, file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            state: Any = read_tensors(file)[0]
        elif (size := require_regular(file)) > LARGEST_FILE:
            raise ValueError(f"it has {size} bytes; at most {LARGEST_FILE} are read")
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
        if not all(isinstance(values, Tensor) for values in state.values()):
            raise ValueError("it holds other things than tensors")
        if (broken := first_not_finite(state)) is not None:
            raise ValueError(f"{broken} holds numbers that are not finite")
    except Exception as error:  # torch.load raises many kinds for files that are not weights
        reason = str(error).partition("\n")[0]  # torch explains itself at length
        raise FeaturesError(f"weights of {name}: cannot read {file}: {reason}") from error
    return dict(state)


def _load(module: nn.Module, state: Mapping[str, Tensor], name: str, file: Path) -> None:
    """Give a module its weights, in float32.

    Raises:
        FeaturesError: some are missing, left over or of another shape; the message names one.
    """
    expected = {k: tuple(v.shape) for k, v in module.state_dict().items()}
    # only training needs how many batches were normalized, and old files do not have it
    counts = {k: torch.zeros(()) for k in expected if k.endswith("num_batches_tracked")}
    state = counts | dict(state)
    found = {k: tuple(v.shape) for k, v in state.items()}
    wrong = [k for k in expected | found if found.get(k) != expected.get(k)]
    if wrong:
        first, more = wrong[0], len(wrong) - 1
        raise FeaturesError(
            f"weights in {file} do not fit {name}: {first} is {found.get(first, 'missing')}, "
            f"expected {expected.get(first, 'no such layer')}{f'; {more} more' if more else ''}"
        )
    module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})


# ---------------------------------------------------------------------- scale of the maps


@torch.no_grad()
def _scale(tapped: Tapped, network: FeatureNetwork, whole: nn.Module) -> None:
    """Bring mean activations to about 1 in the way that the table of networks names."""
    if network.scaling == "maps":
        maps = tapped.layers(_noise())
        tapped.scale = {name: values.mean().item() for name, values in maps.items()}
    elif network.scaling == "weights":
        layers = whole.features
        assert isinstance(layers, nn.Sequential)
        last = max(int(tap.removeprefix("features.")) for tap in network.taps)
        _normalize_activation(layers[: last + 1])


def _noise() -> Tensor:
    """Noise with the 1/f spectrum of natural pictures, to need no photographs here.

    Shape: (4, 3, 128, 128), of deviation 1, as pictures that are normalized for ImageNet.
    """
    rng = torch.Generator().manual_seed(0)
    noise = sum(
        F.interpolate(torch.randn(4, 3, side, side, generator=rng), 128, mode="bicubic")
        for side in (2, 4, 8, 16, 32, 64, 128)
    )
    return torch.as_tensor(noise) / 2.6  # the sum of seven unit variances has deviation 2.6


def _normalize_activation(layers: nn.Sequential) -> None:
    """Scale each convolution so that the mean activation after it is 1 (Gatys et al. 2016, 2.).

    ReLU and max pooling are homogeneous, so this changes the taps' scale and nothing else.
    """
    x = _noise()
    scale = 1.0  # by which the input of the present layer has been multiplied so far
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            layer.bias.mul_(scale) if layer.bias is not None else None
            factor = 1 / F.relu(layer(x)).mean().item()
            layer.weight.mul_(factor)
            if layer.bias is not None:
                layer.bias.mul_(factor)
            scale *= factor
        x = layer(x)
