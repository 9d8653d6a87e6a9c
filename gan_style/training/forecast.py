"""Before training: how fast it will be on this machine, and how similar paintings can get."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median

import torch

from gan_style.config import Config
from gan_style.data.dataset import Batch
from gan_style.device import choose_device, choose_precision, keep_freed_memory, matrix_products
from gan_style.memory import memory_in_use
from gan_style.training.pace import Pace
from gan_style.training.schedule import RunLimits, usual_squares
from gan_style.training.trainer import Trainer

_WARM, _MEASURED = 2, 5  # steps
_DECEPTION_RATES = {5: (0.70, 0.94), 10: (0.63, 0.93), 20: (0.66, 0.90), 60: (0.75, 0.94)}
"""Pictures learned from: deception rates (docs/metrics.md) after five minutes of training, on the
collections `koson` and `martin` (docs/experiments/2026-11-26-collection-size-final.md)."""


@dataclass(frozen=True)
class Forecast:
    """How fast training is, with what its limits leave of it, and the memory it takes, in GB."""

    pace: Pace
    memory_gb: float

    def lines(self) -> list[str]:
        """The forecast as text."""
        pace, speed = self.pace, self.pace.speed or 0.0
        line = f"  forecast: {speed:.3g} squares/s on this machine"
        if pace.usual is not None:
            line += f", so the {pace.usual:,} that are usual take {pace.time_left}"
        lines = [f"{line}; {self.memory_gb:.2g} GB of memory"]
        warning = pace.warning()
        return lines if warning is None else [*lines, f"  warning: {warning}"]


def forecast(config: Config, counts: Collection[int]) -> Forecast:
    """Train on noise for a few steps, and throw away what was learned.

    Args:
        config: of the training; where its pictures are does not matter.
        counts: pictures of each style.

    Raises:
        GanStyleError: a device or weights that are not available.
    """
    keep_freed_memory()
    device = choose_device(config.train.device)
    rng = torch.Generator().manual_seed(0)
    count, side = config.train.batch_size, config.data.crop
    content, style = torch.rand(2, count, 3, side, side, generator=rng)
    batch = Batch(content, style[:, None], torch.arange(count))
    seconds = []
    with matrix_products(choose_precision(config.train.precision, device)):
        trainer = Trainer(config, device)
        for _ in range(_WARM + _MEASURED):
            began = time.monotonic()
            trainer.step(batch, 0.0)["model/gradient"].item()  # waits for the device
            seconds.append(time.monotonic() - began)
    usual = None if config.train.init is None else usual_squares(counts)
    limits, speed = RunLimits.of(config.train, usual), count / median(seconds[_WARM:])
    return Forecast(Pace(limits, count, speed, usual), memory_in_use(device))


def expected(pictures: int) -> str:
    """A line with the quality that training reached on two collections of at most that size."""
    measured = [count for count in _DECEPTION_RATES if count <= pictures]
    if not measured:
        fewest = min(_DECEPTION_RATES)
        return f"  expected: nothing was measured with fewer than {fewest} pictures"
    koson, martin = _DECEPTION_RATES[max(measured)]
    return (
        f"  expected: with {max(measured)} pictures each, five minutes of training brought two "
        f"collections to deception rates of {koson:.2f} and {martin:.2f} (at most 1); seven of 18 "
        "to 60 pictures came to 0.28 to 0.94"
    )
