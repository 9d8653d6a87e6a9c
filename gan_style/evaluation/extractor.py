"""How an evaluation reads pictures: one center square through one frozen feature network.

What the network says of a file is kept, so that evaluations with one extractor read it once.

Shapes: H rows, W columns, D numbers; pictures are RGB in [0, 1].
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from PIL import Image, ImageOps
from torch import Tensor

from gan_style.data.images import read_picture, to_tensor
from gan_style.distributed import Ranks
from gan_style.errors import PictureError
from gan_style.evaluation.config import SMALLEST
from gan_style.evaluation.deception import patch_signatures
from gan_style.evaluation.metrics import signature
from gan_style.evaluation.two_sample import patch_statistics
from gan_style.losses.statistics import Maps
from gan_style.models.feature_maps import FeatureMaps
from gan_style.sizes import READING_SIDE

logger = logging.getLogger(__name__)

Progress = Callable[[Sequence[Any]], Iterable[Any]]
"""Wrapped around a sequence that is worked through, as tqdm is."""
Thing = TypeVar("Thing")
Read = TypeVar("Read")

_PHOTOS = 4  # kept with their maps, which are large; paintings of one photo come together


class Features(NamedTuple):
    """What is kept of the maps of a picture.

    signature: (1, D) of `metrics.signature`. cells: (1, 9, D) of `two_sample.patch_statistics`.
    """

    signature: Tensor
    cells: Tensor


class Photo(NamedTuple):
    """What a painting is compared with: the center square (3, size, size) and its content map."""

    square: Tensor
    content_map: Tensor


class FeatureExtractor:
    """A frozen feature network, applied to the center square of pictures at one size.

    Of files it keeps what is small, `features_of` and `patches_of`; of the last one `read`, picture
    and square, and of the last few `photo`. All of these raise PictureError.

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
        self.read = lru_cache(maxsize=1)(self._read)
        self.photo = lru_cache(maxsize=_PHOTOS)(self._read_photo)
        self.features_of = lru_cache(maxsize=None)(self._read_features)
        self.patches_of = lru_cache(maxsize=None)(self._read_patches)

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

    def features_of_maps(self, maps: Maps) -> Features:
        """What is kept of `maps`."""
        return Features(signature(maps), patch_statistics(maps))

    def patch_signatures(self, picture: Image.Image) -> Tensor:
        """The `deception.patch_signatures` of one picture: (n, D), n from 0 to 9."""
        return patch_signatures(self.features, picture, self.device)

    def _read(self, path: Path) -> tuple[Image.Image, Tensor]:
        """The picture of a file, and its square."""
        picture = read_picture(path)
        return picture, self.square(picture)

    def _read_photo(self, path: Path) -> Photo:
        _, square = self.read(path)
        return Photo(square, self.content_map(self.maps(square)))

    def _read_features(self, path: Path) -> Features:
        return self.features_of_maps(self.maps(self.read(path)[1]))

    def _read_patches(self, path: Path) -> Tensor:
        return self.patch_signatures(self.read(path)[0])


@dataclass
class ReadablePictures:
    """Reads pictures; each one that cannot be read is logged as a warning and counted.

    Attributes:
        ranks: the processes that share them.
        skipped: how many could not be read; the first process alone knows.
    """

    ranks: Ranks = Ranks()  # noqa: RUF009
    skipped: int = 0

    def skip(self, error: PictureError) -> None:
        """Count and log a picture that is left out."""
        self.skipped += 1
        logger.warning("skipped: %s", error)

    def read(
        self,
        things: Sequence[Thing],
        read: Callable[[Thing], Read],
        progress: Progress = iter,
    ) -> list[Read]:
        """Read pictures, or whatever `read` makes of a thing; each process reads its share.

        Args:
            things: all of them, the same in every process.
            read: raises PictureError for one that is to be skipped.
            progress: wrapped around this process's share.

        Returns:
            What `read` returned, in the order of the things, without those that are skipped; in
            all processes but the first, nothing.
        """

        def attempt(thing: Thing) -> Read | PictureError:
            try:
                return read(thing)
            except PictureError as error:
                return PictureError(str(error))  # the other would keep the picture in memory

        shared = progress(self.ranks.share(things))
        found: list[Read] = []
        for outcome in self.ranks.collected([attempt(thing) for thing in shared]):
            if isinstance(outcome, PictureError):
                self.skip(outcome)
            else:
                found.append(outcome)
        return found
