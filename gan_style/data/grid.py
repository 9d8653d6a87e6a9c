"""Grids of pictures with headings, such as sample grids and contact sheets."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gan_style.data.images import to_image

_HEADING = 20  # height in pixels
_SCREEN = 1920  # pixels: as wide as a sheet gets, unless a picture and one more need it


def picture_grid(
    rows: Sequence[Sequence[Tensor]], headings: Sequence[str] = (), gap: int = 4
) -> Image.Image:
    """Lay pictures out in rows and columns on white.

    Args:
        rows: Pictures (3, H, W) in [0, 1]; rows may differ in length. A column is as wide as its
            widest picture, and a row as high as its first picture at the width of its column: a
            photo and its paintings, upright or not, leave no gaps. Others are scaled to fit.
        headings: One line of text over each column.
        gap: Pixels between cells and around them.

    Raises:
        ValueError: There is no picture.
    """
    pictures = [[to_image(picture) for picture in row] for row in rows if len(row)]
    if not pictures:
        raise ValueError("a grid needs at least one picture")
    columns = [[row[c] for row in pictures if len(row) > c] for c in range(max(map(len, pictures)))]
    widths = [max(picture.width for picture in column) for column in columns]
    heights = [max(1, round(widths[0] * row[0].height / row[0].width)) for row in pictures]
    lefts = [gap + sum(width + gap for width in widths[:c]) for c in range(len(widths) + 1)]
    top = gap + (_HEADING if headings else 0)
    grid = Image.new("RGB", (lefts[-1], top + sum(height + gap for height in heights)), "white")
    for text, left, width in zip(headings, lefts, widths, strict=False):
        _write(grid, text, left, gap, width)
    for row, height in zip(pictures, heights, strict=True):
        for picture, left, width in zip(row, lefts, widths, strict=False):
            fitted = _fitted(picture, (width, height))
            across, down = (width - fitted.width) // 2, (height - fitted.height) // 2
            grid.paste(fitted, (left + across, top + down))
        top += height + gap
    return grid


class Cell(NamedTuple):
    """A picture, and a line of text that stands over it."""

    picture: Image.Image
    caption: str


def wrapped_sheet(
    blocks: Sequence[tuple[Cell | None, Sequence[Cell]]],
    together: int = 1,
    width: int = _SCREEN,
    gap: int = 4,
) -> Image.Image:
    """Lay pictures out in rows as wide as a screen.

    Args:
        blocks: a picture that begins each row, such as a photo, if there is one; and others of its
            size, such as its paintings, in as many rows as they need, of about one length.
        together: as many, in their order, are not parted by the end of a row, if a row holds them.
        width: pixels that a sheet has at most, if two pictures in a row are no wider.
        gap: pixels between pictures and around them.

    Raises:
        ValueError: there is no block, or a block has no other pictures.
    """
    if not blocks or not all(cells for _, cells in blocks):
        raise ValueError("a sheet needs at least one block, and each block pictures")
    rows = [
        row for before, cells in blocks for row in _wrapped(before, cells, together, width, gap)
    ]
    heights = [_HEADING + row[0].picture.height + gap for row in rows]
    breadths = [gap + sum(cell.picture.width + gap for cell in row) for row in rows]
    sheet = Image.new("RGB", (max(breadths), gap + sum(heights)), "white")
    top = gap
    for row, height in zip(rows, heights, strict=True):
        left = gap
        for picture, caption in row:
            _write(sheet, caption, left, top, picture.width)
            sheet.paste(picture, (left, top + _HEADING))
            left += picture.width + gap
        top += height
    return sheet


def _wrapped(
    before: Cell | None, cells: Sequence[Cell], together: int, width: int, gap: int
) -> list[list[Cell]]:
    first = [before] if before else []
    fitting = max(1, (width - gap) // (cells[0].picture.width + gap) - len(first))
    fitting = fitting // together * together or fitting
    rows = math.ceil(len(cells) / fitting)
    each = math.ceil(len(cells) / rows / together) * together if fitting >= together else fitting
    return [[*first, *cells[start : start + each]] for start in range(0, len(cells), each)]


def _fitted(picture: Image.Image, cell: tuple[int, int]) -> Image.Image:
    scale = min(cell[0] / picture.width, cell[1] / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def _write(grid: Image.Image, text: str, left: int, top: int, width: int) -> None:
    draw, font = ImageDraw.Draw(grid), ImageFont.load_default(14)
    line = " ".join(text.split())
    while line and draw.textlength(line, font) > width:
        line = line.removesuffix("…")[:-1].rstrip() + "…" if len(line) > 2 else ""
    draw.text((left, top), line, "black", font)
