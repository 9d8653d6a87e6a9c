"""Batches: which pictures a step is trained on, and which squares of them.

A batch is a pure function of the seed and the step, so a resumed run goes on as if never stopped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from gan_style.color import recolor
from gan_style.config import DataConfig
from gan_style.data.collection import Style
from gan_style.data.images import (
    center_crop,
    read_picture,
    resize_short_side,
    to_bytes,
)
from gan_style.data.sampling import DrawnSet, draw_set_size, draw_sets
from gan_style.errors import DataError, PictureError
from gan_style.sizes import LONGEST_RATIO

_TRIES, _PLAIN = 4, 8  # places that are tried for a square; levels of 255 that it has to differ by


@dataclass(frozen=True)
class Batch:
    """What one step trains on: B content squares, and S sets of K style squares, S * K = B.

    Set s is for the content pictures s * K to s * K + K - 1. RGB in [0, 1], float32.
    """

    content: Tensor  # (B, 3, C, C)
    style: Tensor  # (S, K, 3, C, C)
    style_index: Tensor  # (S,) int64, which style each set shows; on the CPU
    destylized: tuple[int, ...] = ()
    """Places in `content` of pictures of the style, which are painted from what is left of them
    without their strokes."""
    replaced: Tensor | None = None
    """The photos in whose place they stand, (n, 3, C, C); None: not known."""

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch with its pictures on another device; the rest is for the host alone."""
        content, style = (t.to(device, non_blocking=True) for t in (self.content, self.style))
        replaced = None if self.replaced is None else self.replaced.to(device, non_blocking=True)
        return replace(self, content=content, style=style, replaced=replaced)

    def split(self, parts: int) -> "list[Batch]":
        """Cut into `parts` batches of B / parts; sets that do not fit a part become smaller sets.

        Raises:
            ValueError: `parts` does not divide B.
        """
        size, rest = divmod(len(self.content), parts)
        if rest:
            raise ValueError(f"a batch of {len(self.content)} cannot be cut into {parts} parts")
        examples = gcd(self.style.shape[1], size)
        style = self.style.reshape(-1, examples, *self.style.shape[2:])
        index = self.style_index.repeat_interleave(self.style.shape[1] // examples)
        sets = size // examples
        before = [
            sum(place < part * size for place in self.destylized) for part in range(parts + 1)
        ]
        return [
            Batch(
                self.content[part * size : (part + 1) * size],
                style[part * sets : (part + 1) * sets],
                index[part * sets : (part + 1) * sets],
                tuple(place % size for place in self.destylized if place // size == part),
                None if self.replaced is None else self.replaced[before[part] : before[part + 1]],
            )
            for part in range(parts)
        ]


@dataclass(frozen=True)
class Squares:
    """A batch as it was cut from the pictures: bytes, a quarter of the size of floats.

    content: (B, 3, C, C) uint8. style: (S, K, 3, C, C) uint8. style_index: (S,) int64.
    destylized: as in `Batch`. replaced: (n, 3, C, C) uint8, n = 0 if none is destylized.
    recolored: of each set, whether it is to be brought into the palette of the one before it; empty
    if none is. problems: a message for each broken file met.
    """

    content: Tensor
    style: Tensor
    style_index: Tensor
    destylized: tuple[int, ...]
    replaced: Tensor
    recolored: tuple[bool, ...]
    problems: list[str]

    def pin_memory(self) -> "Squares":
        """Return them in memory from which a GPU copies while the host goes on."""
        parts = {
            name: getattr(self, name).pin_memory() for name in ("content", "style", "replaced")
        }
        return replace(self, **parts)

    def batch(self, device: torch.device | str = "cpu") -> Batch:
        """Return the batch on a device, where bytes become floats and colors are changed."""
        # a tensor: CUDA would multiply by the rounded reciprocal of a number
        white = torch.full((), 255.0, device=device)
        content, style, replaced = (
            part.to(device, non_blocking=True).float() / white
            for part in (self.content, self.style, self.replaced)
        )
        if self.recolored:
            each = zip(style, style.roll(1, 0), self.recolored, strict=True)
            style = torch.stack([recolor(s, other) if yes else s for s, other, yes in each])
        return Batch(content, style, self.style_index, self.destylized, replaced)


@dataclass(frozen=True)
class BatchDataset(Dataset[Squares]):
    """The squares of every step's batch; workers get a copy.

    styles, content: the pictures.
    memory: decoded pictures, (3, h, w) uint8, of all files or of none; then they are decoded when
        they are drawn.
    sets: how many a batch has, a divisor of its size; None: drawn anew for each batch.
    rank, ranks: which of so many equal shares of a batch is cut; see `Batch.split`.
    """

    config: DataConfig
    batch_size: int
    seed: int
    styles: list[Style]
    content: Style
    memory: dict[Path, Tensor]
    sets: int | None = None
    rank: int = 0
    ranks: int = 1

    def __getitem__(self, step: int) -> Squares:
        rng = np.random.default_rng((self.seed, 1, step))
        sets = self._draw_sets(step, rng)
        numbers = rng.random((2 * self.batch_size, 2 + 2 * _TRIES))
        recolored = self._draw_recolored(len(sets), rng)
        # a destylized picture is to be painted in its own colors
        sets = [
            replace(drawn, sources=()) if changed else drawn
            for drawn, changed in zip(sets, recolored or [False] * len(sets), strict=True)
        ]
        problems: list[str] = []
        style_places = [
            (self.styles[drawn.style], index, drawn.zoom)
            for drawn in sets
            for index in drawn.pictures
        ]
        content_places = [*self._content_places(step, sets)]
        # the palette of a set may be taken from one in another share
        own = slice(None) if recolored else self._share
        style, content = (
            self._squares(places[own], rows[own], problems)
            for places, rows in (
                (style_places, numbers[: self.batch_size]),
                (content_places, numbers[self.batch_size :]),
            )
        )
        examples = self.batch_size // len(sets)
        destylized = [i for i in range(self.batch_size) if sets[i // examples].sources]
        index = torch.tensor([drawn.style for drawn in sets]).repeat_interleave(examples)[own]
        examples = gcd(examples, len(index))
        first, count = own.start or 0, len(index)
        return Squares(
            content,
            style.reshape(-1, examples, *style.shape[1:]),
            index[::examples],
            tuple(i - first for i in destylized if first <= i < first + count),
            self._replaced(step, destylized, range(first, first + count), problems),
            recolored,
            problems,
        )

    @property
    def _share(self) -> slice:
        """The places of a batch that are this share."""
        size = self.batch_size // self.ranks
        return slice(self.rank * size, (self.rank + 1) * size)

    def _squares(
        self,
        places: Sequence[tuple[Style, int, float]],
        numbers: np.ndarray,
        problems: list[str],
    ) -> Tensor:
        """Squares of pictures, each of which is given by its style, index and zoom."""
        return torch.cat(
            [
                self._square(self.read(style, index, problems), row, zoom)
                for (style, index, zoom), row in zip(places, numbers, strict=True)
            ]
        )

    def _draw_sets(self, step: int, rng: np.random.Generator) -> list[DrawnSet]:
        if self.sets is None:
            examples = draw_set_size(self.config, self.batch_size, rng)
        else:
            examples = self.batch_size // self.sets
        works = [len(style.paths) for style in self.styles]
        further = np.random.default_rng((self.seed, 2, step))
        return draw_sets(self.config, works, self.batch_size // examples, examples, rng, further)

    def _draw_recolored(self, sets: int, rng: np.random.Generator) -> tuple[bool, ...]:
        """Draw the sets that are brought into the palette of another one of the batch."""
        if not self.config.recolor:
            return ()
        return tuple((rng.random(sets) < self.config.recolor).tolist())

    def _content_places(
        self, step: int, sets: Sequence[DrawnSet]
    ) -> Iterator[tuple[Style, int, float]]:
        """Yield what takes a content picture's place, its index in that and its zoom."""
        for number, drawn in enumerate(sets):
            for place, zoom in enumerate(drawn.photo_zooms):
                if drawn.sources:  # strokes of these have the size of the set's
                    yield self.styles[drawn.style], drawn.sources[place], drawn.zoom
                else:
                    position = number * len(drawn.photo_zooms) + place
                    yield self.content, self._content_index(step, position), zoom

    def _replaced(
        self, step: int, places: Sequence[int], own: range, problems: list[str]
    ) -> Tensor:
        """Squares of the photos in whose place destylized pictures stand: (n, 3, C, C).

        Of places that are not `own`, none.
        """
        numbers = np.random.default_rng((self.seed, 3, step)).random((len(places), 2 + 2 * _TRIES))
        squares = [
            self._square(
                self.read(self.content, self._content_index(step, place), problems), row, 1
            )
            for place, row in zip(places, numbers, strict=True)
            if place in own
        ]
        crop = self.config.crop
        return torch.cat([torch.empty(0, 3, crop, crop, dtype=torch.uint8), *squares])

    def read(self, style: Style, index: int, problems: list[str]) -> Tensor:
        """Return a picture, (3, h, w) uint8, or the next one in its style that can be read.

        Args:
            style: of the picture.
            index: of the picture in it.
            problems: takes a message for each file that cannot be read.

        Raises:
            DataError: no picture of the style can be read any more.
        """
        for path in style.paths[index:] + style.paths[:index]:
            if self.memory:
                return self.memory[path]
            try:
                return decode_image(path, self.config.size, self.config.largest_side)
            except PictureError as error:
                problems.append(str(error))
        raise DataError(f"no picture of {style.name} can be read any more: {problems[-1]}")

    def _content_index(self, step: int, place: int) -> int:
        number = len(self.content.paths)  # each is drawn once before any is drawn again
        again, index = divmod(step * self.batch_size + place, number)
        return int(_order(self.seed, again, number)[index])

    def _square(self, picture: Tensor, numbers: Sequence[float], zoom: float) -> Tensor:
        """Cut a random square, (1, 3, C, C), at a random scale; mirror half of them.

        It is as if the picture's short side were `zoom` times `config.size`.

        One of a single color is drawn again: normalization makes its gradients far larger than
        all others, and there is nothing to be learned from it.
        """
        crop, jitter = self.config.crop, self.config.scale_jitter
        scale = 1 + jitter * (2 * numbers[0] - 1)
        height, width = picture.shape[1:]
        kept = min(height, width) / self.config.size  # 1, or more if pictures are kept larger
        side = min(round(crop * kept / (scale * min(zoom, kept))), height, width)
        for down, right in zip(numbers[2::2], numbers[3::2], strict=True):
            top, left = int(down * (height - side + 1)), int(right * (width - side + 1))
            square = picture[None, :, top : top + side, left : left + side]
            if int(square.max()) - int(square.min()) > _PLAIN:
                break
        if side != crop:  # bilinear would take a tenth of the fine contrast, and so of the strokes
            square = F.interpolate(square, (crop, crop), mode="bicubic", antialias=True)
        return square.flip(-1) if numbers[1] < 0.5 else square


def decode_image(path: Path, size: int, largest: int | None = None) -> Tensor:
    """Read a file as (3, h, w) uint8 with a short side of `size` pixels.

    Of a picture over 4 times as long as wide the middle is taken.

    Args:
        path: of the file.
        size: in pixels.
        largest: pixels of the short side up to which a larger picture is kept as it is; None:
            `size`.

    Raises:
        PictureError: it cannot be read.
    """
    largest = largest or size
    image = read_picture(path, largest)
    cut = center_crop(image, LONGEST_RATIO)  # before it is enlarged
    return to_bytes(resize_short_side(cut, short_side(cut.size, size, largest)))


def short_side(size: tuple[int, int], smallest: int, largest: int) -> int:
    """Pixels of the short side to which a picture of this width and height is brought."""
    return min(max(smallest, min(size)), largest)


@lru_cache(maxsize=2)
def _order(seed: int, again: int, number: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, again)).permutation(number)
