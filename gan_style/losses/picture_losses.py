"""What the frozen feature networks say of a painting: content, Gram, moments, stroke."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from gan_style.config import FeaturesConfig
from gan_style.losses.perceptual import content_loss, gram_loss, moments_loss, stroke_loss
from gan_style.losses.regularization import smoothness_loss, total_variation
from gan_style.losses.statistics import style_statistics
from gan_style.models.feature_networks import CONTENT_LAYER, picture_features, stroke_features

MINIMUM_SIDE = 32
STEP = 4
"""The features step through the picture by this many pixels; see `PictureLosses.terms`."""


class PictureLosses:
    """The feature networks and the losses taken on their maps.

    Args:
        autocast: gives the context in which networks run.
    """

    def __init__(
        self,
        config: FeaturesConfig,
        device: torch.device,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self.picture = picture_features(config.network, config.weights).to(device)
        self.stroke = stroke_features(config.stroke_network, config.stroke_weights).to(device)
        self.autocast = autocast

    def terms(
        self,
        stylized: Tensor,
        content: Tensor,
        style: Tensor,
        examples: int,
        shift: Sequence[int] = (0, 0),
    ) -> dict[str, Tensor]:
        """The losses on pictures.

        A set of paintings has to have the statistics of a set of pictures of the style, mean
        against mean. Gatys et al. (2016) ask each painting for all of them: then a clear sky,
        which may well stay plain if others of the set have the lines, is cracked like a wall.

        Args:
            stylized: (B, 3, C, C) paintings, set after set as the style's.
            content: (B, 3, C, C) photos they were made from.
            style: (B, 3, C, C) pictures of the style, set after set.
            examples: pictures in a set, and paintings.
            shift: rows and columns of painting and photo left out at the start, 0 to 4.
        """
        stylized, content = _without(stylized, shift), _without(content, shift)
        with torch.no_grad(), self.autocast():
            content_map = self.picture(content)[CONTENT_LAYER]
            style_maps, style_strokes = self.picture(style), self.stroke(style)
        with self.autocast():
            maps, strokes = self.picture(stylized), self.stroke(stylized)
        target = style_statistics(style_maps).average(examples)
        stroke_target = style_statistics(style_strokes).average(examples)
        generated = style_statistics(maps).average(examples)
        drawn = style_statistics(strokes).average(examples)
        return {
            "content": content_loss(maps[CONTENT_LAYER], content_map),
            "gram": gram_loss(generated, target),
            "moments": moments_loss(generated, target),
            "stroke": stroke_loss(drawn, stroke_target),
            "tv": total_variation(stylized),
            "smoothness": smoothness_loss(stylized, content),
        }


def _without(pictures: Tensor, shift: Sequence[int]) -> Tensor:
    """Leave out so many rows and columns at the start, and what is left of STEP at the end.

    The features step through a picture by 2 and 4 pixels, and a generator learns to please them
    with a grid that keeps their step, unless its place changes all the time.
    """
    room = min(STEP, pictures.shape[2] - MINIMUM_SIDE)  # the stroke features need 32 px
    side = pictures.shape[2] - room
    rows, columns = (slice(min(start, room), min(start, room) + side) for start in shift)
    return pictures[..., rows, columns]
