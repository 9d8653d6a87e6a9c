"""Pictures of a style -> its style code, with a trained model.

Shapes: R sides at which pictures are read, d numbers in a code.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median_high
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor

from gan_style.data.images import (
    Picture,
    center_crop,
    open_picture,
    resize_short_side,
    some_pictures,
    to_tensor,
)
from gan_style.errors import PictureError
from gan_style.models.style_model import StyleModel
from gan_style.sizes import CARRIED_SIDE, LONGEST_RATIO, READING_SIDE, READING_SIDES
from gan_style.style_code import StyleCode, make_thumbnail, picture_hash

logger = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[Iterable[Picture]], Iterable[Picture]]
"""Wrapped around what is worked through, as tqdm is."""

_MOST_ENLARGED = 2.25  # times that a picture is enlarged to be read at CARRIED_SIDE
_SHOWN = 4  # pictures in a thumbnail


def encode_pictures(
    model: StyleModel,
    device: torch.device,
    pictures: Sequence[Picture],
    name: str,
    identity: str,
    progress: Progress = iter,
) -> StyleCode:
    """The code of a set of pictures: the mean and the deviation of those of each.

    A picture that cannot be read is skipped with a warning in the log.

    Args:
        model: on the device.
        device: where it runs.
        pictures: in memory or paths of files.
        name: of the style.
        identity: of the model.
        progress: wrapped around the pictures.

    Raises:
        PictureError: not one of the pictures can be read.
    """
    codes: list[Tensor] = []
    lengths: list[int] = []
    hashes: list[str] = []
    shown: list[Image.Image] = []
    for opened in _readable(pictures, progress):
        codes.append(_codes_of(model, device, opened))
        lengths.append(min(opened.size))
        hashes.append(picture_hash(opened))
        if len(shown) < _SHOWN:
            shown.append(resize_short_side(opened, 160))
    if not codes:
        raise PictureError(f"no picture of {len(pictures)} can be read: nothing to encode")
    sides = reading_sides(median_high(lengths))  # smaller ones lend the largest reading they have
    stacked = torch.stack([_rows(each, len(sides)) for each in codes])
    return StyleCode(
        mean=stacked.mean(0),
        spread=stacked.std(0, correction=0),
        sides=sides,
        name=name,
        model=identity,
        count=len(codes),
        hashes=tuple(hashes),
        thumbnail=make_thumbnail(shown),
    )


def reading_sides(length: int) -> tuple[int, ...]:
    """The sides of READING_SIDES at which pictures with a short side of `length` pixels are read.

    All that they have, and up to CARRIED_SIDE those to which they can be enlarged.
    """
    enlarged = min(CARRIED_SIDE, _MOST_ENLARGED * length)
    return tuple(side for side in READING_SIDES if side <= max(READING_SIDE, length, enlarged))


def pictures_of(pictures: Picture | Sequence[Picture]) -> tuple[Sequence[Picture], str]:
    """The pictures themselves, and what their style is called unless it has a name.

    Raises:
        PictureError: a folder without pictures.
    """
    if isinstance(pictures, Image.Image):
        return [pictures], "style"
    if not isinstance(pictures, str | Path):
        return pictures, "style"
    place = Path(pictures)
    return (some_pictures(place), place.name) if place.is_dir() else ([place], place.stem)


@torch.inference_mode()
def _codes_of(model: StyleModel, device: torch.device, picture: Image.Image) -> Tensor:
    """(R, d), of the sides at which a picture of this size is read."""
    cut = center_crop(picture, LONGEST_RATIO)  # read from a bounded number of pixels
    codes = []
    for side in reading_sides(min(cut.size)):
        small = to_tensor(resize_short_side(cut, side))[None, None].to(device)
        # float32: codes are computed once, and have to agree to the last digit across machines
        codes.append(model.encode(small)[0])
    return torch.stack(codes).cpu()


def _rows(codes: Tensor, number: int) -> Tensor:
    """The first so many rows of (R, d); the last one again where there are fewer."""
    return codes[[min(row, len(codes) - 1) for row in range(number)]]


def _readable(pictures: Sequence[Picture], progress: Progress) -> Iterator[Image.Image]:
    """Open each; log those that cannot be read, and how many they were."""
    skipped = 0
    for picture in progress(pictures):
        try:
            opened = open_picture(picture)
        except PictureError as error:
            skipped += 1
            logger.warning("skipped: %s", error)
        else:
            yield opened
    if skipped:
        logger.warning("%d of %d pictures were skipped", skipped, len(pictures))
