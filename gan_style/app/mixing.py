"""Styles mixed, each with its share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_style.app.catalog import Choice
from gan_style.errors import StyleError
from gan_style.style_code import StyleCode


@dataclass(frozen=True)
class Mixture:
    """A mixed style, and the place of the model that paints it."""

    code: StyleCode
    model: str | Path


def mixed(chosen: Sequence[tuple[Choice, float]]) -> Mixture:
    """Mix styles.

    Args:
        chosen: styles of one model, each with its weight; one at least.

    Raises:
        StyleError: of different models, or all weights are 0.
    """
    choices = [choice for choice, _ in chosen]
    if len({choice.code.model for choice in choices}) > 1:
        names = ", ".join(choice.label for choice in choices)
        raise StyleError(
            f"{names} were learned by different models, and only styles of one model can be mixed"
        )
    weights = [weight for _, weight in chosen]
    if not sum(weights):
        raise StyleError("all shares are 0; at least one has to be above 0")
    return Mixture(StyleCode.mix([choice.code for choice in choices], weights), choices[0].model)
