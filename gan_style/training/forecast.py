"""What a training will take on this machine, measured by a few of its steps, and what to expect."""

import time
from dataclasses import dataclass
from statistics import median

import torch

from gan_style.config import Config
from gan_style.data.dataset import Batch
from gan_style.device import choose_device, choose_precision, keep_freed_memory, matrix_products
from gan_style.memory import memory_in_use
from gan_style.training.trainer import Trainer

_WARM, _MEASURED = 2, 5  # steps
_HANDS = {5: (0.70, 0.94), 10: (0.63, 0.93), 20: (0.66, 0.90), 60: (0.75, 0.94)}
"""Pictures learned from: the hand (docs/METRICS.md) reached in five minutes after Koson and Martin.

docs/LOG.md, 2026-11-26, "Fewer pictures", has the command."""


@dataclass(frozen=True)
class Forecast:
    """Squares a second that training sees, and the memory it takes, in GB."""

    squares_per_second: float
    memory_gb: float
    minutes: float

    def lines(self) -> list[str]:
        """Tell it to a person."""
        squares = round(self.squares_per_second * 60 * self.minutes, -2)
        return [
            f"  forecast: {self.squares_per_second:.3g} squares/s on this machine, so "
            f"train.minutes={self.minutes:g} shows {squares:.0f} of them; "
            f"{self.memory_gb:.2g} GB of memory"
        ]


def forecast(config: Config) -> Forecast:
    """Train on noise for a few steps, and throw away what was learned.

    Args:
        config: of the training; where its pictures are does not matter.
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
            trainer.step(batch, 0.0)["model/content"].item()  # waits for the device
            seconds.append(time.monotonic() - began)
    speed = count / median(seconds[_WARM:])
    return Forecast(speed, memory_in_use(device), config.train.minutes)


def expected(pictures: int) -> str:
    """Tell a person how near training came to two collections from at most so many pictures."""
    measured = [count for count in _HANDS if count <= pictures]
    if not measured:
        return f"  expected: from fewer than {min(_HANDS)} pictures nothing has been measured"
    koson, martin = _HANDS[max(measured)]
    return (
        f"  expected: from {max(measured)} pictures each, five minutes brought two collections to "
        f"a hand of {koson:.2f} and {martin:.2f} of 1; seven, of 18 to 60, came to 0.28 to 0.94"
    )
