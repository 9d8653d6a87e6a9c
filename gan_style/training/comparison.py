"""The sheet that compares the base model with the trained one: the same photos by both."""

from collections.abc import Iterable, Sequence
from pathlib import Path

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


def comparison_sheet(
    base: Stylizer,
    mine: Stylizer,
    photos: Sequence[Path],
    styles: Sequence[Style],
    codes: Iterable[StyleCode],
) -> Image.Image | None:
    """Paint some photos with two models, each with the code that it gives the same collection.

    Args:
        base: the model that training began with.
        mine: the trained one.
        photos: of which up to 6 are painted.
        styles: of which up to 2 are shown, if there are several.
        codes: of these styles, by `mine`.

    Returns:
        A row for each photo: the photo, and for each style base and mine. None if no photo can be
        read any more.

    Raises:
        PictureError: not one picture of a style can be read any more.
    """
    shown = evenly([*zip(styles, codes, strict=False)], _STYLES)
    pairs = [(_code(base, style), code) for style, code in shown]
    rows = []
    for photo in readable(evenly(photos, _PHOTOS)):
        small = resize_short_side(center_crop(photo, _LONGEST), READING_SIDE)
        row = [small]
        for theirs, ours in pairs:
            row += [base.stylize(small, theirs), mine.stylize(small, ours)]
        rows.append([to_tensor(picture) for picture in row])
    names = [f"{style.name}: " if len(shown) > 1 else "" for style, _ in shown]
    headings = ["photo", *(f"{name}{model}" for name in names for model in ("base model", "mine"))]
    return picture_grid(rows, headings) if rows else None


def _code(base: Stylizer, style: Style) -> StyleCode:
    """The code of a style, from pictures at the size of the paintings: larger ones take long."""
    pictures = readable(evenly(style.paths, _PICTURES))
    return base.encode([resize_short_side(each, READING_SIDE) for each in pictures], style.name)
