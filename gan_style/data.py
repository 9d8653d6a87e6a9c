"""Collections of content and style pictures, and the batches that training draws from them.

A batch is a pure function of the seed and the step, so a resumed run goes on as if never stopped.
"""

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from math import gcd
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from gan_style.collection import DataError as DataError  # these four: this module's interface
from gan_style.collection import (
    Report,
    find_content,
    find_styles,
    paths_of,
    read_each,
    report_skipped,
    without,
)
from gan_style.collection import Style as Style
from gan_style.collection import load_content as load_content
from gan_style.collection import load_styles as load_styles
from gan_style.config import DataConfig
from gan_style.images import (
    PictureError,
    from_bytes,
    picture_size,
    read_picture,
    resize_short_side,
    to_bytes,
)

Item = TypeVar("Item")

_LONGEST = 4.0  # a picture's longer side is cut to this many times its shorter one
_LONGEST_SAMPLE = 1.5


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


class TrainingData:
    """The pictures of a run.

    They are decoded once into memory if they fit `config.memory_gb`, else whenever they are drawn;
    then a broken file is reported when it is met, and the next one of its style takes its place.

    Args:
        config: Where the pictures are and how squares are cut from them.
        batch_size: B, content squares a batch.
        seed: Everything random follows from it.
        report: Takes one line for each file left out, and one with their count.

    Raises:
        DataError: A folder is missing, or holds no usable picture.
    """

    def __init__(self, config: DataConfig, batch_size: int, seed: int, report: Report) -> None:
        styles, content = find_styles(config), find_content(config)
        paths = paths_of([*styles, content])
        sizes, bad = read_each(picture_size, paths)
        memory: dict[Path, Tensor] = {}
        if _bytes_needed(sizes.values(), config.size) <= config.memory_gb * 1e9:
            memory, broken = read_each(partial(_decoded, size=config.size), sizes)
            bad |= broken
        report_skipped(bad, len(paths), report)
        kept = without(bad, styles, config.styles, report)
        (content,) = without(bad, [content], config.content, report)
        self.config, self._report = config, report
        self._pictures = _Pictures(config, batch_size, seed, kept, content, memory)
        self._reported: set[str] = set()

    @property
    def styles(self) -> list[Style]:
        """The styles, in the order of `Batch.style_index`."""
        return self._pictures.styles

    @property
    def content_count(self) -> int:
        """How many content pictures there are."""
        return len(self._pictures.content.paths)

    @property
    def in_memory(self) -> bool:
        """Whether the pictures are decoded in memory."""
        return bool(self._pictures.memory)

    def batch(self, step: int) -> Batch:
        """Draw the batch of a step, counted from 0."""
        return self._told(*self._pictures[step])

    def batches(self, start_step: int = 0) -> Iterator[Batch]:
        """Yield `batch(start_step)`, `batch(start_step + 1)`, … without end.

        Drawn ahead by `config.workers` processes if the pictures are not in memory.
        """
        if self.in_memory or not self.config.workers:
            yield from map(self.batch, count(start_step))
        loader = DataLoader(
            self._pictures,
            batch_size=None,
            sampler=count(start_step),
            num_workers=self.config.workers,
            worker_init_fn=_leave_signals_to_parent,
            generator=torch.Generator(),  # keeps the run's own random state untouched
        )
        for batch, complaints in loader:
            yield self._told(batch, complaints)

    def samples(self, number: int) -> tuple[list[Tensor], list[tuple[str, list[Tensor]]]]:
        """Choose pictures for sample grids, always the same, evenly over the collections.

        Returns:
            Up to `number` content pictures, and up to `number` styles, each with its name and up
            to `config.max_examples` pictures. A picture is (3, h, w) in [0, 1], whole but for a
            longer side of over 1.5 times the shorter one, which has `config.size` pixels.
        """
        content, styles = self._pictures.content, self._pictures.styles
        examples = self.config.max_examples
        return self._samples(content, number), [
            (style.name, self._samples(style, examples)) for style in _evenly(styles, number)
        ]

    def _samples(self, style: Style, number: int) -> list[Tensor]:
        complaints: list[str] = []
        chosen = _evenly(range(len(style.paths)), number)
        pictures = [self._pictures.read(style, index, complaints) for index in chosen]
        self._complain(complaints)
        return [_sample(picture) for picture in pictures]

    def _told(self, batch: Batch, complaints: list[str]) -> Batch:
        self._complain(complaints)
        return batch

    def _complain(self, complaints: list[str]) -> None:
        for complaint in complaints:
            if complaint not in self._reported:
                self._reported.add(complaint)
                self._report(f"skipped {complaint} ({len(self._reported)} while training)")


