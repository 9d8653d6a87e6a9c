"""What a painting is asked for: a photo's content, and the Gram matrices of pictures of a style.

The losses of Gatys et al. (2016) on maps that know no border. It knows tensors and pictures, not
how the painting is made.

Shapes: C channels, H rows, W columns; pictures are RGB in [0, 1].
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from gan_style.color import to_gray
from gan_style.data.images import read_picture, resize_short_side, some_pictures, to_rgb, to_tensor
from gan_style.errors import PictureError
from gan_style.losses.perceptual import content_loss, gram_loss
from gan_style.losses.regularization import total_variation
from gan_style.losses.statistics import Maps, StyleStatistics, gram_matrix
from gan_style.models.feature_networks import CONTENT_LAYER

Picture = Image.Image | str | Path
Grams = dict[str, Tensor]
Light = tuple[float, float]
"""Mean and deviation of a picture's luminance."""

_STRIDES = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4}
_STEP = max(_STRIDES.values())
_MARGIN = 16  # pixels, a multiple of _STEP: relu3_1 sees 10 (VGG) or 15 (compact) to each side
_LOWEST_STYLE = 64  # pixels: below it a picture has no texture left


def seamless_maps(features: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """Feature maps as if the picture went on, mirrored, beyond its border.

    Networks pad with zeros, which they see as an edge all around: an optimizer paints against it.
    Here they get a mirrored margin wider than they can see, and it is cut off the maps. The border
    itself is repeated, unlike in PyTorch's "reflect", where the outermost pixels count for less
    than others and an optimizer leaves a line of another color there (docs/LOG.md).

    Shape: (B, 3, H, W) of any size -> layer -> (B, C, ceil(H / stride), ceil(W / stride)).
    """
    height, width = pictures.shape[2:]
    rows, columns = (_mirrored(side).to(pictures.device) for side in (height, width))
    maps = features(pictures.index_select(2, rows).index_select(3, columns))
    inside = {}
    for layer, values in maps.items():
        stride = _STRIDES[layer]
        start = _MARGIN // stride
        inside[layer] = values[
            ..., start : start - -height // stride, start : start - -width // stride
        ]
    return inside


def _mirrored(side: int) -> Tensor:
    """Which of the picture's rows, or columns, is each of those with a margin."""
    index = torch.arange(-_MARGIN, side + _MARGIN + -side % _STEP) % (2 * side)
    return torch.where(index < side, index, 2 * side - 1 - index)


def gram_statistics(maps: Maps) -> StyleStatistics:
    """The Gram matrices of maps, without the moments, which nothing here asks for."""
    return StyleStatistics({layer: gram_matrix(values) for layer, values in maps.items()}, {}, {})


class Objective:
    """The losses of a painting.

    Args:
        features: a network of features.py.
        photo: (1, 3, H, W), whose relu3_1 is the content.
        style: Gram matrices to be reached.
    """

    def __init__(self, features: nn.Module, photo: Tensor, style: StyleStatistics) -> None:
        self.features = features
        self.style = style
        with torch.no_grad():
            self.content = seamless_maps(features, photo)[CONTENT_LAYER].clone()

    def terms(self, painting: Tensor) -> dict[str, Tensor]:
        """Unweighted losses of (1, 3, H, W): content, gram, tv and range.

        The last is the mean square by which pixels leave [0, 1], as no picture file can hold them.
        """
        maps = seamless_maps(self.features, painting)
        flat = min(painting.shape[2:]) == 1  # and has no total variation
        return {
            "content": content_loss(maps[CONTENT_LAYER], self.content),
            "gram": gram_loss(gram_statistics(maps), self.style),
            "tv": painting.sum() * 0 if flat else total_variation(painting),
            "range": (painting - painting.clamp(0, 1)).square().mean(),
        }


class StyleReader:
    """Reads Gram matrices from pictures and folders of a style, once for every size of painting.

    Of each picture the square in the middle is read, scaled to the painting's short side. Gatys et
    al. have one style picture; the mean Gram matrix of several has the least summed squared
    distance to all theirs.

    Args:
        features: a network of features.py.
        sides: short sides of the painting in pixels.
        light: if given, styles are made gray, with this luminance.
        device: where `features` are.
        report: takes a line for each picture of a folder that cannot be read, and their count.
    """

    def __init__(
        self,
        features: nn.Module,
        sides: Sequence[int],
        light: Light | None,
        device: torch.device,
        report: Callable[[str], None] = print,
    ) -> None:
        self.features = features
        self.sides = sides
        self.light = light
        self.device = device
        self.report = report

    def mixed(self, styles: Sequence[tuple[Picture, float]]) -> list[StyleStatistics]:
        """Targets for each size: the mean over styles by their weights, which have any unit.

        A style is a picture, or a folder, of which all pictures count alike.

        Raises:
            PictureError: a picture that is no folder's cannot be read, or none of a folder's can.
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
                opened = _open(picture, max(self.sides))
            except PictureError as error:
                if len(pictures) == 1:
                    raise
                self.report(f"skipped: {error}")
                continue
            read += 1
            for side, total in zip(self.sides, totals, strict=True):
                _add(total, self._grams(opened, side), 1.0)
        if not read:
            raise PictureError(f"{style}: not one of its {len(pictures)} pictures can be read")
        if read < len(pictures):
            count = f"{len(pictures) - read} of {len(pictures)} pictures"
            self.report(f"{count} of {style} were skipped")
        return [{layer: gram / read for layer, gram in total.items()} for total in totals]

    @torch.no_grad()
    def _grams(self, picture: Image.Image, side: int) -> Grams:
        small = resize_short_side(_middle(picture), max(side, _LOWEST_STYLE))
        pixels = to_tensor(small)[None].to(self.device)
        seen = pixels if self.light is None else in_light(pixels, self.light)
        return gram_statistics(seamless_maps(self.features, seen)).gram


def check_weights(weights: Sequence[float], styles: int) -> Sequence[float]:
    """Give back the weights of so many styles.

    Raises:
        ValueError: there is no style, a weight is missing or negative, or all are 0.
    """
    if not styles:
        raise ValueError("there is no style; give a picture or a folder")
    if len(weights) != styles:
        raise ValueError(f"{len(weights)} weights for {styles} styles; give one for each")
    if not min(weights) >= 0 or not 0 < sum(weights) < math.inf:
        given = ", ".join(f"{weight:g}" for weight in weights)
        raise ValueError(f"the styles' weights are {given}; allowed: 0 or more, not all 0")
    return weights


def light_of(photo: Tensor) -> Light:
    """Mean and deviation of the luminance of (1, 3, H, W)."""
    gray = to_gray(photo)
    return gray.mean().item(), gray.std(correction=0).item()


def in_light(picture: Tensor, light: Light) -> Tensor:
    """The gray picture, brought to a mean and deviation (Gatys et al. 2017, 5.1).

    Shape: (1, 3, H, W) -> the same, three equal channels in [0, 1].
    """
    gray = to_gray(picture)
    mean, deviation = light_of(picture)
    matched = (gray - mean) * (light[1] / max(deviation, 1e-3)) + light[0]
    return matched.clamp(0, 1).expand(-1, 3, -1, -1)


def _pictures_of(style: Picture) -> Sequence[Picture]:
    if isinstance(style, Image.Image) or not Path(style).is_dir():
        return [style]
    return some_pictures(style)


def _open(picture: Picture, side: int) -> Image.Image:
    if isinstance(picture, Image.Image):
        return to_rgb(picture)
    return read_picture(picture, max(side, _LOWEST_STYLE))


def _middle(picture: Image.Image) -> Image.Image:
    """The square in the middle, so that memory depends on the short side alone."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _add(total: Grams, grams: Grams, factor: float) -> None:
    for layer, gram in grams.items():
        total[layer] = total.get(layer, torch.zeros_like(gram)) + factor * gram
