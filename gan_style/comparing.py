"""The same photos by several models, in several styles, at several settings, on one sheet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any, TypeAlias

from PIL import Image

from gan_style.data.grid import Cell, wrapped_sheet
from gan_style.data.images import Picture, open_picture, resize_short_side
from gan_style.sizes import READING_SIDE
from gan_style.style_code import StyleCode
from gan_style.stylizer import Style, Stylizer

_TOGETHER = 4
"""Most paintings of one style that are kept in one row of the sheet."""
Progress: TypeAlias = Callable[[list[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Candidate:
    """A style as one model paints it, under the name that a sheet gives it."""

    name: str
    stylizer: Stylizer
    style: StyleCode


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
    groups = [
        [
            Candidate(_named(codes[name, i].name, name, models), model, codes[name, i])
            for name, model in models.items()
        ]
        for i in range(len(styles))
    ]
    return compare_candidates(
        photos,
        groups,
        strengths=strengths,
        stroke_sizes=stroke_sizes,
        size=size,
        progress=progress,
    )


def compare_candidates(
    photos: Sequence[Picture],
    groups: Sequence[Sequence[Candidate]],
    *,
    strengths: Sequence[float] = (1.0,),
    stroke_sizes: Sequence[float] = (1.0,),
    size: int = READING_SIDE,
    progress: Progress = iter,
) -> Image.Image:
    """As `compare`, where each style may have models of its own.

    Args:
        photos: in memory or paths.
        groups: those of a group stand beside one another.
        strengths: as `Stylizer.stylize`.
        stroke_sizes: as `Stylizer.stylize`.
        size: short side in pixels of each painting.
        progress: wrapped around what is to be painted.

    Raises:
        PictureError: a photo cannot be read.
        StyleError: a code is of another model.
        ConfigError: a strength or stroke size that is not allowed.
        ValueError: one of the lists is empty.
    """
    for each in chain.from_iterable(groups):
        each.stylizer.refuse_foreign(each.style)
    befores = [Cell(resize_short_side(open_picture(photo), size), "photo") for photo in photos]
    settings = [
        (each, strength, stroke_size)
        for group, strength, stroke_size in product(groups, strengths, stroke_sizes)
        for each in group
    ]
    painted = []
    for before, (each, strength, stroke_size) in progress([*product(befores, settings)]):
        painting = each.stylizer.stylize(
            before.picture, each.style, strength, stroke_size=stroke_size
        )
        differing = (
            (each.name, True),
            (f"strength {strength:g}", len(strengths) > 1),
            (f"stroke size {stroke_size:g}", len(stroke_sizes) > 1),
        )
        painted.append(Cell(painting, ", ".join(text for text, differs in differing if differs)))
    count = len(settings)
    blocks = [(before, painted[i * count : (i + 1) * count]) for i, before in enumerate(befores)]
    models = max(map(len, groups))
    row = len(strengths) * len(stroke_sizes) * models
    return wrapped_sheet(blocks, together=row if row <= _TOGETHER else models)


def _named(style: str, model: str, models: Mapping[str, Stylizer]) -> str:
    return f"{style}, {model}" if len(models) > 1 else style
