"""The quality of the averaged model in training: losses to compare, and sample grids to see."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from PIL import Image
from torch import Tensor

from gan_style.data.grid import picture_grid
from gan_style.data.training_data import TrainingData
from gan_style.training.trainer import Trainer

FEWEST = 3
"""Held-out pictures from which on they decide which checkpoint is best."""
_TOLERANCE = 0.1
_SHOWN_CONTENT, _SHOWN_STYLES = 4, 4


@dataclass(frozen=True)
class Quality:
    """Terms of `Trainer.evaluate` on pictures that were trained on, and on those held out.

    Empty where nothing was measured; equal where nothing is held out.
    """

    learned: Mapping[str, float] = field(default_factory=dict)
    held_out: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Best:
    """The checkpoint that is kept as the best so far: its score and terms on held-out pictures.

    step: of the checkpoint.
    lowest: of all scores so far.
    later: checkpoints since that one.
    """

    score: float = math.inf
    step: int = 0
    terms: Mapping[str, float] = field(default_factory=dict)
    lowest: float = math.inf
    later: int = 0

    def updated(self, step: int, terms: Mapping[str, float], held_out_count: int) -> "Best":
        """The best of this one and a new checkpoint.

        That is the new one, unless its score is over a tenth above the lowest. The score knows
        nothing of the adversarial loss, which moves the hand: the base model is near the minimum of
        the rest, and the lowest score is often that of a model which has learned next to nothing.
        With fewer than FEWEST pictures held out every new one with a finite score is best.
        """
        score = terms["score"]
        few, known = held_out_count < FEWEST, math.isfinite(score)
        lowest = min(score, self.lowest) if known else self.lowest
        later = 0 if known and (few or score < self.lowest) else self.later + 1
        if known and (few or score <= lowest * (1 + _TOLERANCE)):
            return Best(score, step, terms, lowest, later)
        return replace(self, lowest=lowest, later=later)


def validation_terms(trainer: Trainer, data: TrainingData) -> dict[str, float]:
    """Terms of `Trainer.evaluate` on pictures held out, or trained on where none are."""
    return trainer.evaluate(data.validation())


def measure_quality(
    trainer: Trainer, data: TrainingData, held_out: Mapping[str, float] | None = None
) -> Quality:
    """Evaluate the averaged model.

    Args:
        trainer: of the model.
        data: pictures trained on and held out.
        held_out: `validation_terms`, where they are known and finite.
    """
    if held_out is None:
        held_out = validation_terms(trainer, data)
    if data.held_out_count or not held_out:
        return Quality(trainer.evaluate(data.training()), held_out)
    return Quality(held_out, held_out)  # both are of the same batch


@torch.inference_mode()
def sample_grid(trainer: Trainer, data: TrainingData) -> Image.Image:
    """Rows of a photo and its painting in each style, under a row of the styles' examples."""
    content, styles = data.samples(_SHOWN_CONTENT)
    styles = styles[:_SHOWN_STYLES]
    blank = torch.ones(3, 8, 8)
    codes = [_code(trainer, pictures) for _, pictures in styles]
    rows = [[blank, *(pictures[0] for _, pictures in styles)]]
    for photo in content:
        painted = [_paint(trainer, photo, code) for code in codes]
        rows.append([photo, *painted])
    return picture_grid(rows, ["photo", *(name for name, _ in styles)])


def _code(trainer: Trainer, pictures: list[Tensor]) -> Tensor:
    """(1, d): the mean code of pictures (3, h, w) by the averaged encoder."""
    codes = [trainer.average.encode(p[None, None].to(trainer.device)) for p in pictures]
    return torch.cat(codes).mean(0, keepdim=True)


def _paint(trainer: Trainer, photo: Tensor, code: Tensor) -> Tensor:
    """(3, H, W) painted by the averaged generator."""
    painted: Tensor = trainer.average(photo[None].to(trainer.device), code)
    return painted[0].cpu()
