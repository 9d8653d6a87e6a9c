"""How a model was trained, as its folder and its model card keep it. Needs no torch."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from gan_style.files import replacing

logger = logging.getLogger(__name__)

FACTS_FILE = "training.json"
"""Beside a model that a run wrote: its `TrainingFacts`."""


@dataclass(frozen=True)
class TrainingFacts:
    """What a finished run tells of itself to those who get its model.

    Nothing of it names a place on the machine that trained.

    Attributes:
        pictures: how many there were of each style, by its name.
        held_out: how many of them were not trained on.
        photos: how many photos there were to paint.
        squares: of photos that the model saw.
        seconds: of training.
        finished: the day, as YYYY-MM-DD.
        version: of gan_style.
        began_with: "base", an address, or the name of another model; None from scratch.
        errors: of the model, by name: "content", "stroke" and "gram".
        base_errors: of the model that it began with; empty from scratch.
        likeness: shares of patches that are taken for the pictures': "base", "mine", "own"; empty
            where they could not be measured.
    """

    pictures: Mapping[str, int]
    held_out: int
    photos: int
    squares: int
    seconds: float
    finished: str
    version: str
    began_with: str | None = None
    errors: Mapping[str, float] = field(default_factory=dict)
    base_errors: Mapping[str, float] = field(default_factory=dict)
    likeness: Mapping[str, float] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write them as JSON.

        Raises:
            OSError: the file cannot be written.
        """
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_facts(path: Path) -> TrainingFacts | None:
    """The facts in a file; None without the file, and, with a warning in the log, if it is no such.

    A model can be used without: nothing is refused for their sake.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        names = {each.name for each in fields(TrainingFacts)}
        return _checked(**{name: value for name, value in values.items() if name in names})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        logger.warning("%s does not tell how the model was trained: %s", path, error)
        return None


def _checked(**values: Any) -> TrainingFacts:
    """The facts, converted to their types: the file may be somebody else's."""
    facts = TrainingFacts(**values)
    return TrainingFacts(
        pictures={str(name): int(count) for name, count in facts.pictures.items()},
        held_out=int(facts.held_out),
        photos=int(facts.photos),
        squares=int(facts.squares),
        seconds=float(facts.seconds),
        finished=str(facts.finished),
        version=str(facts.version),
        began_with=None if facts.began_with is None else str(facts.began_with),
        errors=_numbers(facts.errors),
        base_errors=_numbers(facts.base_errors),
        likeness=_numbers(facts.likeness),
    )


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in values.items() if math.isfinite(value)}
