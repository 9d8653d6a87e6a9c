"""Whether training helped: whose patches the paintings are taken for; else, ratios of errors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gan_style.training.likeness import Likeness
from gan_style.training.validation import FEWEST, Quality

BETTER, SAME, WORSE = "better", "about the same", "worse"
STYLE_ERRORS = {"stroke": "stroke error", "gram": "style error"}

_NEAR = 0.05  # a ratio that is no further from 1 counts as the same
_SURE = 2.0  # standard errors; a difference of likeness that is no larger counts as none
_SEEN = 0.02  # and so does one that moves a smaller share of the patches


def in_words(ratio: float) -> str:
    """What a ratio of errors means: within 5 % of 1 they are about the same; nan is worse."""
    if ratio < 1 - _NEAR:
        return BETTER
    return SAME if ratio <= 1 + _NEAR else WORSE


@dataclass(frozen=True)
class Verdict:
    """Better, about the same, or worse than the base model, which is the one training began with.

    The rule, where likeness could be measured: a classifier that has learned to tell patches of
    the collection's pictures from patches of photos and of the base model's paintings is asked
    about paintings of other photos by both models. The model is better if, photo by photo, the
    log-odds of the collection are higher by more than two standard errors, and at least two
    patches more in a hundred are taken for the collection's; worse if both are as much lower; else
    about the same. Two standard errors alone are too few: the base model with a slightly different
    code is further from itself, but moves hardly a patch.

    Where it could not be measured, for want of photos or pictures, the stroke and the style error
    are compared, on the pictures held out if there are at least 3 of them, else on those trained
    on. The verdict goes by their geometric mean; but where one of the two is worse it is not better
    than "about the same". The content error is no part of it: it is what style is paid with.

    before, after: quality of the base model and of the trained one. held_out: pictures held out.
    likeness: of both models' paintings to the collection; None if it is not known.
    """

    before: Quality
    after: Quality
    held_out: int
    likeness: Likeness | None = None

    @property
    def by_held_out(self) -> bool:
        """Whether, of the errors, those on pictures held out decide, and not on those learned."""
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
        if self.likeness is not None:
            return _by_likeness(self.likeness)
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
        line = f"{self.word} {'as' if self.word == SAME else 'than'} the base model"
        if self.likeness is None:
            pictures = "held out" if self.by_held_out else "trained on"
            return f"{line}, by the errors on pictures {pictures}"
        base, mine, own = (
            f"{100 * share:.0f} %"
            for share in (self.likeness.base, self.likeness.mine, self.likeness.own)
        )
        return (
            f"{line}: {mine} of patches of its paintings are taken for yours, {base} of the base "
            f"model's, {own} of your own pictures"
        )

    def _ratios(self) -> list[float]:
        if self.by_held_out:
            return [*ratios(self.before.held_out, self.after.held_out).values()]
        return [*ratios(self.before.learned, self.after.learned).values()]


def _by_likeness(likeness: Likeness) -> str:
    moved = likeness.mine - likeness.base
    if likeness.deviations > _SURE and moved >= _SEEN:
        return BETTER
    return WORSE if likeness.deviations < -_SURE and moved <= -_SEEN else SAME


def ratios(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Stroke and style error after training over those before it, as far as both are known."""
    known = [name for name in STYLE_ERRORS if name in before and name in after]
    return {name: after[name] / max(before[name], 1e-9) for name in known}
