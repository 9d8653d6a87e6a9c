"""The losses of a painting: a photo's content, and the Gram matrices of pictures of a style.

The losses of Gatys et al. (2016) on feature maps without border effects. This module knows tensors
and pictures, not how the painting is made.

Shapes: C channels, H rows, W columns; pictures are RGB in [0, 1].
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_style.color import to_gray
from gan_style.data.images import (
    Picture,
    center_crop,
    open_picture,
    resize_short_side,
    some_pictures,
    to_tensor,
)
from gan_style.errors import PictureError, StyleError
from gan_style.losses.perceptual import content_loss, gram_loss
from gan_style.losses.regularization import total_variation
from gan_style.losses.statistics import Maps, StyleStatistics, gram_matrix
from gan_style.models.feature_maps import FeatureMaps

logger = logging.getLogger(__name__)

Grams = dict[str, Tensor]
Luminance = tuple[float, float]
"""Mean and standard deviation of a picture's luminance."""

_LOWEST_STYLE = 64  # pixels: below it a picture has no texture left


def seamless_maps(features: FeatureMaps, pictures: Tensor) -> dict[str, Tensor]:
    """Feature maps as if the picture continued, mirrored, beyond its border.

    Networks pad with zeros, which act as an edge all around, and an optimizer paints against it.
    Here pictures get a mirrored margin wider than the network's receptive field, and it is cut off
    the maps: at both ends alike, which also centers the maps of networks that do not pad. The
    border pixels are repeated, unlike in PyTorch's "reflect", where the outermost pixels count for
    less than others and an optimizer leaves a line of another color there.

    Shape: (B, 3, H, W) of any size -> layer -> (B, C, ceil(H / stride), ceil(W / stride)).
    """
    step = max(features.strides.values())
    height, width = pictures.shape[2:]
    rows, columns = (
        _mirrored(side, features.margin, step).to(pictures.device) for side in (height, width)
    )
    maps = features(pictures.index_select(2, rows).index_select(3, columns))
    inside = {}
    for layer, values in maps.items():
        down, across = (
            _inside(side, step, features.strides[layer], found)
            for side, found in zip((height, width), values.shape[2:], strict=True)
        )
        inside[layer] = values[..., down, across]
    return inside


def _mirrored(side: int, margin: int, step: int) -> Tensor:
    """Indices of rows, or columns, of the picture with a margin, in whole steps of the network."""
    index = torch.arange(-margin, side + margin + -side % step) % (2 * side)
    return torch.where(index < side, index, 2 * side - 1 - index)


