"""The losses on pictures together: which are computed, and on which part of the pictures."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from gan_style.losses import (  # noqa: F401, registered when imported
    lattice,
    perceptual,
    regularization,
    sliced,
)
from gan_style.losses.comparison import PICTURE_LOSSES, Comparison
from gan_style.models.feature_maps import FeatureMaps
from gan_style.sizes import MINIMUM_SIDE

STEP = 4
"""Largest distance in pixels between two positions of the feature maps; see `_cropped`."""


class PictureLosses:
    """The losses whose weight is not 0.

    Args:
        picture: frozen feature network on pictures in color, of models.feature_networks.
        stroke: frozen feature network on gray pictures.
        weights: of each loss, by the names in `PICTURE_LOSSES`; those left out are 0.
        autocast: gives the context in which networks run.
        lattice_period: of the generator whose paintings are compared, as `lattice_period` there.

    Raises:
        ValueError: a weight of an unknown loss.
    """

    def __init__(
        self,
        picture: FeatureMaps,
        stroke: FeatureMaps,
        weights: Mapping[str, float],
        autocast: Callable[[], AbstractContextManager[Any]],
        lattice_period: float,
    ) -> None:
        unknown = ", ".join(weights.keys() - PICTURE_LOSSES.keys())
        if unknown:
            raise ValueError(
                f"there is no loss {unknown}; allowed: {', '.join(sorted(PICTURE_LOSSES))}"
            )
        self.picture = picture
        self.stroke = stroke
        self.weights = {name: weights[name] for name in PICTURE_LOSSES if weights.get(name, 0) > 0}
        self.autocast = autocast
        self.lattice_period = lattice_period

    def terms(
        self,
        paintings: Tensor,
        photos: Tensor,
        style: Tensor,
        set_size: int,
        shift: Sequence[int] = (0, 0),
        rng: torch.Generator | None = None,
        further: Mapping[str, Callable[[Comparison], Tensor]] = MappingProxyType({}),
        targets: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses, each () and unweighted. Networks that none of them needs do not run.

        Style statistics are matched per set: the mean over a set of paintings has to be the mean
        over a set of pictures of the style. Gatys et al. (2016) match them in each painting: then
        a clear sky, which may stay plain if other paintings of the set have the lines, gets
        crack artifacts.

        Args:
            paintings: (B, 3, H, W), set after set as the style's; H, W >= 32, RGB in [0, 1].
            photos: (B, 3, H, W) that they were made from.
            style: (B, 3, h, w) pictures of the style, set after set.
            set_size: pictures in a set, and paintings; a divisor of B.
            shift: rows and columns of painting and photo left out at the start, 0 to 4.
            rng: on the CPU; draws what is random in a loss. None: always the same.
            further: losses by their names that need more than the pictures, such as a network that
                is trained along, and share their maps and statistics.
            targets: (B, 3, H, W) whose content the paintings are to have; None: the photos.
        """
        comparison = Comparison(
            _cropped(paintings, shift),
            _cropped(photos, shift),
            _cropped(photos if targets is None else targets, shift),
            style,
            set_size,
            self.picture,
            self.stroke,
            self.autocast,
            torch.Generator().manual_seed(0) if rng is None else rng,
            self.lattice_period,
        )
        losses = {name: PICTURE_LOSSES[name] for name in self.weights} | dict(further)
        return {name: loss(comparison) for name, loss in losses.items()}

    @torch.no_grad()
    def channels(self) -> dict[str, int]:
        """How many channels the maps in color have, by layer."""
        weight = next(self.picture.parameters())
        smallest = weight.new_zeros(1, 3, MINIMUM_SIDE, MINIMUM_SIDE)
        return {layer: maps.shape[1] for layer, maps in self.picture(smallest).items()}


def _cropped(pictures: Tensor, shift: Sequence[int]) -> Tensor:
    """Leave out so many rows and columns at the start, and what is left of STEP at the end.

    Feature maps have one position for every 2 or 4 pixels, and a generator learns to lower the
    losses by a grid in step with them, unless their place on the picture keeps changing.
    """
    room = min(STEP, pictures.shape[2] - MINIMUM_SIDE)  # the stroke features need 32 px
    side = pictures.shape[2] - room
    rows, columns = (slice(min(start, room), min(start, room) + side) for start in shift)
    return pictures[..., rows, columns]
