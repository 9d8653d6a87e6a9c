"""Trainings that the page begins: each a process of its own, which a closed page does not stop.

A training is `gan-style train` in a session of its own. As every training it holds a lock on a file
in its run folder for as long as it lives. It inherits that lock, so that it has it from its first
moment: whether it is training can be told by any later start of the page.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gan_style.app.folder import WorkFolder
from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.errors import ConfigError
from gan_style.files import replacing
from gan_style.training.run_lock import LOCK_FILE, holder_of, is_locked, lock, write_holder

LOG = "train.log"
"""In the run folder: what the training printed."""
_ABOUT = "train.json"


@dataclass(frozen=True)
class Run:
    """A run folder with the training that the page began in it."""

    folder: Path

    @property
    def name(self) -> str:
        """By which people know it."""
        return self.folder.name

    @property
    def is_training(self) -> bool:
        """Whether its process lives."""
        return is_locked(self.folder)

    @property
    def began(self) -> float:
        """When its process was started last, in seconds since 1970; 0 if that is not known."""
        return float(self._about().get("began", 0))

    def printed(self) -> str:
        """What its process has printed since it was started last."""
        with suppress(OSError):
            text = (self.folder / LOG).read_text(encoding="utf-8", errors="replace")
            return text.replace("\r", "\n")
        return ""

    def stop(self) -> None:
        """Ask it to save a checkpoint and end, which takes a moment; nothing if it has ended."""
        if self.is_training and (process := holder_of(self.folder)) is not None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)

    def _about(self) -> dict[str, float]:
        with suppress(OSError, ValueError):
            about = json.loads((self.folder / _ABOUT).read_text(encoding="utf-8"))
            return about if isinstance(about, dict) else {}
        return {}


class Trainings:
    """Begins trainings in a work folder, one at a time.

    Args:
        folder: its runs.
        config: a file of options that each training begins with; None for the defaults.
        device: where to train.
    """

    def __init__(
        self, folder: WorkFolder, config: Path | None = None, device: str = "auto"
    ) -> None:
        self.folder = folder
        self.config = config
        self.device = device

    def runs(self) -> dict[str, Run]:
        """All by name, the one that was begun last first."""
        found = [Run(each) for each in self.folder.runs.iterdir() if (each / _ABOUT).is_file()]
        return {run.name: run for run in sorted(found, key=lambda run: -run.began)}

    def run(self, name: str | None) -> Run:
        """The run of a name.

        Raises:
            ConfigError: there is none.
        """
        found = self.runs().get(name or "")
        if found is None:
            raise ConfigError("there is no such run; begin one first")
        return found

    def begin(self, pictures: Path, minutes: float) -> Run:
        """Learn the style of a folder of pictures, whose name the run gets.

        Raises:
            ConfigError: something is training already, or processes cannot be started here.
        """
        with self._alone():
            run = Run(self.folder.new_place("runs", pictures.name))
            config = [] if self.config is None else [str(self.config)]
            words = [
                *(*config, f"data.styles={pictures}", f"run.dir={run.folder}"),
                *(f"train.minutes={minutes:g}", f"train.device={self.device}"),
                *("tracking.wandb=off", "run.log_every=1", "run.sample_every=25"),
            ]
            _start(run, words)
        return run

    def go_on(self, run: Run, minutes: float) -> None:
        """Go on with a run from its last checkpoint, until so many minutes after its beginning.

        Raises:
            ConfigError: as `begin`, or there is no checkpoint to go on from.
        """
        with self._alone():
            if newest_checkpoint(run.folder / CHECKPOINTS) is None:
                raise ConfigError(f"{run.name} has no checkpoint to go on from; begin anew")
            config = str(run.folder / "config.yaml")
            _start(run, [config, "train.resume=true", f"train.minutes={minutes:g}"])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two who press the button at the same time do not both begin.

        Raises:
            ConfigError: something is training.
        """
        with (self.folder.runs / LOCK_FILE).open("wb") as file:
            busy = next((run.name for run in self.runs().values() if run.is_training), None)
            if busy is not None or not _lock(file):
                raise ConfigError(f"{busy or 'another style'} is being learned; stop it or wait")
            yield


def _start(run: Run, words: Sequence[str]) -> None:
    """Start `gan-style train` in a session of its own, so that it outlives this process."""
    command = [sys.executable, "-m", "gan_style", "train", *words]
    with (run.folder / LOCK_FILE).open("wb") as file, (run.folder / LOG).open("wb") as log:
        _lock(file, wait=True)  # for one who just looks whether it is training
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=run.folder,
            start_new_session=True,
            pass_fds=[file.fileno()],
        )
        write_holder(file, process.pid)
        with replacing(run.folder / _ABOUT) as temporary:
            temporary.write_text(json.dumps({"began": time.time()}))


def _lock(file: BinaryIO, *, wait: bool = False) -> bool:
    try:
        return lock(file, wait=wait)
    except NotImplementedError as error:
        raise ConfigError(
            f"the page cannot train here: {error}; `gan-style train` works here, too"
        ) from error
