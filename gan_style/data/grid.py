"""Grids of pictures with headings, such as sample grids and contact sheets."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gan_style.data.images import to_image

_HEADING = 20  # height in pixels


def picture_grid(
    rows: Sequence[Sequence[Tensor]], headings: Sequence[str] = (), gap: int = 4
) -> Image.Image:
    """Lay pictures out in rows and columns on white.

    Args:
        rows: Pictures (3, H, W) in [0, 1]; rows may differ in length. The cells of a column are
            as wide and high as its widest and highest picture; smaller ones are scaled to fit.
        headings: One line of text over each column.
        gap: Pixels between cells and around them.

    Raises:
        ValueError: There is no picture.
    """
    pictures = [[to_image(picture) for picture in row] for row in rows]
    depth = max(map(len, pictures), default=0)
    if not depth:
        raise ValueError("a grid needs at least one picture")
    columns = [[row[c] for row in pictures if len(row) > c] for c in range(depth)]
    cells = [
        (max(picture.width for picture in column), max(picture.height for picture in column))
        for column in columns
    ]
    tall = max(height for _, height in cells)
    lefts = [gap + sum(width + gap for width, _ in cells[:c]) for c in range(depth + 1)]
    top = gap + (_HEADING if headings else 0)
    grid = Image.new("RGB", (lefts[-1], top + len(pictures) * (tall + gap)), "white")
    for text, left, (width, _) in zip(headings, lefts, cells, strict=False):
        _write(grid, text, left, gap, width)
    for r, row in enumerate(pictures):
        for picture, left, cell in zip(row, lefts, cells, strict=False):
            fitted = _fitted(picture, cell)
            across, down = (cell[0] - fitted.width) // 2, (tall - fitted.height) // 2
            grid.paste(fitted, (left + across, top + r * (tall + gap) + down))
    return grid


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
