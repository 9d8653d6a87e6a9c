"""How an evaluation looks at pictures: one center square, one frozen network, one list of losses.

Shapes: H rows, W columns, D numbers; pictures are RGB in [0, 1].
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from gan_style.data.images import read_picture, to_tensor
from gan_style.errors import PictureError
from gan_style.evaluation.deception import patch_signatures
from gan_style.losses.statistics import Maps

Progress = Callable[[Sequence[Any]], Iterable[Any]]
"""Wrapped around what is worked through, as tqdm is."""

SMALLEST = 64
"""Smallest side in pixels at which pictures are compared."""


class FeatureExtractor:
    """A frozen network, and the side in pixels of the center square on which it looks.

    Args:
        features: of `features.picture_features`.
        name: what the network is called.
        size: pixels.
        device: where it runs.

    Raises:
        ValueError: `size` is below 64.
    """

    def __init__(
        self, features: nn.Module, name: str, size: int = 288, device: str | torch.device = "cpu"
    ) -> None:
        if size < SMALLEST:
            raise ValueError(f"size is {size}; allowed: at least {SMALLEST}")
        self.device = torch.device(device)
        self.features = features.to(self.device)
        self.name = name
        self.size = size

    def square(self, picture: Image.Image) -> Tensor:
        """(3, size, size): the middle of the picture, scaled to the short side."""
        side = (self.size, self.size)
        return to_tensor(ImageOps.fit(picture, side, Image.Resampling.LANCZOS))

    @torch.no_grad()
    def maps(self, square: Tensor) -> Maps:
        """The network's maps of one picture (3, H, W), on the CPU."""
        maps: Maps = self.features(square[None].to(self.device))
        return {layer: values.cpu() for layer, values in maps.items()}

    def hand(self, picture: Image.Image) -> Tensor:
        """The `patch_signatures` of one picture: (0 to 9, D)."""
        return patch_signatures(self.features, picture, self.device)


@dataclass
class Log:
    """Takes a line for each picture that cannot be read, and counts them."""

    report: Callable[[str], None] = print
    skipped: int = 0

    def skip(self, error: PictureError) -> None:
        """Tell of a picture that is left out."""
        self.skipped += 1
        self.report(f"skipped: {error}")

    def read(self, paths: Iterable[Path]) -> Iterator[Image.Image]:
        """Yield the pictures that can be read."""
        for path in paths:
            try:
                yield read_picture(path)
            except PictureError as error:
                self.skip(error)
