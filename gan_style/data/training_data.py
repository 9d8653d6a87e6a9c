"""Collections of content and style pictures, and the batches that training draws from them.

A batch is a pure function of the seed and the step, so a resumed run goes on as if never stopped.
"""

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from gan_style.config import DataConfig
from gan_style.data.collection import (
    Report,
    drop_unreadable,
    find_content,
    find_styles,
    paths_of,
    read_each,
    report_skipped,
)
from gan_style.data.collection import Style as Style
from gan_style.data.collection import load_content as load_content
from gan_style.data.collection import load_styles as load_styles
from gan_style.data.dataset import Batch, Pictures, decode_image
from gan_style.data.images import center_box, evenly, from_bytes, picture_size
from gan_style.sizes import LONGEST_RATIO

WATCHED = 16
"""Squares of style pictures that a model in training is judged by, and as many photos."""
_LONGEST_SAMPLE = 1.5


class TrainingData:
    """The pictures of a run.

    They are decode_image once into memory if they fit `config.memory_gb`, else whenever they are drawn;
    then a broken file is reported when it is met, and the next one of its style takes its place.

    Args:
        config: Where the pictures are and how squares are cut from them.
        batch_size: B, content squares a batch.
        seed: Everything random follows from it.
        report: Takes one line for each file left out, and one with their count.

    Attributes:
        styles: All styles with all their pictures; without `picture_is_style` in the order of
            `Batch.style_index`.
        held_out_count: Style pictures that only `validation` shows.

    Raises:
        DataError: A folder is missing, or holds no usable picture.
    """

    def __init__(self, config: DataConfig, batch_size: int, seed: int, report: Report) -> None:
        styles, content = find_styles(config), find_content(config)
        paths = paths_of([*styles, content])
        sizes, bad = read_each(picture_size, paths)
        memory: dict[Path, Tensor] = {}
        if _bytes_needed(sizes.values(), config.size) <= config.memory_gb * 1e9:
            memory, broken = read_each(partial(decode_image, size=config.size), sizes)
            bad |= broken
        report_skipped(bad, len(paths), report)
        kept = drop_unreadable(bad, styles, config.styles, report)
        (content,) = drop_unreadable(bad, [content], config.content, report)
        self.config, self._report = config, report
        self.styles = kept
        shown, held_out = _hold_out(kept, config.held_out, whole=config.picture_is_style)
        self._pictures = Pictures(config, batch_size, seed, shown, content, memory)
        self._watched = replace(
            self._pictures,
            config=replace(config, recolor=0.0),
            batch_size=WATCHED,
            seed=seed + 1,
            sets=WATCHED if config.picture_is_style else _sets(len(kept)),
        )
        self._held_out = replace(self._watched, styles=held_out or shown)
        self.held_out_count = len(paths_of(held_out))
        self._reported: set[str] = set()

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures each style has."""
        return {style.name: len(style.paths) for style in self.styles}

    @property
    def content_count(self) -> int:
        """How many content pictures there are."""
        return len(self._pictures.content.paths)

    @property
    def content_paths(self) -> Sequence[Path]:
        """The content pictures' files."""
        return self._pictures.content.paths

    @property
    def in_memory(self) -> bool:
        """Whether the pictures are decode_image in memory."""
        return bool(self._pictures.memory)

    def batch(self, step: int) -> Batch:
        """Draw the batch of a step, counted from 0."""
        return self._told(*self._pictures[step])

    def validation(self) -> Batch:
        """Squares of style pictures that training never sees, always the same, and photos.

        They are of `config.held_out` of every style, or of all styles where a picture is a style;
        where that is not a single one, of those that training sees. WATCHED squares, in one set
        for each of up to 8 styles: a few pictures by themselves say little of a style.
        """
        return self._told(*self._held_out[0])

    def training(self) -> Batch:
        """The same of pictures that training sees."""
        return self._told(*self._watched[0])

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
        content, styles = self._pictures.content, self.styles
        examples = self.config.max_examples
        return self._samples(content, number), [
            (style.name, self._samples(style, examples)) for style in evenly(styles, number)
        ]

    def _samples(self, style: Style, number: int) -> list[Tensor]:
        complaints: list[str] = []
        chosen = evenly(range(len(style.paths)), number)
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


def _hold_out(styles: list[Style], share: float, *, whole: bool) -> tuple[list[Style], list[Style]]:
    """Part the styles' pictures (or, if `whole`, the styles) into those shown and those held out.

    The share is rounded down, so that small collections keep all; those held out lie evenly.
    """
    if whole:
        chosen = evenly(styles, int(share * len(styles)))
        return [style for style in styles if style not in chosen], chosen
    shown, held_out = [], []
    for style in styles:
        chosen_paths = evenly(style.paths, int(share * len(style.paths)))
        rest = tuple(path for path in style.paths if path not in chosen_paths)
        shown.append(Style(style.name, rest))
        if chosen_paths:
            held_out.append(Style(style.name, tuple(chosen_paths)))
    return shown, held_out


def _sets(styles: int) -> int:
    """One set for each style, as far as WATCHED can be divided so; some have two, or none."""
    return min(8, 1 << (styles - 1).bit_length())


def _bytes_needed(sizes: Iterable[tuple[int, int]], short: int) -> int:
    return sum(3 * short * round(short * min(LONGEST_RATIO, max(s) / min(s))) for s in sizes)


def _sample(picture: Tensor) -> Tensor:
    left, top, right, bottom = center_box(picture.shape[2], picture.shape[1], _LONGEST_SAMPLE)
    return from_bytes(picture[:, top:bottom, left:right]).contiguous()


def _leave_signals_to_parent(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the trainer saves, then ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the trainer's handler, if we inherited it
