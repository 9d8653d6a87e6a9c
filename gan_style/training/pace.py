"""How fast a run is on this machine, what the clock leaves of it, and how long it would need."""

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from statistics import median

from gan_style.training.schedule import RunLimits

_FEW = 1 / 3  # of the usual number of squares: a run that saw fewer is told so
_SPARE = 1.2  # times the time that steps take: checkpoints take some, too, and machines get busy
_COUNTED, _KEPT = 3, 50  # steps whose times make a speed, and the last ones that are kept
_COARSE = ((10, 1), (60, 5), (math.inf, 10))  # minutes up to so many are rounded up to such parts


class Speed:
    """Squares a second: by the median of the last steps, of which the first is left out.

    Args:
        batch_size: squares a step.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self._warm = False

    def add(self, seconds: float) -> None:
        """Take the time of a step."""
        if self._warm:
            self._seconds.append(seconds)
        self._warm = True

    @property
    def squares_per_second(self) -> float | None:
        """None before the fourth step."""
        if len(self._seconds) < _COUNTED:
            return None
        return self._batch_size / max(median(self._seconds), 1e-9)


@dataclass(frozen=True)
class Pace:
    """Where a run stands between the clock and the number of squares that is usual.

    limits: of the run. batch_size: squares a step. squares, seconds: seen and trained so far.
    speed: squares a second; None where it is not known.
    usual: squares that are usual for the collection; None from scratch.
    """

    limits: RunLimits
    batch_size: int
    speed: float | None
    usual: int | None
    squares: int = 0
    seconds: float = 0.0

    @property
    def few(self) -> bool:
        """Whether it has seen less than a third of the squares that are usual."""
        return self.usual is not None and self.squares < _FEW * self.usual

    @property
    def goal(self) -> int | None:
        """Squares to go on to: those that are usual, or twice as many as were seen."""
        if self.usual is None or self.squares < self.usual:
            return self.usual
        return 100 * math.ceil(2 * self.squares / 100)

    @property
    def time_left(self) -> str:
        """How long steps take from now to the `goal`, which there has to be, as text."""
        assert self.goal is not None
        return duration((self.goal - self.squares) / self._mean_speed)

    @property
    def _mean_speed(self) -> float:
        """Measured, or else the mean over the whole run."""
        return max(self.speed or self.squares / max(self.seconds, 1e-9), 1e-9)

    def warning(self) -> str | None:
        """What to say where the clock will leave less than a third of the usual squares."""
        minutes, goal = self.limits.minutes, self.goal
        if minutes is None or goal is None or self.speed is None:
            return None
        shown = self.squares + self.speed * max(0.0, 60 * minutes - self.seconds)
        asked = self.limits.squares(self.batch_size)
        if shown >= _FEW * min(goal, asked):
            return None
        return (
            f"this machine will show it about {_about(shown)} squares in {minutes:g} minutes; "
            f"{goal:,} are usual: expect little; let it run for {self._minutes(goal)} minutes "
            f"({self.changes()})"
        )

    def changes(self) -> str:
        """The options with which a run goes on to its `goal`, whatever ended it before."""
        assert self.goal is not None
        words = [f"train.images={self.goal}"]
        if self.limits.steps is not None and self.limits.steps * self.batch_size < self.goal:
            words.append("train.steps=null")
        if self.limits.minutes is not None:
            minutes = max(self._minutes(self.goal), self.limits.minutes)
            words.append(f"train.minutes={minutes:g}")
        return " ".join(words)

    def command(self, folder: Path) -> str:
        """What to type to go on to the `goal`, with a run folder."""
        config = quote(str(folder / "config.yaml"))
        return f"gan-style train {config} train.resume=true {self.changes()}"

    def _minutes(self, goal: int) -> int:
        """Minutes from the beginning of the run until `goal`, with some to spare."""
        needed = (self.seconds + _SPARE * (goal - self.squares) / self._mean_speed) / 60
        part = next(part for most, part in _COARSE if needed <= most)
        return max(1, part * math.ceil(needed / part))


def duration(seconds: float) -> str:
    """Seconds, minutes or hours as text, such as `1.4 minutes`."""
    if seconds < 60:
        return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
    name, number = ("minutes", seconds / 60) if seconds < 7_200 else ("hours", seconds / 3_600)
    return f"{number:.{1 if number < 10 else 0}f} {name}"


def _about(squares: float) -> str:
    """Two figures say enough of a number that is not known better."""
    return f"{float(f'{squares:.2g}'):,.0f}"