def _inside(side: int, step: int, stride: int, found: int) -> slice:
    """The positions of a map that belong to the picture, of all `found` ones."""
    whole = (side + -side % step) // stride  # positions of the picture in whole steps
    start = (found - whole) // 2
    return slice(start, start - -side // stride)


def gram_statistics(maps: Maps) -> StyleStatistics:
    """The Gram matrices of maps, without the moments, which are not used here."""
    return StyleStatistics({layer: gram_matrix(values) for layer, values in maps.items()}, {}, {})


class Objective:
    """The losses of a painting.

    Args:
        features: a network of `feature_networks.picture_features`.
        photo: (1, 3, H, W), whose content is kept.
        style: Gram matrices to be reached.
    """

    def __init__(self, features: FeatureMaps, photo: Tensor, style: StyleStatistics) -> None:
        self.features = features
        self.style = style
        self._content_layer = features.content_layer
        with torch.no_grad():
            self.content = seamless_maps(features, photo)[self._content_layer].clone()

    def terms(self, painting: Tensor) -> dict[str, Tensor]:
        """Unweighted losses of (1, 3, H, W): content, gram, tv and range, each ().

        The last is the mean square by which pixels leave [0, 1], as no picture file can hold them.
        """
        maps = seamless_maps(self.features, painting)
        flat = min(painting.shape[2:]) == 1  # and has no total variation
        return {
            "content": content_loss(maps[self._content_layer], self.content),
            "gram": gram_loss(gram_statistics(maps), self.style),
            "tv": painting.sum() * 0 if flat else total_variation(painting),
            "range": (painting - painting.clamp(0, 1)).square().mean(),
        }


class StyleTargets:
    """Gram matrices of pictures and folders of a style, for every size of the painting.

    The center square of each picture is read, scaled to the painting's short side. Gatys et al.
    have one style picture; the mean Gram matrix of several has the least summed squared distance
    to all of theirs. Pictures of a folder that cannot be read are skipped with a warning.

    Args:
        features: a network of `feature_networks.picture_features`.
        sides: short sides of the painting in pixels.
        luminance: if given, styles are made gray, with this mean and deviation.
        device: where `features` are.
    """

    def __init__(
        self,
        features: FeatureMaps,
        sides: Sequence[int],
        luminance: Luminance | None,
        device: torch.device,
    ) -> None:
        self.features = features
        self.sides = sides
        self.luminance = luminance
        self.device = device

    def mixed(self, styles: Sequence[tuple[Picture, float]]) -> list[StyleStatistics]:
        """Targets for each size: the mean over styles by their weights, which have any unit.

        A style is a picture, or a folder, whose pictures have equal weights.

        Raises:
            PictureError: a picture given by itself cannot be read, or none of a folder's can.
        """
        mixed: list[Grams] = [{} for _ in self.sides]
        whole = sum(weight for _, weight in styles)
        for style, weight in styles:
            for total, grams in zip(mixed, self._style(style), strict=True):
                _add(total, grams, weight / whole)
        return [StyleStatistics(grams, {}, {}) for grams in mixed]

    def _style(self, style: Picture) -> list[Grams]:
        """The mean over the pictures of a style, for each size."""
        pictures = _pictures_of(style)
        totals: list[Grams] = [{} for _ in self.sides]
        read = 0
        for picture in pictures:
            try:
                opened = open_picture(picture, max(*self.sides, _LOWEST_STYLE))
            except PictureError as error:
                if len(pictures) == 1:
                    raise
                logger.warning("skipped: %s", error)
                continue
            read += 1
            for side, total in zip(self.sides, totals, strict=True):
                _add(total, self._grams(opened, side), 1.0)
        if not read:
            raise PictureError(f"{style}: not one of its {len(pictures)} pictures can be read")
        if read < len(pictures):
            skipped = len(pictures) - read
            logger.warning("%d of %d pictures of %s were skipped", skipped, len(pictures), style)
        return [{layer: gram / read for layer, gram in total.items()} for total in totals]

    @torch.no_grad()
    def _grams(self, picture: Image.Image, side: int) -> Grams:
        # a square, so that memory depends on the short side alone
        small = resize_short_side(center_crop(picture), max(side, _LOWEST_STYLE))
        pixels = to_tensor(small)[None].to(self.device)
        if self.luminance is not None:
            pixels = match_luminance(pixels, self.luminance)
        return gram_statistics(seamless_maps(self.features, pixels)).gram


def check_weights(weights: Sequence[float], styles: int) -> Sequence[float]:
    """Return the weights, if they fit this number of styles.

    Raises:
        StyleError: there is no style, a weight is missing or negative, or all are 0.
    """
    if not styles:
        raise StyleError("there is no style; give a picture or a folder")
    if len(weights) != styles:
        raise StyleError(f"{len(weights)} weights for {styles} styles; give one for each")
    if not min(weights) >= 0 or not 0 < sum(weights) < math.inf:
        given = ", ".join(f"{weight:g}" for weight in weights)
        raise StyleError(f"the styles' weights are {given}; allowed: 0 or more, not all 0")
    return weights


def luminance_of(picture: Tensor) -> Luminance:
    """Mean and deviation of the luminance of (1, 3, H, W)."""
    gray = to_gray(picture)
    return gray.mean().item(), gray.std(correction=0).item()


def match_luminance(picture: Tensor, luminance: Luminance) -> Tensor:
    """The gray picture with another mean and deviation (Gatys et al. 2017, section 5.1).

    Shape: (1, 3, H, W) -> the same, three equal channels in [0, 1].
    """
    gray = to_gray(picture)
    mean, deviation = luminance_of(picture)
    matched = (gray - mean) * (luminance[1] / max(deviation, 1e-3)) + luminance[0]
    return matched.clamp(0, 1).expand(-1, 3, -1, -1)


def _pictures_of(style: Picture) -> Sequence[Picture]:
    if isinstance(style, Image.Image) or not Path(style).is_dir():
        return [style]
    return some_pictures(style)


def _add(total: Grams, grams: Grams, factor: float) -> None:
    for layer, gram in grams.items():
        total[layer] = total.get(layer, torch.zeros_like(gram)) + factor * gram
