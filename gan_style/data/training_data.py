"""Collections of content and style pictures, and the batches that training draws from them.

A batch is a pure function of the seed and the step, so a resumed run goes on as if never stopped.
"""

import logging
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from gan_style.config import DataConfig
from gan_style.data.collection import (
    Style,
    drop_unreadable,
    find_content,
    find_styles,
    log_skipped,
    paths_of,
    read_each,
)
from gan_style.data.dataset import Batch, BatchDataset, Squares, decode_image, short_side
from gan_style.data.images import (
    Picture,
    center_box,
    evenly,
    from_bytes,
    picture_size,
    to_image,
)
from gan_style.data.inspection import too_few
from gan_style.distributed import Ranks
from gan_style.sizes import LONGEST_RATIO

logger = logging.getLogger(__name__)

EVALUATED = 16
"""Squares of style pictures on which a model in training is evaluated, and as many photos."""
_LONGEST_SAMPLE = 1.5
_TIME_TO_SAVE = 30  # seconds that a worker lives on after SIGTERM, unless the trainer ends it

Drawn = TypeVar("Drawn")


class TrainingData:
    """The pictures of a run.

    They are decoded once into memory if they fit `config.memory_gb`, else whenever they are drawn;
    then a broken file is logged when it is met, and the next one of its style takes its place.
    Files left out from the start are logged, and how many they are.

    Args:
        config: Where the pictures are and how squares are cut from them.
        batch_size: B, content squares a batch.
        seed: Everything random follows from it.
        ranks: The processes that train together; each draws its share of a batch.

    Attributes:
        styles: All styles with all their pictures; without `picture_is_style` in the order of
            `Batch.style_index`.
        held_out_count: Style pictures that only `validation` shows.

    Raises:
        DataError: A folder is missing, or holds no usable picture.
    """

    def __init__(
        self,
        config: DataConfig,
        batch_size: int,
        seed: int,
        ranks: Ranks = Ranks(),  # noqa: B008
    ) -> None:
        styles, content = find_styles(config), find_content(config)
        paths = paths_of([*styles, content])
        sizes, bad = read_each(picture_size, paths)
        memory: dict[Path, Tensor] = {}
        if _bytes_needed(sizes.values(), config) <= config.memory_gb * 1e9:
            decode = partial(decode_image, size=config.size, largest=config.largest_side)
            memory, broken = read_each(decode, sizes)
            bad |= broken
        log_skipped(bad, len(paths))
        self.config = config
        self.styles = drop_unreadable(bad, styles, str(config.styles))
        (content,) = drop_unreadable(bad, [content], config.content)
        shown, held_out = _hold_out(self.styles, config.held_out, whole=config.picture_is_style)
        self._ranks = ranks
        self._batches = BatchDataset(
            config, batch_size, seed, shown, content, memory, rank=ranks.rank, ranks=ranks.count
        )
        self._training = replace(
            self._batches,
            config=config.plain(),
            batch_size=EVALUATED,
            seed=seed + 1,
            sets=EVALUATED if config.picture_is_style else _sets(len(self.styles)),
            rank=0,
            ranks=1,
        )
        self._validation = replace(self._training, styles=held_out or shown)
        self.held_out_count = len(paths_of(held_out))
        self._reported: set[str] = set()

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures each style has."""
        return {style.name: len(style.paths) for style in self.styles}

    @property
    def content_count(self) -> int:
        """How many content pictures there are."""
        return len(self._batches.content.paths)

    @property
    def content_paths(self) -> Sequence[Path]:
        """The content pictures' files."""
        return self._batches.content.paths

    @property
    def in_memory(self) -> bool:
        """Whether the pictures are in memory, decoded."""
        return bool(self._batches.memory)

    def warn_of_few_pictures(self) -> None:
        """Log a warning for each style with too few pictures, unless each picture is one."""
        if not self.config.picture_is_style:
            for warning in too_few(self.counts):
                logger.warning(warning)

    def batch(self, step: int) -> Batch:
        """Draw the share of this process in the batch of a step, counted from 0."""
        return self._own(self._finished(self._batches[step]))

    def validation(self) -> Batch:
        """Squares of style pictures that are not trained on, always the same, and photos.

        They are from the share `config.held_out` of every style's pictures, or of the styles where
        a picture is a style; where that is not a single one, from those that are trained on.
        EVALUATED squares, in one set for each of up to 8 styles: the statistics of few squares say
        little about a style.
        """
        return self._finished(self._validation[0])

    def training(self) -> Batch:
        """As `validation`, of pictures that are trained on."""
        return self._finished(self._training[0])

    def batches(self, start_step: int = 0, device: torch.device | str = "cpu") -> Iterator[Batch]:
        """Yield `batch(start_step)`, `batch(start_step + 1)`, … without end, on a device.

        Drawn ahead by `config.workers` processes if the pictures are not in memory; for a GPU, in
        any case, so that it does not wait for squares to be cut: by as many threads.
        """
        for squares in self._drawn(count(start_step), torch.device(device).type == "cuda"):
            yield self._own(self._finished(squares, device))

    def _drawn(self, steps: Iterator[int], for_gpu: bool) -> Iterator[Squares]:
        workers = self.config.workers
        if not workers or (self.in_memory and not for_gpu):
            yield from map(self._batches.__getitem__, steps)
        elif self.in_memory:  # which processes would have to be given a copy of
            yield from draw_ahead(lambda step: self._batches[step].pin_memory(), steps, workers)
        else:
            yield from DataLoader(
                self._batches,
                batch_size=None,
                sampler=steps,
                num_workers=workers,
                pin_memory=for_gpu,
                worker_init_fn=_leave_signals_to_parent,
                generator=torch.Generator(),  # keeps the run's own random state untouched
            )

    def pictures(self, style: Style) -> list[Picture]:
        """The files of a style's pictures; in place of those that are gone, what is in memory."""
        memory = self._batches.memory
        return [
            to_image(from_bytes(memory[path])) if path in memory and not path.is_file() else path
            for path in style.paths
        ]

    def samples(self, number: int) -> tuple[list[Tensor], list[tuple[str, list[Tensor]]]]:
        """Choose pictures for sample grids, always the same, evenly over the collections.

        Returns:
            Up to `number` content pictures, and up to `number` styles, each with its name and up
            to `config.max_examples` pictures. A picture is (3, h, w) in [0, 1], whole but for a
            longer side of over 1.5 times the shorter one, which has `config.size` pixels.
        """
        content, styles = self._batches.content, self.styles
        examples = self.config.max_examples
        return self._samples(content, number), [
            (style.name, self._samples(style, examples)) for style in evenly(styles, number)
        ]

    def _samples(self, style: Style, number: int) -> list[Tensor]:
        problems: list[str] = []
        chosen = evenly(range(len(style.paths)), number)
        pictures = [self._batches.read(style, index, problems) for index in chosen]
        self._log(problems)
        return [_sample(picture, self.config.size) for picture in pictures]

    def _finished(self, squares: Squares, device: torch.device | str = "cpu") -> Batch:
        self._log(squares.problems)
        return squares.batch(device)

    def _own(self, batch: Batch) -> Batch:
        """This process's share of a batch, which is the batch itself unless all of it was cut."""
        if len(batch.content) * self._ranks.count == self._batches.batch_size:
            return batch
        return batch.split(self._ranks.count)[self._ranks.rank]

    def _log(self, problems: list[str]) -> None:
        """Log each file that could not be read, once."""
        for problem in problems:
            if problem not in self._reported:
                self._reported.add(problem)
                logger.warning("skipped %s (%d while training)", problem, len(self._reported))


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
    """One set for each style, as far as EVALUATED can be divided so; some have two, or none."""
    return min(8, 1 << (styles - 1).bit_length())