@dataclass(frozen=True)
class _Pictures(Dataset[tuple[Batch, list[str]]]):
    """Draws batches, with a complaint for each broken file met; goes to the workers as it is."""

    config: DataConfig
    batch_size: int
    seed: int
    styles: list[Style]
    content: Style
    memory: dict[Path, Tensor]  # (3, h, w) uint8; empty: decode when drawn

    def __getitem__(self, step: int) -> tuple[Batch, list[str]]:
        random = np.random.default_rng((self.seed, 1, step))
        most = 1 if self.config.picture_is_style else self.config.max_examples
        sizes = [k for k in range(1, most + 1) if self.batch_size % k == 0]
        examples = sizes[random.integers(len(sizes))]
        chosen = _different(random, len(self.styles), self.batch_size // examples)
        places = [
            (self.styles[style], index)
            for style in chosen
            for index in _different(random, len(self.styles[style].paths), examples)
        ]
        places += [(self.content, self._content_index(step, i)) for i in range(self.batch_size)]
        complaints: list[str] = []
        pictures = (self.read(style, index, complaints) for style, index in places)
        numbers = random.random((len(places), 4))
        squares = from_bytes(torch.cat(list(map(self._square, pictures, numbers))))
        style, content = squares[: self.batch_size], squares[self.batch_size :]
        index = torch.tensor(chosen, dtype=torch.int64)
        return Batch(content, style.reshape(-1, examples, *style.shape[1:]), index), complaints

    def read(self, style: Style, index: int, complaints: list[str]) -> Tensor:
        """Return a picture, (3, h, w) uint8, or the next one in its style that can be read."""
        for path in style.paths[index:] + style.paths[:index]:
            if self.memory:
                return self.memory[path]
            try:
                return _decoded(path, self.config.size)
            except PictureError as error:
                complaints.append(str(error))
        raise DataError(f"no picture of {style.name} can be read any more: {complaints[-1]}")

    def _content_index(self, step: int, place: int) -> int:
        number = len(self.content.paths)  # each is drawn once before any is drawn again
        again, index = divmod(step * self.batch_size + place, number)
        return int(_order(self.seed, again, number)[index])

    def _square(self, picture: Tensor, numbers: Sequence[float]) -> Tensor:
        """Cut a random square, (1, 3, C, C), at a random scale; mirror half of them."""
        crop, jitter = self.config.crop, self.config.scale_jitter
        scale = 1 + jitter * (2 * numbers[0] - 1)
        height, width = picture.shape[1:]
        side = min(round(crop / scale), height, width)
        top = int(numbers[1] * (height - side + 1))
        left = int(numbers[2] * (width - side + 1))
        square = picture[None, :, top : top + side, left : left + side]
        if side != crop:
            square = F.interpolate(square, (crop, crop), mode="bilinear", antialias=True)
        return square.flip(-1) if numbers[3] < 0.5 else square


def _bytes_needed(sizes: Iterable[tuple[int, int]], short: int) -> int:
    return sum(3 * short * round(short * min(_LONGEST, max(s) / min(s))) for s in sizes)


def _decoded(path: Path, size: int) -> Tensor:
    image = read_picture(path, size)
    image = image.crop(_centre(*image.size, _LONGEST))  # before it is enlarged
    return to_bytes(resize_short_side(image, size))


def _sample(picture: Tensor) -> Tensor:
    left, top, right, bottom = _centre(picture.shape[2], picture.shape[1], _LONGEST_SAMPLE)
    return from_bytes(picture[:, top:bottom, left:right]).contiguous()


def _centre(width: int, height: int, longest: float) -> tuple[int, int, int, int]:
    limit = int(min(width, height) * longest)
    left, top = max(0, width - limit) // 2, max(0, height - limit) // 2
    return left, top, left + min(width, limit), top + min(height, limit)


def _different(random: np.random.Generator, number: int, wanted: int) -> list[int]:
    """Draw `wanted` of `number` indices; none comes again before all have come."""
    chosen: list[int] = []
    while len(chosen) < wanted:
        few = min(number, wanted - len(chosen))
        chosen += random.choice(number, few, replace=False).tolist()
    return chosen


@lru_cache(maxsize=2)
def _order(seed: int, again: int, number: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, again)).permutation(number)


def _evenly(items: Sequence[Item], number: int) -> list[Item]:
    number = min(number, len(items))
    return [items[i * len(items) // number] for i in range(number)]


def _leave_signals_to_parent(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the trainer saves, then ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the trainer's handler, if we inherited it
