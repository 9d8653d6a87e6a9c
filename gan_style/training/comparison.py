"""The base model beside the trained one: the same photos by both, and the sheet that shows them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan_style.data.collection import Style
from gan_style.data.grid import picture_grid
from gan_style.data.images import center_crop, evenly, resize_short_side, to_tensor
from gan_style.sizes import READING_SIDE
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.copying import readable

_PHOTOS, _STYLES = 6, 2  # that are shown
_PICTURES = 64  # of a style that are read, evenly chosen
_LONGEST = 1.5  # times the shorter side; the middle of a longer photo is shown


class ComparedStyle(NamedTuple):
    """A style, and the codes that the base model and the trained one give it."""

    style: Style
    base: StyleCode
    mine: StyleCode


def compared_styles(
    base: Stylizer, styles: Sequence[Style], codes: Iterable[StyleCode]
) -> list[ComparedStyle]:
    """Up to 2 of the styles, whose codes by the trained model are given, with those by `base`.

    Pictures are read at the size of the paintings: larger ones take long.

    Raises:
        PictureError: not one picture of a style can be read any more.
    """
    found = []
    for style, code in evenly([*zip(styles, codes, strict=False)], _STYLES):
        pictures = [
            resize_short_side(picture, READING_SIDE)
            for picture in readable(evenly(style.paths, _PICTURES))
        ]
        found.append(ComparedStyle(style, base.encode(pictures, style.name), code))
    return found


def reduced_photos(photos: Sequence[Path], number: int) -> list[Image.Image]:
    """Those that can be read of `number` photos, evenly chosen, as large as they are compared."""
    return [
        resize_short_side(center_crop(photo, _LONGEST), READING_SIDE)
        for photo in readable(evenly(photos, number))
    ]


def comparison_sheet(
    base: Stylizer, mine: Stylizer, photos: Sequence[Path], styles: Sequence[ComparedStyle]
) -> Image.Image | None:
    """Paint some photos with two models, each with the code that it gives the same collection.

    Args:
        base: the model that training began with.
        mine: the trained one.
        photos: of which up to 6 are painted.
        styles: that are shown.

    Returns:
        A row for each photo: the photo, and for each style base and mine. None if no photo can be
        read any more.
    """
    rows = []
    for photo in reduced_photos(photos, _PHOTOS):
        row = [photo]
        for style in styles:
            row += [base.stylize(photo, style.base), mine.stylize(photo, style.mine)]
        rows.append([to_tensor(picture) for picture in row])
    names = [f"{each.style.name}: " if len(styles) > 1 else "" for each in styles]
    headings = ["photo", *(f"{name}{model}" for name in names for model in ("base model", "mine"))]
    return picture_grid(rows, headings) if rows else None
