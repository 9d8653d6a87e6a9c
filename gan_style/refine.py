"""Instant style: the code of a collection is moved, and the model stays as it is.

What a set of pictures has in common with none that the model was trained on, its encoder does not
say in full; but the generator may be able to paint it. So the code itself is optimised (as Abdal
et al. 2019 do with StyleGAN's, section 4) until paintings have the statistics of the collection.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam

from gan_style.batch import Pictures, decoded
from gan_style.collection import Style, read_each
from gan_style.config import Config
from gan_style.images import PictureError
from gan_style.perception import Perception
from gan_style.style import StyleCode
from gan_style.stylizer import Stylizer

_RATE = 0.03  # of the code's own size, a step
_KEPT = 0.5  # share of the time, at its end, over which the code is averaged


def refine(
    stylizer: Stylizer,
    code: StyleCode,
    pictures: Sequence[Path],
    photos: Sequence[Path],
    seconds: float,
    config: Config = Config(),  # noqa: B008, it is frozen
    progress: Callable[[float], object] = lambda share: None,
) -> StyleCode:
    """Move a code until the model's paintings have the collection's statistics.

    Adam minimises the picture losses; returned is the mean code over the second half of the time.

    Args:
        stylizer: of the model, which is not changed.
        code: to begin with, the collection's own.
        pictures: of the collection. Those that cannot be read are passed over.
        photos: to paint on the way.
        seconds: how long, above 0.
        config: gives squares, batch size and weights.
        progress: told the share of the time that is over.

    Raises:
        ValueError: seconds is not above 0, or not one picture or photo can be read.
    """
    if not seconds > 0:
        raise ValueError(f"seconds is {seconds}; allowed: above 0")
    loss_of = _Objective(stylizer, config, pictures, photos)
    moved = code.mean.clone().to(stylizer.device).requires_grad_(True)
    size = code.mean.square().mean().sqrt().clamp(min=1e-3).item()
    optimizer = Adam([moved], lr=_RATE * size, betas=(0.9, 0.99))
    kept: list[Tensor] = []
    for step, share in _clock(seconds):
        progress(min(1.0, share))
        (moved.grad,) = torch.autograd.grad(loss_of(moved, step), [moved])
        if torch.isfinite(moved.grad).all():  # a square of one colour may give none
            optimizer.step()
        if share >= 1 - _KEPT:
            kept.append(moved.detach().cpu().clone())
    return replace(code, mean=torch.stack(kept).mean(0))


def _clock(seconds: float) -> Iterator[tuple[int, float]]:
    """Number the steps, with the share of the time that is over; the last one has all of it."""
    began, share = time.monotonic(), 0.0
    for step in count():
        yield step, share
        if share >= 1:
            return
        share = (time.monotonic() - began) / seconds


def _batches(config: Config, pictures: Sequence[Path], photos: Sequence[Path]) -> Pictures:
    """Sets of one to all of a batch's squares: what they have in common is asked for."""
    every = [*pictures, *photos]
    memory, bad = read_each(partial(decoded, size=config.data.size), every)
    style, content = (
        Style(name, tuple(path for path in paths if path not in bad))
        for name, paths in (("style", pictures), ("content", photos))
    )
    if not style.paths or not content.paths:
        raise PictureError(f"not one of {len(every)} pictures and photos can be read")
    data = replace(config.data, max_examples=config.train.batch_size, picture_is_style=False)
    return Pictures(data, config.train.batch_size, config.train.seed, [style], content, memory)


class _Objective:
    """The losses of the model's paintings with a code, on the batch of a step."""

    def __init__(
        self, stylizer: Stylizer, config: Config, pictures: Sequence[Path], photos: Sequence[Path]
    ) -> None:
        self.stylizer = stylizer
        self.batches = _batches(config, pictures, photos)
        self.perception = Perception(config.features, stylizer.device, stylizer.autocast)
        self.weights = asdict(config.losses)

    def __call__(self, code: Tensor, step: int) -> Tensor:
        batch = self.batches[step][0].to(self.stylizer.device)
        with self.stylizer.autocast():
            painted = self.stylizer.model(batch.content, code.expand(len(batch.content), -1))
        style, examples = batch.style.flatten(0, 1), batch.style.shape[1]
        terms = self.perception.terms(painted, batch.content, style, examples)
        return torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
