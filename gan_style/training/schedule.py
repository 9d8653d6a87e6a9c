"""How long a run is, which share of it is done, and when a checkpoint is due."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from gan_style.config import TrainConfig

_PARTS, _STEPS = 10, 250  # a checkpoint at every such part of the run, and after so many steps

_SQUARES, _PICTURES = 2_400, 20  # that one style of so many pictures is usually shown
_BY_STYLES, _BY_PICTURES = 0.5, 0.25  # powers with which they grow
_MOST_SQUARES = 9_600

_WARM = 0.1  # share of a run after which the rates have risen, whatever `train.warmup` says

_MINUTES = TrainConfig().minutes or math.inf
"""Minutes for which the usual number of squares is meant."""


def usual_squares(counts: Collection[int]) -> int:
    """Squares that a model which is trained already is usually shown of a collection.

    2,400 for one style of up to 20 pictures. They grow by the root of the number of styles, and by
    the fourth root of the pictures of each, to at most 9,600.

    Args:
        counts: pictures of each style.

    Returns:
        A multiple of 100.
    """
    times = max(1.0, sum(counts) / len(counts) / _PICTURES)
    squares: float = _SQUARES * len(counts) ** _BY_STYLES * times**_BY_PICTURES
    return min(_MOST_SQUARES, 100 * round(squares / 100))


@dataclass(frozen=True)
class RunLimits:
    """Where a run ends: at the first limit that is reached; None where there is no such limit."""

    images: int | None = None
    steps: int | None = None
    minutes: float | None = None

    @classmethod
    def of(cls, train: TrainConfig, usual: int | None) -> "RunLimits":
        """The limits of a configuration, with a number in place of `train.images=auto`.

        That is the usual number for every five minutes that are allowed, so that more minutes are
        more training on a fast machine, too; there is no such limit beside `train.steps`.

        Args:
            train: of the run.
            usual: `usual_squares` of the collection; None if training begins from scratch.
        """
        if train.images != "auto":
            return cls(train.images, train.steps, train.minutes)
        times = max(1.0, (train.minutes or 0.0) / _MINUTES)
        images = None if usual is None or train.steps else round(usual * times)
        return cls(images, train.steps, train.minutes)

    def progress(self, images: int, steps: int, seconds: float) -> float:
        """Share of the run that is done: the largest over the limits that there are."""
        shares = ((images, self.images), (steps, self.steps), (seconds / 60, self.minutes))
        return max(done / limit for done, limit in shares if limit is not None)

    def squares(self, batch_size: int) -> float:
        """Squares after which it ends where the clock does not end it before; may be infinite."""
        by_steps = math.inf if self.steps is None else self.steps * batch_size
        return min(by_steps, math.inf if self.images is None else self.images)

    def __str__(self) -> str:
        limits = (
            (self.images, f"{self.images or 0:,} squares"),
            (self.steps, f"{self.steps or 0:,} steps"),
            (self.minutes, f"{self.minutes or 0:g} minutes"),
        )
        return " or ".join(text for limit, text in limits if limit is not None)


def rate_factor(train: TrainConfig, images: int, progress: float) -> float:
    """By what the learning rates are multiplied: it rises linearly, then falls as half a cosine.

    It rises by images and falls by progress, both without memory. Five minutes may be ten times
    the warm-up on one machine and less than twice on another, so that it ends after a tenth of the
    run at the latest.

    Args:
        train: of the run.
        images: seen before the step.
        progress: share of the run that is done, in [0, 1].
    """
    warmed = (images + train.batch_size) / max(train.warmup, 1)
    warm = min(1.0, max(warmed, progress / _WARM))
    return warm * (0.5 + 0.5 * math.cos(math.pi * min(max(progress, 0.0), 1.0)))


def checkpoint_due(every: int | None, step: int, before: float, now: float) -> bool:
    """Whether a checkpoint is to be saved after a step.

    Five minutes are a thousand steps on one machine and a hundred on another, and the best
    checkpoint of a run is chosen among several: so parts of the run count, too.

    Args:
        every: `run.checkpoint_every`.
        step: number of the step that was done, from 1.
        before: share of the run that was done after the previous step.
        now: share that is done after this one.
    """
    if every is not None:
        return step % every == 0
    return step % _STEPS == 0 or int(_PARTS * before) < int(_PARTS * now)
