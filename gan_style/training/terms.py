"""The losses of encoder and generator in a run: on pictures, and what others of them need."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import torch

from gan_style.config import Config
from gan_style.losses.picture_losses import PictureLosses
from gan_style.models.feature_networks import picture_features, stroke_features
from gan_style.models.generator import lattice_period

ADVERSARIAL = "adversarial"
"""The loss of `config.LossWeights` that needs the discriminator."""
STEADINESS = "steadiness"
"""The one that needs paintings of photos with noise in them and without."""
DESCRIPTOR = "descriptor"
"""The one that needs codes, and a network of its own."""
RECONSTRUCTION = "reconstruction"
"""The one that needs the places of destylized pictures."""


def build_picture_losses(
    config: Config, device: torch.device, autocast: Callable[[], AbstractContextManager[Any]]
) -> PictureLosses:
    """The losses on pictures, with the feature networks and weights of a configuration."""
    weights = asdict(config.losses)
    for name in (ADVERSARIAL, STEADINESS, DESCRIPTOR, RECONSTRUCTION):
        del weights[name]
    features = config.features
    return PictureLosses(
        picture_features(features.network, features.weights).to(device),
        stroke_features(features.stroke_network, features.stroke_weights).to(device),
        weights,
        autocast,
        lattice_period(config.model.supersampling),
    )
