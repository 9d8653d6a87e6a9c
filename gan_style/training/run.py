"""The story of a training run: data, trainer, steps, samples, checkpoints, the end."""

import math
import time
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote
from typing import Any

from torch import Tensor
from tqdm import tqdm

from gan_style.checkpoint import (
    flatten_state,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
    unflatten_state,
)
from gan_style.config import Config, config_to_dict, save_config
from gan_style.data.dataset import Batch
from gan_style.data.grid import picture_grid
from gan_style.data.inspection import too_few
from gan_style.data.training_data import TrainingData
from gan_style.device import (
    choose_device,
    choose_precision,
    keep_freed_memory,
    matrix_products,
)
from gan_style.errors import ConfigError, NonFiniteLossError
from gan_style.memory import memory_in_use
from gan_style.models.style_model import MODEL_FILE
from gan_style.pretrained import read_model
from gan_style.style_code import SUFFIX, StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.export import encode_styles, export_model, invitation, write_report
from gan_style.training.report import FEWEST, Best, Outcome, Seen, find_copies
from gan_style.training.run_dir import environment, resume_source, run_folder
from gan_style.training.schedule import checkpoint_due, progress
from gan_style.training.signals import stop_signals
from gan_style.training.tracking import Tracker, build_tracker
from gan_style.training.trainer import Trainer
from gan_style.training.validation import sample_rows, training_terms, validation_terms

_BEST_FILE = "best.safetensors"
_FAILURES = 5  # steps in a row without finite losses, after which the weights are to blame
_LOSSES_KEPT = 10  # last logged losses of the discriminator that are kept


def train(config: Config, report: Any = print) -> Path:
    """Train as the configuration says; returns the run folder.

    Raises:
        ValueError: (of its many kinds) settings, pictures or a checkpoint that cannot be used,
            before any work.
        NonFiniteLossError: training broke; the last checkpoint is whole.
    """
    keep_freed_memory()
    device = choose_device(config.train.device)
    source = resume_source(config)
    run_dir = run_folder(config, source)
    config = replace(config, run=replace(config.run, dir=str(run_dir)))
    data = TrainingData(config.data, config.train.batch_size, config.train.seed, report)
    with matrix_products(choose_precision(config.train.precision, device)):
        run = Run(config, run_dir, data, Trainer(config, device))
        if source is not None:
            run.resume(source)
        elif config.train.init:
            run.begin(config.train.init)
        run.start(report)
        stopped = run.fit()
        run.finish(stopped, report)
    return run_dir


