"""How an evaluation reads pictures: one center square through one frozen feature network.

Shapes: H rows, W columns, D numbers; pictures are RGB in [0, 1].
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor

from gan_style.data.images import read_picture, to_tensor
from gan_style.errors import PictureError
from gan_style.evaluation.config import SMALLEST
from gan_style.evaluation.deception import patch_signatures
from gan_style.losses.statistics import Maps
from gan_style.models.feature_maps import FeatureMaps
from gan_style.sizes import READING_SIDE

logger = logging.getLogger(__name__)

Progress = Callable[[Sequence[Any]], Iterable[Any]]
"""Wrapped around a sequence that is worked through, as tqdm is."""


class FeatureExtractor:
    """A frozen feature network, applied to the center square of pictures at one size.

    Args:
        features: a network of `feature_networks.picture_features`.
        name: what the network is called in scores.
        size: side of the square in pixels, at least 64.
        device: where the network runs.

    Raises:
        ValueError: `size` is below 64.
    """

    def __init__(
        self,
        features: FeatureMaps,
        name: str,
        size: int = READING_SIDE,
        device: str | torch.device = "cpu",
    ) -> None:
        if size < SMALLEST:
            raise ValueError(f"size is {size}; allowed: at least {SMALLEST}")
        self.device = torch.device(device)
        self.features = features.to(self.device)
        self.name = name
        self.size = size

    def square(self, picture: Image.Image) -> Tensor:
        """The center square of a picture, scaled to the side (Lanczos): (3, size, size)."""
        side = (self.size, self.size)
        return to_tensor(ImageOps.fit(picture, side, Image.Resampling.LANCZOS))

    @torch.no_grad()
    def maps(self, square: Tensor) -> Maps:
        """The feature maps of one picture (3, H, W), on the CPU: layer -> (1, C, h, w)."""
        maps: Maps = self.features(square[None].to(self.device))
        return {layer: values.cpu() for layer, values in maps.items()}

    def content_map(self, maps: Maps) -> Tensor:
        """The one of `maps` by which content is compared: (1, C, h, w)."""
        return maps[self.features.content_layer]

    def patch_signatures(self, picture: Image.Image) -> Tensor:
        """The `deception.patch_signatures` of one picture: (n, D), n from 0 to 9."""
        return patch_signatures(self.features, picture, self.device)


@dataclass
class ReadablePictures:
    """Reads pictures; each one that cannot be read is logged as a warning and counted."""

    skipped: int = 0

    def skip(self, error: PictureError) -> None:
        """Count and log a picture that is left out."""
        self.skipped += 1
        logger.warning("skipped: %s", error)

    def read(self, paths: Iterable[Path]) -> Iterator[Image.Image]:
        """Yield the pictures that can be read."""
        for path in paths:
            try:
                yield read_picture(path)
            except PictureError as error:
                self.skip(error)
