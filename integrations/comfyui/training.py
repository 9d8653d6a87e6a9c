"""Training from a node: `gan-style train` in a process of its own, watched from here.

In ComfyUI's own process it could not be: nodes run without gradients there, in a thread, and a
training that runs out of memory would take ComfyUI with it.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.config import Config, config_to_dict, load_config
from gan_style.data.collection import find_styles
from gan_style.errors import ConfigError
from gan_style.training.results import REPORT_FILE
from gan_style.training.run_history import newest_numbers
from gan_style.training.schedule import RunLimits, usual_squares

from . import host, library

LOG = "train.log"
"""In the run folder: what the training printed."""
_STEPS = 1000  # of the progress bar
_PAUSE = 0.5  # seconds between two looks at the training
_PATIENCE = 60  # seconds that a training has to save a checkpoint when it is stopped

_MAY_DIFFER = {
    *("train.minutes", "train.device", "train.resume", "train.precision"),
    *("run.dir", "run.name", "run.log_every", "run.sample_every", "run.checkpoint_every"),
}
"""Options with which a run may go on that it did not begin with."""


@dataclass(frozen=True)
class Training:
    """One that is wanted.

    folder: of the run. words: its options, `key.sub=value`. config: what they come to. pictures:
    how many there are.
    """

    folder: Path
    words: tuple[str, ...]
    config: Config
    pictures: int

    @classmethod
    def of(cls, name: str, pictures: Path, minutes: float, options: str) -> "Training":
        """Settle what is to be trained, and refuse what cannot be.

        Args:
            name: of the run folder in models/gan_style.
            pictures: folder of one style.
            minutes: of training in all.
            options: more of them, `key.sub=value`, one a line.

        Raises:
            ConfigError: a name or an option that is not allowed, or a run of that name with other
                pictures or options.
            DataError: there are no pictures.
        """
        folder = library.new_place(name)
        words = (
            *(f"data.styles={pictures.absolute()}", f"train.minutes={minutes:g}"),
            *(f"train.device={host.device()}", "tracking.wandb=off"),
            *("run.log_every=1", "run.sample_every=25"),
            *(line.strip() for line in options.splitlines() if line.strip()),
            f"run.dir={folder}",
        )
        config = load_config(None, words)
        styles = find_styles(config.data)
        if len(styles) > 1:
            raise ConfigError(
                f"{pictures} has {len(styles)} folders of pictures, and this learns one style; "
                f"give one of them: {', '.join(style.name for style in styles[:10])}"
            )
        training = cls(folder, words, config, len(styles[0].paths) if styles else 0)
        training._refuse_other_run()
        return training

    @property
    def is_done(self) -> bool:
        """Whether it was trained for as long before."""
        report, config = self.folder / REPORT_FILE, self.folder / "config.yaml"
        if not report.is_file() or report.stat().st_mtime < config.stat().st_mtime:
            return False  # or of an earlier part: each start writes its configuration
        done, wanted = _run_config(self.folder).train.minutes, self.config.train.minutes
        return done is None or (wanted is not None and wanted <= done)

    def run(self) -> None:
        """Train to the end; goes on from the last checkpoint of the run if there is one.

        When it is interrupted, it saves a checkpoint and keeps the run.

        Raises:
            ConfigError: the training failed; with its own message.
        """
        host.free_memory()
        words = list(self.words)
        if newest_checkpoint(self.folder / CHECKPOINTS) is not None:
            words.append("train.resume=true")
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "gan_style", "train", *words]
        with (self.folder / LOG).open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        try:
            self._watch(process)
        except BaseException:
            _stop(process)
            raise
        if process.returncode:
            raise ConfigError(f"training failed: {self._reason(process.returncode)}")

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        bar, shown = host.Bar(_STEPS), None
        limits = RunLimits.of(self.config.train, self._usual())
        while process.poll() is None:
            host.stop_if_canceled()
            values = newest_numbers(self.folder)
            share = limits.progress(
                int(values.get("images", 0)),
                int(values.get("step", 0)),
                60 * float(values.get("minutes", 0)),
            )
            newest = max((self.folder / "samples").glob("sample-*.png"), default=None)
            bar.show(int(_STEPS * min(1.0, share)), None if newest == shown else newest)
            shown = newest
            time.sleep(_PAUSE)

    def _usual(self) -> int | None:
        return usual_squares([self.pictures]) if self.config.train.init is not None else None

    def _refuse_other_run(self) -> None:
        """Raise ConfigError if something else is in the folder."""
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        if not (self.folder / "config.yaml").is_file():
            if [each.name for each in self.folder.iterdir()] == [LOG]:  # it failed at once
                return
            raise ConfigError(f"{self.folder} is no training run; choose another name")
        before, now = (_flat(each) for each in (_run_config(self.folder), self.config))
        other = [key for key in now if key not in _MAY_DIFFER and before[key] != now[key]]
        if other and newest_checkpoint(self.folder / CHECKPOINTS) is not None:
            raise ConfigError(
                f"{self.folder} was trained with {other[0]}={before[other[0]]}, not "
                f"{now[other[0]]}; choose another name for this training"
            )

    def _reason(self, code: int) -> str:
        lines = (self.folder / LOG).read_text("utf-8", "replace").replace("\r", "\n").splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        if errors:
            return errors[-1].removeprefix("error: ")
        return f"its process ended with {code}; {self.folder / LOG} has what it printed"


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Let it save a checkpoint and end; Windows ends it at once, at its last checkpoint."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _run_config(folder: Path) -> Config:
    return load_config(str(folder / "config.yaml"))


def _flat(config: Config) -> dict[str, Any]:
    """By keys such as `train.minutes`."""
    sections: Mapping[str, Mapping[str, Any]] = config_to_dict(config)
    return {f"{name}.{key}": v for name, values in sections.items() for key, v in values.items()}
