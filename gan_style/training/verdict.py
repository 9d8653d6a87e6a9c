"""Whether training helped: errors of the trained model over those of the base model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gan_style.training.validation import FEWEST, Quality

BETTER, SAME, WORSE = "better", "about the same", "worse"
STYLE_ERRORS = {"stroke": "stroke error", "gram": "style error"}

_NEAR = 0.05  # a ratio that is no further from 1 counts as the same


def in_words(ratio: float) -> str:
    """What a ratio of errors means: within 5 % of 1 they are about the same; nan is worse."""
    if ratio < 1 - _NEAR:
        return BETTER
    return SAME if ratio <= 1 + _NEAR else WORSE


@dataclass(frozen=True)
class Verdict:
    """Better, about the same, or worse than the base model, which is the one training began with.

    The rule: the stroke and the style error are compared, on the pictures held out if there are at
    least 3 of them, else on those trained on. The verdict goes by their geometric mean; but where
    one of the two is worse it is not better than "about the same". The content error is no part of
    it: it is what style is paid with.

    before, after: quality of the base model and of the trained one. held_out: pictures held out.
    """

    before: Quality
    after: Quality
    held_out: int

    @property
    def by_held_out(self) -> bool:
        """Whether pictures held out decide, and not those trained on."""
        known = ratios(self.before.held_out, self.after.held_out)
        return self.held_out >= FEWEST and bool(known)

    @property
    def ratio(self) -> float | None:
        """Geometric mean of the ratios of the errors; None if none is known, as from scratch."""
        known = self._ratios()
        if not known:
            return None
        return math.exp(math.fsum(math.log(max(r, 1e-9)) for r in known) / len(known))

    @property
    def word(self) -> str | None:
        """BETTER, SAME or WORSE; None where there is nothing to compare."""
        if self.ratio is None:
            return None
        word = in_words(self.ratio)
        return SAME if word == BETTER and WORSE in map(in_words, self._ratios()) else word

    @property
    def worse_errors(self) -> list[str]:
        """The errors that are worse on any pictures, named."""
        pairs = (
            (self.before.learned, self.after.learned),
            (self.before.held_out, self.after.held_out),
        )
        worse = {
            name for pair in pairs for name, r in ratios(*pair).items() if in_words(r) == WORSE
        }
        return [STYLE_ERRORS[name] for name in STYLE_ERRORS if name in worse]

    def line(self) -> str:
        """The verdict as text; there has to be one."""
        pictures = "pictures held out" if self.by_held_out else "pictures trained on"
        line = f"{self.word} than" if self.word != SAME else f"{self.word} as"
        return f"{line} the base model, by the {pictures}"

    def _ratios(self) -> list[float]:
        if self.by_held_out:
            return [*ratios(self.before.held_out, self.after.held_out).values()]
        return [*ratios(self.before.learned, self.after.learned).values()]


def ratios(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Stroke and style error after training over those before it, as far as both are known."""
    known = [name for name in STYLE_ERRORS if name in before and name in after]
    return {name: after[name] / max(before[name], 1e-9) for name in known}
