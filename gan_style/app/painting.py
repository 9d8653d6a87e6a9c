"""Photos painted on the page: read, painted and written as `gan-style stylize` does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan_style.app.folder import WorkFolder
from gan_style.app.uploads import refuse_large_file
from gan_style.data.formats import written_format
from gan_style.data.images import reduce_short_side
from gan_style.errors import GanStyleError, PictureError
from gan_style.painting.canvas import Canvas, read_canvas
from gan_style.painting.config import PaintConfig
from gan_style.painting.pipeline import paint_all
from gan_style.painting.regions import Region
from gan_style.painting.strips import Pixels, to_8_bits
from gan_style.painting.writing import what_is_lost, write_canvas
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

ENDINGS = ("png", "jpg")
"""Kinds of files that can be chosen."""
_SHOWN = 900  # short side in pixels of what the browser shows; files have all pixels


class Painting(NamedTuple):
    """One that is done. file: with all pixels. before, after: smaller, for the browser."""

    file: Path
    before: Path
    after: Path


@dataclass(frozen=True)
class Order:
    """What is to be painted, and how.

    photos: uploaded. style: a code of the model. config: how. mask: (h, w) uint8 for the first
    photo, white where it is painted; None for all of it. ending: one of `ENDINGS`.
    """

    photos: Sequence[Path]
    style: StyleCode
    config: PaintConfig
    mask: Pixels | None = None
    ending: str = "png"


class _Item(NamedTuple):
    number: int
    photo: Path


class PhotoPainter:
    """Does an order, one photo after the other.

    Attributes:
        paintings: that are done.
        skipped: why photos were skipped, a line each.
        lost: what the files could not keep of the photos, a line each.
    """

    def __init__(self, folder: WorkFolder, stylizer: Stylizer, order: Order) -> None:
        self.folder = folder
        self.stylizer = stylizer
        self.order = order
        self.paintings: list[Painting] = []
        self.skipped: list[str] = []
        self.lost: list[str] = []
        self._before: dict[int, Image.Image] = {}

    def paint(self, progress: Callable[[int, int], object]) -> None:
        """Paint all that can be read.

        Args:
            progress: told how many are done, and of how many.

        Raises:
            PictureError: not one of them could be painted.
            StyleError: a code of another model.
        """
        self.stylizer.refuse_foreign(self.order.style)
        items = [_Item(number, photo) for number, photo in enumerate(self.order.photos)]
        progress(0, len(items))
        outcomes = paint_all(items, self._read, self._paint, self._write)
        for done, (item, error) in enumerate(outcomes, 1):
            progress(done, len(items))
            if error is not None:
                self.skipped.append(_about(item.photo, error))
        if not self.paintings:
            raise PictureError("; ".join(self.skipped))

    def _read(self, item: _Item) -> Canvas:
        refuse_large_file(item.photo)
        return read_canvas(item.photo)

    def _paint(self, item: _Item, pixels: Pixels) -> Pixels:
        self._before[item.number] = _small(pixels)
        mask = self.order.mask if item.number == 0 else None
        return self.stylizer.paint(pixels, [Region(self.order.style, mask)], self.order.config)

    def _write(self, item: _Item, canvas: Canvas) -> None:
        name = f"{item.photo.stem[:40]}-{self.order.style.name}"
        file = self.folder.new_place("paintings", name, f".{self.order.ending}")
        try:
            write_canvas(canvas, file)
        except GanStyleError:
            file.unlink(missing_ok=True)
            raise
        self.lost += [f"{file.name}: {each}" for each in what_is_lost(canvas, written_format(file))]
        before, after = self._before.pop(item.number), _small(canvas.pixels)
        shown = self._shown(before.resize(after.size), "photo"), self._shown(after, "painting")
        self.paintings.append(Painting(file, *shown))

    def _shown(self, picture: Image.Image, name: str) -> Path:
        path = self.folder.new_cached(f"{name}.webp")
        picture.save(path, quality=90)
        return path


def _small(pixels: Pixels) -> Image.Image:
    return reduce_short_side(Image.fromarray(to_8_bits(pixels)), _SHOWN)


def _about(photo: Path, error: GanStyleError) -> str:
    return str(error) if photo.name in str(error) else f"{photo.name}: {error}"
