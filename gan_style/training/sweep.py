"""A sweep: several trainings with different options, compared by one number.

Each is a process of its own, so that one that fails, or is killed for want of memory, does not end
the others. Its folder NN/ in the sweep's has all that a run has, and train.log, what it said.
Where the parameters come from, this module does not know: from a search on this machine
(`search`), or from W&B's server (`sweep_agent`).
"""

import csv
import io
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import IO, Any

from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.config import DataConfig, load_config
from gan_style.data.collection import find_styles
from gan_style.errors import ConfigError
from gan_style.files import replacing
from gan_style.models.style_model import MODEL_FILE
from gan_style.shipped import STYLE_SUFFIX, STYLES
from gan_style.training.results import REPORT_FILE
from gan_style.training.run_history import LOG_FILE, RunHistory
from gan_style.training.sweep_file import SweepFile, config_of, overrides_of

logger = logging.getLogger(__name__)

RESULTS_FILE = "results.csv"
_OUTPUT = "train.log"
_DIGITS = 4  # significant ones of a metric in the table


@dataclass(frozen=True)
class Result:
    """What came of a run: `value` of the metric; None where it failed, or did not log it."""

    folder: Path
    parameters: Mapping[str, Any]
    value: float | None
    failure: str | None = None


class Sweep:
    """The runs of a sweep, in one folder.

    Args:
        file: what is searched.
        styles: folder of pictures to train on.
        folder: of the sweep.

    Raises:
        DataError: the styles are no folder of pictures.

    Attributes:
        results: of the runs that have ended, in their order.
    """

    def __init__(self, file: SweepFile, styles: Path, folder: Path) -> None:
        self.file = file
        self.styles = styles
        self.folder = folder
        self.results: list[Result] = []
        find_styles(DataConfig(styles=str(styles)))  # or each run would find out by itself

    def search(self, trials: Sequence[Mapping[str, Any]]) -> None:
        """Run all trials, without those that the folder has already.

        Raises:
            ConfigError: options that do not go together, or a folder of another sweep; before any
                run.
        """
        folders = [self.folder / f"{number:02d}" for number in range(1, len(trials) + 1)]
        for folder, parameters in zip(folders, trials, strict=True):
            self._refuse_another(folder, parameters)
        try:
            for folder, parameters in zip(folders, trials, strict=True):
                self.run(folder, parameters, f"run {folder.name} of {len(trials)}")
        except KeyboardInterrupt:
            logger.info("stopped; go on with the same command and -o %s", quote(str(self.folder)))
            raise

    def fresh_folder(self) -> Path:
        """The folder of a run to come."""
        number = 1
        while (self.folder / f"{number:02d}").exists():
            number += 1
        return self.folder / f"{number:02d}"

    def run(self, folder: Path, parameters: Mapping[str, Any], title: str) -> None:
        """Train with these parameters; what fails is reported, and is no error.

        A run that the folder has already is taken as it is; one that was interrupted goes on.
        """
        varied = self._varied(parameters)
        described = ", ".join(f"{name}={value}" for name, value in varied.items())
        if _is_done(folder):
            failure = None
            logger.info("%s: %s is there already", title, folder)
        else:
            logger.info("%s: %s; see %s", title, described, folder / _OUTPUT)
            failure = self._train(folder, parameters)
        result = Result(folder, parameters, self._value(folder), failure)
        if failure is not None:
            logger.warning("%s failed: %s", title, failure)
        else:
            logger.info("%s: %s is %s", title, self.file.metric, _shown(result.value))
        self.results.append(result)
        with replacing(self.folder / RESULTS_FILE) as temporary:
            temporary.write_text(self._csv(), encoding="utf-8")

    def ranked(self) -> list[Result]:
        """The results, the best first, and those without a value last."""
        sign = -1 if self.file.goal == "maximize" else 1
        known = [each for each in self.results if each.value is not None and not each.failure]
        others = [each for each in self.results if each not in known]
        return [*sorted(known, key=lambda each: sign * (each.value or 0)), *others]

    def lines(self) -> list[str]:
        """The table of runs, and how to paint with the best."""
        names = list(
            self._varied({n: v for each in self.results for n, v in each.parameters.items()})
        )
        rows = [["run", self.file.metric, *names]]
        for each in self.ranked():
            value = "failed" if each.failure else _shown(each.value)
            rows.append([each.folder.name, value, *(str(each.parameters.get(n)) for n in names)])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return [*lines, "", *self._advice()]

    def _advice(self) -> list[str]:
        best = next(iter(self.ranked()), None)
        if best is None or best.failure:
            return [f"no run came to its end; what they said is in {self.folder}/*/{_OUTPUT}"]
        if best.value is None:
            return [
                f"no run logged {self.file.metric}: for report/likeness/… it takes four photos and "
                "four pictures of a style"
            ]
        code = min((best.folder / STYLES).glob(f"*{STYLE_SUFFIX}"))
        return [
            f"the best is {best.folder}; paint with it:",
            f"  gan-style stylize PHOTO --style {quote(str(code))} --model "
            f"{quote(str(best.folder))} -o painted.png",
        ]

    def _train(self, folder: Path, parameters: Mapping[str, Any]) -> str | None:
        """Train in a process; why it failed, or None."""
        folder.mkdir(parents=True, exist_ok=True)
        words = overrides_of({**parameters, **self._own(folder)})
        if newest_checkpoint(folder / CHECKPOINTS) is not None:
            words.append("train.resume=true")
        command = [sys.executable, "-m", "gan_style", "train", *words]
        with (folder / _OUTPUT).open("a", encoding="utf-8") as output:
            code = _run(command, self._environment(), output)
        if code == 0 and _is_done(folder):
            return None
        said = (folder / _OUTPUT).read_text(encoding="utf-8", errors="replace")
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        return errors[-1].removeprefix("error: ") if errors else f"it ended with exit code {code}"

    def _own(self, folder: Path) -> dict[str, str]:
        """The options that every run has for itself."""
        name = f"{self.folder.name}-{folder.name}"
        return {"data.styles": str(self.styles), "run.dir": str(folder), "run.name": name}

    def _environment(self) -> dict[str, str]:
        """Of a run: W&B shows those of a sweep as one group, and each has its own wandb-core."""
        own = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
        return own | {"WANDB_RUN_GROUP": self.folder.name}

    def _refuse_another(self, folder: Path, parameters: Mapping[str, Any]) -> None:
        wanted = config_of(parameters, self._own(folder))
        path = folder / "config.yaml"
        if path.is_file():
            found = load_config(str(path))
            if replace(found, train=replace(found.train, resume=None)) != wanted:
                raise ConfigError(
                    f"{folder} is a run with other options; give the sweep another folder"
                )

    def _value(self, folder: Path) -> float | None:
        return (
            RunHistory.read(folder).last(self.file.metric) if (folder / LOG_FILE).exists() else None
        )

    def _varied(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those that are not the same for all runs."""
        fixed = {each.name for each in self.file.parameters if not each.varies}
        return {name: value for name, value in parameters.items() if name not in fixed}

    def _csv(self) -> str:
        names = [each.name for each in self.file.parameters]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["run", self.file.metric, *names, "failure"])
        for each in self.ranked():
            values = [each.parameters.get(name) for name in names]
            writer.writerow([each.folder.name, each.value, *values, each.failure])
        return text.getvalue()


def _run(command: Sequence[str], environment: Mapping[str, str], output: IO[str]) -> int:
    """Run a process to its end; where this one is interrupted, the other stops in order."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches this process alone, which passes on one signal
    )
    try:
        while True:
            try:
                return process.wait(1)  # and no longer, so that a thread can be stopped
            except subprocess.TimeoutExpired:
                continue
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _is_done(folder: Path) -> bool:
    return (folder / REPORT_FILE).is_file() and (folder / MODEL_FILE).is_file()


def _shown(value: float | None) -> str:
    return "not logged" if value is None else f"{value:.{_DIGITS}g}"