class Run:
    """A run in progress: what surrounds the trainer, and is saved and resumed with it."""

    def __init__(self, config: Config, folder: Path, data: TrainingData, trainer: Trainer) -> None:
        self.config = config
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.data = data
        self.trainer = trainer
        self.seconds = 0.0
        self.best = Best()
        self.before = Seen()
        self.logits: deque[float] = deque(maxlen=_LOSSES_KEPT)
        self.failures = 0  # steps in a row that were left out
        self.saved = -1  # step of the last checkpoint of this start
        self.tracker_state: dict[str, Any] | None = None
        self.tracker = Tracker()

    def start(self, report: Any) -> None:
        """Lay out the run folder and say what is about to happen."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        save_config(self.config, self.folder / "config.yaml")
        (self.folder / "environment.txt").write_text(
            environment(self.trainer.device, self.trainer.precision), encoding="utf-8"
        )
        self.tracker = build_tracker(
            self.config.tracking,
            self.config.run.name or self.folder.name,
            self.folder,
            config_to_dict(self.config),
            self.tracker_state,
        )
        styles = self.data.styles
        report(
            f"learning {len(styles)} style{'s' if len(styles) != 1 else ''} with "
            f"{self.data.content_count} photos on {self.trainer.device.type} "
            f"({self.trainer.precision}); {self.data.held_out_count} pictures of the style are "
            f"held out to choose the best checkpoint by; run folder {self.folder}"
        )
        if not self.config.data.picture_is_style:
            for warning in too_few(self.data.counts):
                report(f"warning: {warning}")

    # ------------------------------------------------------------------ the loop

    def fit(self) -> bool:
        """Train until a limit is reached or somebody stops it; True if somebody did."""
        config, trainer = self.config, self.trainer
        began, share = time.monotonic() - self.seconds, self.progress()
        with stop_signals() as stopped, self._bar() as bar:
            for batch in self.data.batches(trainer.steps_done):
                self.seconds = time.monotonic() - began
                if stopped or self.progress() >= 1 or self.stagnant():
                    break
                terms = self._step(batch)
                if terms is None:
                    continue
                step = trainer.steps_done
                self.seconds = time.monotonic() - began
                before, share = share, self.progress()  # of the last step that was not left out
                bar.update(100 * min(1.0, share) - bar.n)
                if step % config.run.log_every == 0:
                    self._log(terms, bar)
                if step % config.run.sample_every == 0:
                    self._sample()
                if checkpoint_due(config.run.checkpoint_every, step, before, share):
                    self.seconds = time.monotonic() - began
                    self._checkpoint()
        if self.saved != trainer.steps_done:
            self._checkpoint()
        return bool(stopped)

    def _step(self, batch: Batch) -> dict[str, Tensor] | None:
        """The terms of a step; None for one left out, because a loss or gradient is not finite."""
        try:
            terms = self.trainer.step(batch, self.progress())
        except NonFiniteLossError as error:
            self.failures += 1
            if self.failures >= _FAILURES:
                raise
            tqdm.write(f"left out a step: {error}")
            self.trainer.leave_out(batch)
            return None
        self.failures = 0
        return terms

    def progress(self) -> float:
        """Share of the run that is done."""
        done = (self.trainer.images_seen, self.trainer.steps_done, self.seconds)
        return progress(self.config.train, *done)

    def stagnant(self) -> bool:
        """Whether the held-out score has not improved for `train.patience` checkpoints."""
        patience = self.config.train.patience
        return 0 < patience <= self.best.later and math.isfinite(self.best.score)

    def _bar(self) -> "tqdm[Any]":
        bar_format = "{percentage:5.1f}%|{bar}| {elapsed}<{remaining}{postfix}"
        started = 100 * min(1.0, self.progress())
        return tqdm(total=100, initial=started, bar_format=bar_format, mininterval=1)

    def _log(self, terms: dict[str, Tensor], bar: "tqdm[Any]") -> None:
        values = {name: term.item() for name, term in terms.items()}
        values |= {
            "images": self.trainer.images_seen,
            "images_per_second": self.trainer.images_seen / max(self.seconds, 1e-9),
            "minutes": self.seconds / 60,
            "learning_rate": self.trainer.model_optimizer.param_groups[0]["lr"],
            "memory_gb": memory_in_use(self.trainer.device),
        }
        self.tracker.log(values, self.trainer.steps_done)
        if "discriminator/loss" in values:
            self.logits.append(values["discriminator/loss"])
        shown = ("content", "gram", "stroke", "adversarial")
        parts = [f"{n} {values[f'model/{n}']:.3g}" for n in shown if f"model/{n}" in values]
        bar.set_postfix_str(", ".join([*parts, f"{values['images_per_second']:.1f} pictures/s"]))

    def _sample(self) -> None:
        grid = picture_grid(*sample_rows(self.trainer, self.data))
        self.tracker.images("sample", grid, self.trainer.steps_done)

    # ------------------------------------------------------------------ checkpoints

    def _checkpoint(self) -> None:
        """Save; keep a copy as the best if the averaged model has never scored better."""
        step, terms = self.trainer.steps_done, validation_terms(self.trainer, self.data)
        self.tracker.log({f"validation/{name}": value for name, value in terms.items()}, step)
        few, score = self.data.held_out_count < FEWEST, terms["score"]
        if better := (few and math.isfinite(score)) or score < self.best.score:  # nan: no record
            self.best = Best(score, step, terms)
        else:
            self.best = replace(self.best, later=self.best.later + 1)
        tensors, skeleton = flatten_state(self.trainer.state_dict())
        metadata = {
            "kind": "checkpoint",
            "model": {"code": self.config.model.code, "size": self.config.model.size},
            "config": config_to_dict(self.config),
            "state": skeleton,
            "seconds": self.seconds,
            "best": asdict(self.best),
            "before": asdict(self.before),
            "tracker": self.tracker.state(),
        }
        save_checkpoint(self.checkpoints / f"step-{step:08d}.safetensors", tensors, metadata)
        if better:
            averaged = {k: v for k, v in tensors.items() if k.startswith("average.")}
            save_checkpoint(self.checkpoints / _BEST_FILE, averaged, metadata)
        prune_checkpoints(self.checkpoints, self.config.run.keep)
        self.saved = self.trainer.steps_done

    def resume(self, source: Path) -> None:
        """Take over networks, optimizers, averages, counters and tracker from a checkpoint."""
        tensors, metadata = load_checkpoint(source)
        mine = {"code": self.config.model.code, "size": self.config.model.size}
        if metadata.get("model") != mine:
            raise ConfigError(
                f"{source} holds a model of {metadata.get('model')}, the configuration asks for "
                f"{mine}: model.code and model.size cannot change in a resumed run"
            )
        try:
            self.trainer.load_state_dict(unflatten_state(tensors, metadata["state"]))
            self.seconds = float(metadata["seconds"])
            self.best = Best(**metadata["best"])
            self.before = Seen(**metadata["before"])
            self.tracker_state = metadata["tracker"]
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]  # torch lists every tensor that does not fit
            raise ConfigError(f"{source} cannot be resumed: {reason}") from error

    def begin(self, place: str) -> None:
        """Begin with the networks of a trained model; the rest is as for a fresh run."""
        read, mine, trainer = read_model(place), self.config.model, self.trainer
        if (read.code, read.size) != (mine.code, mine.size):
            raise ConfigError(
                f"train.init {place} is a model of model.code={read.code} model.size={read.size}; "
                f"the configuration has {mine.code} and {mine.size}"
            )
        try:
            trainer.begin_with(read.model, read.discriminator)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(f"train.init {place} does not fit: {reason}") from error
        self.before = Seen(training_terms(trainer, self.data), validation_terms(trainer, self.data))

    # ------------------------------------------------------------------ the end

    def finish(self, stopped: bool, report: Any) -> None:
        """Say how to go on; after a whole run also write samples, model and style codes."""
        if stopped:
            self.tracker.close(ok=False)
            report(
                f"stopped after {self.trainer.images_seen} images; go on with\n"
                f"  python train.py {quote(str(self.folder / 'config.yaml'))} train.resume=true"
            )
            return
        best, average = self.checkpoints / _BEST_FILE, self.trainer.average
        if best.is_file():
            average.load_state_dict(read_model(best).model)
        self._sample()
        stylizer = export_model(self.folder, average, self.config.model)
        styles = encode_styles(stylizer, self.data.styles, self.folder)
        outcome = self._outcome(stylizer, list(styles.values()))
        self.tracker.artifact("report", "report", write_report(self.folder, outcome))
        self.tracker.artifact("model", "model", self.folder / MODEL_FILE)
        for path in styles:
            self.tracker.artifact(path.name.removesuffix(SUFFIX), "style", path)
        numbers = {f"report/{name}": value for name, value in outcome.numbers().items()}
        self.tracker.log(numbers, self.trainer.steps_done)
        self.tracker.close()
        report("\n".join(["", *outcome.lines(), "", invitation(self.folder, list(styles))]))

    def _outcome(self, stylizer: Stylizer, codes: list[StyleCode]) -> Outcome:
        return Outcome(
            before=self.before,
            after=Seen(training_terms(self.trainer, self.data), self.best.terms),
            best_step=self.best.step,
            steps=self.trainer.steps_done,
            early=self.stagnant(),
            counts=self.data.counts,
            held_out=self.data.held_out_count,
            form=self.config.discriminator.form,
            logits=tuple(self.logits),
            copied=find_copies(stylizer, self.data.content_paths, self.data.styles, codes),
        )
