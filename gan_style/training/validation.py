"""A look at the model in training: sample grids, and numbers to choose the best by."""

import torch
from torch import Tensor

from gan_style.data.training_data import TrainingData
from gan_style.training.trainer import Trainer

SHOWN_CONTENT, SHOWN_STYLES = 4, 4


@torch.inference_mode()
def sample_rows(trainer: Trainer, data: TrainingData) -> tuple[list[list[Tensor]], list[str]]:
    """Rows (photo, then a painting in each style) under a row of examples, and their headings."""
    content, styles = data.samples(SHOWN_CONTENT)
    styles = styles[:SHOWN_STYLES]
    blank = torch.ones(3, 8, 8)
    codes = [codes_of(trainer, pictures).mean(0, keepdim=True) for _, pictures in styles]
    rows = [[blank, *(pictures[0] for _, pictures in styles)]]
    for photo in content:
        painted = [paint(trainer, photo, code) for code in codes]
        rows.append([photo, *painted])
    return rows, ["photo", *(name for name, _ in styles)]


def codes_of(trainer: Trainer, pictures: list[Tensor]) -> Tensor:
    """(n, d): the code of each picture by the averaged encoder."""
    return torch.cat([trainer.average.encode(p[None, None].to(trainer.device)) for p in pictures])


def paint(trainer: Trainer, photo: Tensor, code: Tensor) -> Tensor:
    """(3, H, W) painted by the averaged generator."""
    painted: Tensor = trainer.average(photo[None].to(trainer.device), code)
    return painted[0].cpu()


def validation_terms(trainer: Trainer, data: TrainingData) -> dict[str, float]:
    """Picture terms of the averaged model on pictures held out, and "score", their weighted sum.

    The lower the better. The discriminator has no say, because it changes from step to step.
    """
    return trainer.evaluate(data.validation().to(trainer.device))


def training_terms(trainer: Trainer, data: TrainingData) -> dict[str, float]:
    """The same on pictures trained on."""
    return trainer.evaluate(data.training().to(trainer.device))
