"""What a run has recorded in its folder: numbers by step, and pictures."""

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from gan_style.errors import ConfigError

LOG_FILE = "log.jsonl"
SAMPLES = "samples"
GRID = "sample"
"""Name of the grids among the pictures that show how training goes on."""
_TAIL = 16_384  # bytes at the end of the log that hold the last lines
_PICTURE = re.compile(r"(.+)-(\d{8})\.png")


class Picture(NamedTuple):
    """A picture that was recorded: at which step, under which name, in which file."""

    step: int
    name: str
    path: Path


@dataclass(frozen=True)
class RunHistory:
    """What is in log.jsonl and samples/ of a run folder.

    numbers: by step, in order; nan where the log has null, which stands for nan and infinity.
        Where a name was logged twice for one step, the later value.
    pictures: in the order of their steps.
    torn: lines that cannot be read, such as the last one of a run that was killed.
    """

    numbers: dict[int, dict[str, float]]
    pictures: tuple[Picture, ...]
    torn: int = 0

    @classmethod
    def read(cls, folder: Path) -> "RunHistory":
        """Read a run folder.

        Raises:
            ConfigError: there is no log in it.
        """
        path = folder / LOG_FILE
        if not path.is_file():
            what = "does not exist" if not folder.exists() else f"is no run folder: no {LOG_FILE}"
            raise ConfigError(f"{folder} {what}")
        numbers: dict[int, dict[str, float]] = {}
        torn = 0
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                step, values = _parsed(line)
            except (ValueError, TypeError, LookupError, AttributeError):
                torn += 1
            else:
                numbers.setdefault(step, {}).update(values)
        return cls(dict(sorted(numbers.items())), tuple(sorted(_pictures(folder))), torn)

    def last(self, name: str) -> float | None:
        """The last value of a number; None if there is none, or it is not finite."""
        values = [each[name] for each in self.numbers.values() if name in each]
        return values[-1] if values and math.isfinite(values[-1]) else None

    def sample_table(self) -> tuple[list[str], list[list[Any]]]:
        """The sample grids through time: names of columns, and rows.

        A row has a step, the file of its grid, and the validation numbers known at that step:
        those of the last checkpoint up to then, None before the first.
        """
        names = sorted({n for each in self.numbers.values() for n in each if _validates(n)})
        steps = [step for step, each in self.numbers.items() if any(map(_validates, each))]
        rows = []
        for picture in self.pictures:
            if picture.name == GRID:
                before = max((step for step in steps if step <= picture.step), default=None)
                known = {} if before is None else self.numbers[before]
                rows.append([picture.step, picture.path, *(known.get(name) for name in names)])
        return ["step", GRID, *names], rows


def newest_numbers(folder: Path) -> dict[str, Any]:
    """What the training in a run folder logged last, read from the end of its log.

    Returns:
        The numbers of the last whole line that a step wrote, not a validation; empty before the
        first, and without a log.
    """
    try:
        with (folder / LOG_FILE).open("rb") as file:
            file.seek(max(0, os.path.getsize(file.fileno()) - _TAIL))
            lines = file.read().splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            values = json.loads(line)
        except ValueError:  # it is being written, or its beginning is not read
            continue
        if "images" in values and "minutes" in values:
            return dict(values)
    return {}


def _parsed(line: str) -> tuple[int, dict[str, float]]:
    values = json.loads(line)
    step = int(values.pop("step"))
    return step, {k: math.nan if v is None else _number(v) for k, v in values.items()}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def _pictures(folder: Path) -> Iterator[Picture]:
    for path in (folder / SAMPLES).glob("*.png"):
        if found := _PICTURE.fullmatch(path.name):
            yield Picture(int(found[2]), found[1], path)


def _validates(name: str) -> bool:
    return name.startswith("validation/")
