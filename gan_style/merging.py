"""One model of several, by the mean of their weights.

Models that were trained from the same weights lie so near to each other that a model of their mean
weights paints, too, somewhere between them (Wortsman et al. 2022). Halfway between the base model
and a personal one it keeps as much of the photo as the personal one at less strength, and more of
the style (docs/experiments/2026-11-28-merged-models.md).
"""

from collections.abc import Sequence

import torch

from gan_style.errors import ModelError
from gan_style.models.style_model import StyleModel
from gan_style.pretrained import Pretrained
from gan_style.style_code import proportions


def merge_models(models: Sequence[Pretrained], weights: Sequence[float]) -> StyleModel:
    """The weighted mean of the networks of models, on the CPU.

    Args:
        models: that were trained from the same one, which may be among them.
        weights: one for each, brought to sum 1. A negative one leads away from its model.

    Raises:
        ModelError: differing counts, weights that sum to 0, networks of different sizes, or files
            that do not fit together.
    """
    shares = proportions(weights, len(models), "models", ModelError)
    first, *others = models
    for other in others:
        if other.config != first.config:
            raise ModelError(
                f"models of different sizes cannot be merged: {first.path} is {first.config}, "
                f"{other.path} is {other.config}"
            )
    merged, *rest = (model.build() for model in models)
    states = [each.state_dict() for each in (merged, *rest)]
    for name, values in states[0].items():
        if values.is_floating_point():  # all but a count of batches
            each = [share * state[name] for share, state in zip(shares, states, strict=True)]
            values.copy_(torch.stack(each).sum(0))
    return merged
