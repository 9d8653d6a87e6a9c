"""Files of random weights for torchvision's networks: tests download nothing."""

from pathlib import Path

import torch
from torchvision.models import get_model

from gan_style.networks import PICTURE_NETWORKS

NAMES = ("vgg19", "resnet50", "inception_v3")


def write_random_weights(name: str, folder: Path) -> str:
    """Write those of the layers that a network of `PICTURE_NETWORKS` needs; returns the file."""
    network = PICTURE_NETWORKS[name]
    assert network.builder is not None
    torch.manual_seed(0)
    if name == "vgg19":  # whose linear layers take seconds to draw
        with torch.device("meta"):
            layers = get_model("vgg19", weights=None).features[:12]
        layers.to_empty(device="cpu")
        for values in layers.parameters():
            torch.nn.init.normal_(values, std=0.05)
        state = {f"features.{key}": values for key, values in layers.state_dict().items()}
    else:
        options = {"init_weights": False} if name == "inception_v3" else {}
        state = get_model(network.builder, weights=None, **options).state_dict()
    file = folder / f"{name}.pth"
    torch.save(state, file)
    return str(file)
