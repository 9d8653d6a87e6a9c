"""The same photos by several models, in several styles, at several settings, on one sheet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

from PIL import Image

from gan_style.data.grid import Cell, wrapped_sheet
from gan_style.data.images import Picture, open_picture, resize_short_side
from gan_style.sizes import READING_SIDE
from gan_style.stylizer import Style, Stylizer

_TOGETHER = 4
"""Most paintings of one style that are kept in one row of the sheet."""
Progress: TypeAlias = Callable[[list[Any]], Iterable[Any]]


def compare(
    photos: Sequence[Picture],
    models: Mapping[str, Stylizer],
    styles: Sequence[Style],
    *,
    strengths: Sequence[float] = (1.0,),
    stroke_sizes: Sequence[float] = (1.0,),
    size: int = READING_SIDE,
    progress: Progress = iter,
) -> Image.Image:
    """Paint photos in every combination, and lay the paintings out beside the photos.

    Paintings of one style and setting by the models stand beside one another. What differs stands
    over each.

    Args:
        photos: in memory or paths.
        models: by the names that the sheet gives them.
        styles: as `Stylizer.style` takes them; pictures are encoded by each of the models.
        strengths: as `Stylizer.stylize`.
        stroke_sizes: as `Stylizer.stylize`.
        size: short side in pixels of each painting.
        progress: wrapped around what is to be painted.

    Raises:
        PictureError: a photo, or not one of the pictures of a style, can be read.
        StyleError: a model has no such style, or a code is of another model.
        ConfigError: a strength or stroke size that is not allowed.
        ValueError: one of the lists is empty.
    """
    codes = {
        (name, i): model.style(style)
        for (name, model), (i, style) in product(models.items(), enumerate(styles))
    }
    for (name, _), code in codes.items():
        models[name].refuse_foreign(code)
    befores = [Cell(resize_short_side(open_picture(photo), size), "photo") for photo in photos]
    settings = [*product(range(len(styles)), strengths, stroke_sizes, models)]
    painted = []
    for before, (i, strength, stroke_size, name) in progress([*product(befores, settings)]):
        code = codes[name, i]
        painting = models[name].stylize(before.picture, code, strength, stroke_size=stroke_size)
        differing = (
            (code.name, True),
            (name, len(models) > 1),
            (f"strength {strength:g}", len(strengths) > 1),
            (f"stroke size {stroke_size:g}", len(stroke_sizes) > 1),
        )
        painted.append(Cell(painting, ", ".join(text for text, differs in differing if differs)))
    count = len(settings)
    blocks = [(before, painted[i * count : (i + 1) * count]) for i, before in enumerate(befores)]
    each = count // len(styles)
    return wrapped_sheet(blocks, together=each if each <= _TOGETHER else len(models))