def _bytes_needed(sizes: Iterable[tuple[int, int]], config: DataConfig) -> int:
    total = 0
    for size in sizes:
        short = short_side(size, config.size, config.largest_side)
        total += 3 * short * round(short * min(LONGEST_RATIO, max(size) / min(size)))
    return total


def _sample(picture: Tensor, size: int) -> Tensor:
    left, top, right, bottom = center_box(picture.shape[2], picture.shape[1], _LONGEST_SAMPLE)
    cut = picture[:, top:bottom, left:right]
    short = min(cut.shape[1:])
    if short > size:  # kept larger for `config.zoomed`
        height, width = (round(side * size / short) for side in cut.shape[1:])
        cut = F.interpolate(cut[None], (height, width), mode="bicubic", antialias=True)[0]
    return from_bytes(cut).contiguous()


def draw_ahead(draw: Callable[[int], Drawn], steps: Iterator[int], threads: int) -> Iterator[Drawn]:
    """Yield `draw(step)` in the order of the steps, up to two for each thread drawn in advance.

    Args:
        draw: called in several threads at once.
        steps: without end.
        threads: at least 1.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque(pool.submit(draw, step) for step in islice(steps, 2 * threads))
        try:
            while True:
                drawn = waiting.popleft().result()
                waiting.append(pool.submit(draw, next(steps)))
                yield drawn
        finally:
            for future in waiting:
                future.cancel()


def _leave_signals_to_parent(worker: int) -> None:
    """What stops a run comes to its workers, too, which the trainer ends when it has saved."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def go_later(number: int, frame: object) -> None:
        signal.alarm(_TIME_TO_SAVE)  # which ends the process

    if hasattr(signal, "alarm"):  # not on Windows
        signal.signal(signal.SIGTERM, go_later)
