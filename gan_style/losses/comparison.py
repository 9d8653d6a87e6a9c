"""What losses on pictures are computed from, and the register of these losses.

To add a loss, write it in a module of this package that `picture_losses` imports, mark it with
`picture_loss`, and add its weight to `config.LossWeights` under the same name.

Shapes: B pictures, C channels, H rows, W columns; () is a single number. Pictures are RGB in
[0, 1].
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gan_style.losses.statistics import Maps, StyleStatistics, style_statistics
from gan_style.models.feature_maps import FeatureMaps


@dataclass(frozen=True)
class Comparison:
    """Paintings beside the photos they were made from and pictures of the style.

    Feature maps and statistics are computed when a loss first uses them, and only once. Only the
    paintings' have a gradient.

    paintings: (B, 3, H, W), set after set as the style's.
    photos: (B, 3, H, W).
    targets: (B, 3, H, W) with whose content that of the paintings is compared.
    style: (B, 3, h, w) pictures of the style, set after set.
    set_size: pictures in a set; statistics are averaged over them.
    picture, stroke: frozen feature networks.
    autocast: gives the context in which they run.
    rng: on the CPU; draws what is random in a loss.
    lattice_period: in pixels of a painting, of dots that enlarging the generator's maps can leave.
    """

    paintings: Tensor
    photos: Tensor
    targets: Tensor
    style: Tensor
    set_size: int
    picture: FeatureMaps
    stroke: FeatureMaps
    autocast: Callable[[], AbstractContextManager[Any]]
    rng: torch.Generator
    lattice_period: float

    @property
    def strides(self) -> Mapping[str, int]:
        """Pixels from one position of the maps in color to the next, by layer."""
        return self.picture.strides

    @cached_property
    def painting_maps(self) -> Maps:
        """The paintings' maps in color."""
        return self._maps(self.picture, self.paintings)

    @cached_property
    @torch.no_grad()
    def style_maps(self) -> Maps:
        """The style pictures' maps in color."""
        return self._maps(self.picture, self.style)

    @property
    def painting_content(self) -> Tensor:
        """(B, C, h, w): the paintings' map in the layer by which content is compared."""
        return self.painting_maps[self._content_layer]

    @cached_property
    @torch.no_grad()
    def target_maps(self) -> Maps:
        """The targets' maps in color."""
        return self._maps(self.picture, self.targets)

    @property
    def target_content(self) -> Tensor:
        """(B, C, h, w): the targets' map in that layer."""
        return self.target_maps[self._content_layer]

    @cached_property
    def painting_statistics(self) -> StyleStatistics:
        """Of the paintings' maps in color."""
        return style_statistics(self.painting_maps).average(self.set_size)

    @cached_property
    @torch.no_grad()
    def target_statistics(self) -> StyleStatistics:
        """Of the style pictures' maps in color."""
        return style_statistics(self.style_maps).average(self.set_size)

    @cached_property
    def painting_strokes(self) -> StyleStatistics:
        """Of the paintings' deeper maps in gray."""
        maps = self._maps(self.stroke, self.paintings)
        return style_statistics(maps).average(self.set_size)

    @cached_property
    @torch.no_grad()
    def target_strokes(self) -> StyleStatistics:
        """Of the style pictures' deeper maps in gray."""
        return style_statistics(self._maps(self.stroke, self.style)).average(self.set_size)

    @property
    def target_gram(self) -> dict[str, Tensor]:
        """Gram matrices of the style pictures' maps in color, averaged over each of the S sets.

        Layer -> (S, C, C).
        """
        return {layer: v[:: self.set_size] for layer, v in self.target_statistics.gram.items()}

    @property
    def _content_layer(self) -> str:
        return self.picture.content_layer

    def _maps(self, network: nn.Module, pictures: Tensor) -> Maps:
        with self.autocast():
            maps: Maps = network(pictures)
        return maps


PICTURE_LOSSES: dict[str, Callable[[Comparison], Tensor]] = {}
"""Every registered loss by its name, in the order in which they are computed."""

Loss = TypeVar("Loss", bound=Callable[..., Tensor])


def picture_loss(
    name: str, arguments: Callable[[Comparison], tuple[Any, ...]]
) -> Callable[[Loss], Loss]:
    """Register a loss.

    Args:
        name: of its weight in `config.LossWeights`.
        arguments: takes from a comparison what the loss is called with. The loss returns ().
    """

    def register(loss: Loss) -> Loss:
        PICTURE_LOSSES[name] = lambda comparison: loss(*arguments(comparison))
        return loss

    return register
