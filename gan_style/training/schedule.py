"""Which share of a run is done, and when a checkpoint is due."""

from gan_style.config import TrainConfig

_PARTS, _STEPS = 10, 250  # a checkpoint at every such part of the run, and after so many steps


def progress(train: TrainConfig, images: int, steps: int, seconds: float) -> float:
    """Share of the run that is done: the largest over the limits that are given."""
    shares = ((images, train.images), (steps, train.steps), (seconds / 60, train.minutes))
    return max(done / limit for done, limit in shares if limit is not None)


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
