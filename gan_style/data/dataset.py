"""Batches: which pictures a step is trained on, and which squares of them.

A batch is a pure function of the seed and the step, so a resumed run goes on as if never stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    from_bytes,
    read_picture,
    resize_short_side,
    to_bytes,
)
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
    style_index: Tensor  # (S,) int64, which style each set shows

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on another device."""
        tensors = (self.content, self.style, self.style_index)
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in tensors))

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
        return [
            Batch(
                self.content[part * size : (part + 1) * size],
                style[part * sets : (part + 1) * sets],
                index[part * sets : (part + 1) * sets],
            )
            for part in range(parts)
        ]


@dataclass(frozen=True)
class BatchDataset(Dataset[tuple[Batch, list[str]]]):
    """The batch of every step, with a message for each broken file met; workers get a copy.

    styles, content: the pictures.
    memory: decoded pictures, (3, h, w) uint8, of all files or of none; then they are decoded when
        they are drawn.
    sets: how many a batch has, a divisor of its size; None: drawn anew for each batch.
    """

    config: DataConfig
    batch_size: int
    seed: int
    styles: list[Style]
    content: Style
    memory: dict[Path, Tensor]
    sets: int | None = None

    def __getitem__(self, step: int) -> tuple[Batch, list[str]]:
        rng = np.random.default_rng((self.seed, 1, step))
        examples = self._set_size(rng) if self.sets is None else self.batch_size // self.sets
        chosen = _different(rng, len(self.styles), self.batch_size // examples)
        places = [
            (self.styles[style], index)
            for style in chosen
            for index in _different(rng, len(self.styles[style].paths), examples)
        ]
        places += [(self.content, self._content_index(step, i)) for i in range(self.batch_size)]
        problems: list[str] = []
        pictures = (self.read(style, index, problems) for style, index in places)
        numbers = rng.random((len(places), 2 + 2 * _TRIES))
        squares = from_bytes(torch.cat(list(map(self._square, pictures, numbers))))
        style, content = squares[: self.batch_size], squares[self.batch_size :]
        sets = style.reshape(-1, examples, *style.shape[1:])
        if self.config.recolor:
            sets = self._recolored(sets, rng)
        return Batch(content, sets, torch.tensor(chosen, dtype=torch.int64)), problems

    def _set_size(self, rng: np.random.Generator) -> int:
        """Draw the size of the sets, a divisor of the batch's."""
        most = 1 if self.config.picture_is_style else self.config.max_examples
        sizes = [k for k in range(1, most + 1) if self.batch_size % k == 0]
        return sizes[rng.integers(len(sizes))]

    def _recolored(self, sets: Tensor, rng: np.random.Generator) -> Tensor:
        """Bring some of the sets into the palette of another one of the batch."""
        others = sets.roll(1, 0)
        which = rng.random(len(sets)) < self.config.recolor
        each = zip(sets, others, which, strict=True)
        return torch.stack([recolor(s, other) if yes else s for s, other, yes in each])

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
                return decode_image(path, self.config.size)
            except PictureError as error:
                problems.append(str(error))
        raise DataError(f"no picture of {style.name} can be read any more: {problems[-1]}")

    def _content_index(self, step: int, place: int) -> int:
        number = len(self.content.paths)  # each is drawn once before any is drawn again
        again, index = divmod(step * self.batch_size + place, number)
        return int(_order(self.seed, again, number)[index])

    def _square(self, picture: Tensor, numbers: Sequence[float]) -> Tensor:
        """Cut a random square, (1, 3, C, C), at a random scale; mirror half of them.

        One of a single color is drawn again: normalization makes its gradients far larger than
        all others, and there is nothing to be learned from it.
        """
        crop, jitter = self.config.crop, self.config.scale_jitter
        scale = 1 + jitter * (2 * numbers[0] - 1)
        height, width = picture.shape[1:]
        side = min(round(crop / scale), height, width)
        for down, right in zip(numbers[2::2], numbers[3::2], strict=True):
            top, left = int(down * (height - side + 1)), int(right * (width - side + 1))
            square = picture[None, :, top : top + side, left : left + side]
            if int(square.max()) - int(square.min()) > _PLAIN:
                break
        if side != crop:  # bilinear would take a tenth of the fine contrast, and so of the strokes
            square = F.interpolate(square, (crop, crop), mode="bicubic", antialias=True)
        return square.flip(-1) if numbers[1] < 0.5 else square


def decode_image(path: Path, size: int) -> Tensor:
    """Read a file as (3, h, w) uint8 with a short side of `size` pixels.

    Of a picture over 4 times as long as wide the middle is taken.

    Raises:
        PictureError: it cannot be read.
    """
    image = read_picture(path, size)
    cut = center_crop(image, LONGEST_RATIO)  # before it is enlarged
    return to_bytes(resize_short_side(cut, size))


def _different(rng: np.random.Generator, number: int, wanted: int) -> list[int]:
    """Draw `wanted` of `number` indices; none comes again before all have come."""
    chosen: list[int] = []
    while len(chosen) < wanted:
        few = min(number, wanted - len(chosen))
        chosen += rng.choice(number, few, replace=False).tolist()
    return chosen


@lru_cache(maxsize=2)
def _order(seed: int, again: int, number: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, again)).permutation(number)
