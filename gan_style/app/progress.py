"""How far a training is, read from its run folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gan_style.app.trainings import Run
from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.config import Config, load_config
from gan_style.data.collection import find_styles
from gan_style.errors import GanStyleError
from gan_style.models.style_model import MODEL_FILE
from gan_style.shipped import STYLES, styles_in
from gan_style.training.pace import duration
from gan_style.training.results import REPORT_FILE
from gan_style.training.run_history import newest_numbers
from gan_style.training.schedule import RunLimits, usual_squares

State = Literal["training", "finished", "stopped", "failed"]
_ALL = 0.999  # from this share on, what is left is the report


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    share: of it that is done, 0 to 1. seconds: of training so far. squares: seen so far.
    minutes: after which it ends. sample: the newest picture of samples. report: of a finished
    run. error: of one that failed.
    """

    state: State
    share: float = 0.0
    seconds: float = 0.0
    squares: int = 0
    minutes: float = 0.0
    sample: Path | None = None
    report: str = ""
    error: str = ""

    def line(self) -> str:
        """The state in a sentence."""
        seen = f"{self.squares:,} squares seen in {duration(self.seconds)}"
        if self.state == "finished":
            return f"Finished: {seen}. The style can be chosen in the other tabs."
        if self.state == "failed":
            return f"It failed: {self.error}"
        if self.state == "stopped":
            return f"Stopped at {self.share:.0%}: {seen}. It can go on from there."
        if not self.squares:
            return "Training begins: the pictures are being read."
        if self.share >= _ALL:
            return f"Trained: {seen}. Now it is compared with the base model, for the report."
        left = self.seconds * (1 - self.share) / max(self.share, 1e-9)
        return f"Training, {self.share:.0%}: {seen}, about {duration(left)} left."


def progress_of(run: Run) -> Progress:
    """Look at a run's folder and its process."""
    values = newest_numbers(run.folder)
    config = _config(run)
    squares, seconds = int(values.get("images", 0)), 60 * float(values.get("minutes", 0))
    share = _share(config, squares, int(values.get("step", 0)), seconds) if config else 0.0
    state = _state(run)
    waits = state == "training" and _is_exported(run)
    return Progress(
        state,
        share=1.0 if state == "finished" or waits else min(1.0, share),
        seconds=seconds,
        squares=squares,
        minutes=(config.train.minutes or 0.0) if config else 0.0,
        sample=_newest_sample(run.folder / "samples", compared=state == "finished"),
        report=_text(run.folder / REPORT_FILE) if state == "finished" else "",
        error=_error(run) if state == "failed" else "",
    )


def results_of(run: Run) -> list[Path]:
    """The files of a run to download: its style codes, its model, its report."""
    codes = styles_in(run.folder / STYLES).values()
    files = [*codes, run.folder / MODEL_FILE, run.folder / REPORT_FILE]
    return [file for file in files if file.is_file()]


def _state(run: Run) -> State:
    if run.is_training:
        return "training"
    report = run.folder / REPORT_FILE
    if report.is_file() and report.stat().st_mtime >= run.began:
        return "finished"
    failed = "error: " in run.printed() or newest_checkpoint(run.folder / CHECKPOINTS) is None
    return "failed" if failed else "stopped"


def _is_exported(run: Run) -> bool:
    """Whether training is over, and only the report is missing: the clock may end it early."""
    model = run.folder / MODEL_FILE
    return model.is_file() and model.stat().st_mtime >= run.began


def _share(config: Config, squares: int, steps: int, seconds: float) -> float:
    usual = None
    if config.train.init is not None:
        usual = usual_squares([len(style.paths) for style in _styles(config)] or [1])
    return RunLimits.of(config.train, usual).progress(squares, steps, seconds)


def _styles(config: Config) -> list[Any]:
    try:
        return list(find_styles(config.data))
    except GanStyleError:  # the pictures were deleted: what the run is like is known without them
        return []


def _config(run: Run) -> Config | None:
    try:
        return load_config(str(run.folder / "config.yaml"))
    except GanStyleError:  # not written yet
        return None


def _newest_sample(folder: Path, *, compared: bool) -> Path | None:
    """The newest grid of samples; of a finished run the comparison with the base model."""
    grids = sorted(folder.glob("sample-*.png"))
    sheets = sorted(folder.glob("base-and-mine-*.png")) if compared else []
    return next(reversed(sheets or grids), None)


def _error(run: Run) -> str:
    lines = [line for line in run.printed().splitlines() if line.startswith("error: ")]
    if lines:
        return lines[-1].removeprefix("error: ")
    return "it ended before its first checkpoint; train.log in its folder has what it printed"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
