"""The loop of a run: steps, with log lines, sample grids and checkpoints between them."""

import logging
import math
import time
from collections import deque
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm import tqdm

from gan_style.checkpoint import CHECKPOINTS, prune_checkpoints
from gan_style.data.training_data import TrainingData
from gan_style.memory import memory_in_use
from gan_style.training.pace import Pace, Speed
from gan_style.training.run_state import RunState, save_state
from gan_style.training.schedule import RunLimits, checkpoint_due
from gan_style.training.signals import stop_signals
from gan_style.training.tracking import Tracker
from gan_style.training.trainer import Trainer
from gan_style.training.validation import sample_grid, validation_terms

logger = logging.getLogger(__name__)

_LOSSES_KEPT = 10  # last logged losses of the discriminator that are kept


class TrainingLoop:
    """Trains until a limit is reached.

    Args:
        folder: of the run.
        data: to train on.
        trainer: which is trained.
        state: where the run stands; it is kept up to date by the first process.
        tracker: takes numbers and sample grids.

    Attributes:
        limits: of the run.
        discriminator_losses: the last ones logged, up to 10.
    """

    def __init__(
        self,
        folder: Path,
        data: TrainingData,
        trainer: Trainer,
        state: RunState,
        tracker: Tracker,
    ) -> None:
        self.folder = folder
        self.config = trainer.config
        self.data = data
        self.trainer = trainer
        self.state = state
        self.tracker = tracker
        self.limits = RunLimits.of(self.config.train, state.usual)
        self.discriminator_losses: deque[float] = deque(maxlen=_LOSSES_KEPT)
        self._speed = Speed(self.config.train.batch_size)
        self._warned = False  # or there was nothing to warn of
        self._began = 0.0  # when this start would have, had it done all of the run
        self._losses = ""  # the last ones logged, for the bar
        self._stopped = False  # by a signal to this process or another one

    def fit(self) -> bool:
        """Train until a limit is reached or a signal comes; True if it was a signal.

        Raises:
            NonFiniteLossError: training diverged; the last checkpoint is whole.
        """
        trainer, state = self.trainer, self.state
        first = trainer.ranks.first
        ended = time.monotonic()  # the step before, with all that was done after it
        self._began, share = ended - state.seconds, self.progress()
        with stop_signals() as stopped:
            with self._bar() as bar:
                for batch in self.data.batches(trainer.steps_done, trainer.device):
                    state.seconds = time.monotonic() - self._began
                    ends, progress = self._agreed(bool(stopped))
                    if ends:
                        break
                    terms = trainer.step_or_skip(batch, progress)
                    now = time.monotonic()
                    state.seconds = now - self._began
                    if terms is not None and first:
                        self._speed.add(now - ended)
                        before, share = share, self.progress()  # of the last step not left out
                        self._after_step(terms, bar, before, share)
                    ended = time.monotonic()
            if first and state.saved != trainer.steps_done:
                self._checkpoint()
            elif first:  # a run that was killed before it did this may be resumed at its end
                prune_checkpoints(self.folder / CHECKPOINTS, self.config.run.keep)
        return self._stopped

    def _agreed(self, stopped: bool) -> tuple[bool, float]:
        """Whether all processes end here, and the share of the run that is done for all.

        The first one's clock and checkpoints decide, and a signal that any of them was sent.
        """
        progress = self.progress()
        ends = progress >= 1 or self.stagnant()
        each = self.trainer.ranks.gathered((stopped, ends, progress))
        self._stopped = any(stopped for stopped, _, _ in each)
        _, ends, progress = each[0]
        return self._stopped or ends, progress

    def progress(self) -> float:
        """Share of the run that is done."""
        trainer = self.trainer
        return self.limits.progress(trainer.images_seen, trainer.steps_done, self.state.seconds)

    def pace(self) -> Pace:
        """Where the run stands, and how fast it is."""
        trainer, state = self.trainer, self.state
        return Pace(
            self.limits,
            self.config.train.batch_size,
            self._speed.squares_per_second,
            state.usual,
            trainer.images_seen,
            state.seconds,
        )

    def stagnant(self) -> bool:
        """Whether the last `train.patience` checkpoints were no better than one before."""
        patience, best = self.config.train.patience, self.state.best
        return patience is not None and best.later >= patience and math.isfinite(best.lowest)

    def sample(self) -> None:
        """Track a grid of photos, and of their paintings by the averaged model."""
        grid = sample_grid(self.trainer, self.data)
        self.tracker.images("sample", grid, self.trainer.steps_done)

    def _bar(self) -> "tqdm[Any]":
        bar_format = "{percentage:5.1f}%|{bar}| {elapsed}<{remaining}{postfix}"
        started = 100 * min(1.0, self.progress())
        others = not self.trainer.ranks.first
        return tqdm(
            total=100, initial=started, bar_format=bar_format, mininterval=1, disable=others
        )

    def _after_step(
        self, terms: dict[str, Tensor], bar: "tqdm[Any]", before: float, share: float
    ) -> None:
        """Show and keep what is due, where the shares of the run were done before and after it."""
        run, step = self.config.run, self.trainer.steps_done
        pace = self.pace()
        self._show(bar, share, pace)
        if not self._warned and pace.speed is not None:
            self._warned = True
            self._warn_of_the_clock(pace)
        if step % run.log_every == 0:
            self._log(terms)
        if step % run.sample_every == 0:
            self.sample()
        if checkpoint_due(run.checkpoint_every, step, before, share):
            self.state.seconds = time.monotonic() - self._began
            self._checkpoint()

    def _show(self, bar: "tqdm[Any]", share: float, pace: Pace) -> None:
        """Bring the bar to a share of the run, with the squares seen, of how many by its end."""
        squares = f"{pace.squares:,} of {pace.squares / max(share, 1e-9):,.0f} squares"
        speed = "" if pace.speed is None else f", {pace.speed:.1f} a second"
        bar.set_postfix_str(f"{squares}{speed}{self._losses}", refresh=False)
        bar.update(100 * min(1.0, share) - bar.n)

    def _warn_of_the_clock(self, pace: Pace) -> None:
        """Say if the clock will leave little of the run."""
        warning = pace.warning()
        if warning is not None:
            logger.warning(
                "%s; stop it with Ctrl-C and go on with\n  %s", warning, pace.command(self.folder)
            )

    def _log(self, terms: dict[str, Tensor]) -> None:
        trainer, seconds = self.trainer, self.state.seconds
        values = {name: term.item() for name, term in terms.items()}
        values |= {
            "images": trainer.images_seen,
            "images_per_second": trainer.images_seen / max(seconds, 1e-9),
            "minutes": seconds / 60,
            "learning_rate": trainer.learning_rate,
            "memory_gb": memory_in_use(trainer.device),
        }
        self.tracker.log(values, trainer.steps_done)
        if "discriminator/loss" in values:
            self.discriminator_losses.append(values["discriminator/loss"])
        shown = ("content", "gram", "stroke", "adversarial")
        parts = [f", {n} {values[f'model/{n}']:.3g}" for n in shown if f"model/{n}" in values]
        self._losses = "".join(parts)

    def _checkpoint(self) -> None:
        """Save; keep a copy if the averaged model is the best so far."""
        state, step = self.state, self.trainer.steps_done
        terms = validation_terms(self.trainer, self.data)
        self.tracker.log({f"validation/{name}": value for name, value in terms.items()}, step)
        state.best = state.best.updated(step, terms, self.data.held_out_count)
        best = state.best.step == step
        save_state(self.folder, self.trainer, state, self.tracker.state(), best=best)
        state.saved = step
