"""Refining a style code: the pictures of its collection are weighted, and the model is kept.

A collection's mean code is not always the one with which the model paints it best. So the weights
of that mean are optimized until paintings have the statistics of the collection. Only the weights:
a code that may move in every direction, as Abdal et al. (2019, section 4) move StyleGAN's, leaves
the codes that the generator was trained on, and paints worse
(docs/experiments/2026-11-26-refinement-weights.md).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam

from gan_style.config import Config
from gan_style.data.collection import Style, read_each
from gan_style.data.dataset import BatchDataset, decode_image
from gan_style.errors import ConfigError, PictureError
from gan_style.sizes import READING_SIDE
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.terms import build_picture_losses

_RATE = 0.1  # of the weights' logarithms, a step
_KEPT = 0.5  # share of the time, at its end, over which the weights are averaged


def refine(
    stylizer: Stylizer,
    code: StyleCode,
    pictures: Sequence[Path],
    photos: Sequence[Path],
    seconds: float,
    config: Config = Config(),  # noqa: B008, it is frozen
    progress: Callable[[float], object] = lambda share: None,
) -> StyleCode:
    """Weight the pictures of a code until the model's paintings have the collection's statistics.

    Adam minimizes the losses on pictures; returned is the code of the mean weights over the second
    half of the time.

    Args:
        stylizer: of the model, which is not changed.
        code: the collection's; its spread, name and the rest are kept, the mean is replaced.
        pictures: of the collection. Those that cannot be read are left out.
        photos: to paint on the way.
        seconds: how long, above 0.
        config: gives squares, batch size and weights.
        progress: called with the share of the time that is over.

    Raises:
        ConfigError: seconds is not above 0.
        PictureError: fewer than two pictures, or no photo, can be read.
    """
    if not seconds > 0:
        raise ConfigError(f"seconds is {seconds}; allowed: above 0")
    loss_of = _Objective(stylizer, config, pictures, photos)
    single = [stylizer.encode(path).read_at(code.sides) for path in loss_of.pictures]
    codes = torch.stack([each.at(READING_SIDE) for each in single])  # (n, d)
    weights = _optimize_weights(codes.to(stylizer.device), loss_of, seconds, progress)
    means = torch.stack([each.mean for each in single])  # (n, R, d)
    return replace(code, mean=torch.einsum("n,nrd->rd", weights.cpu(), means))


def _optimize_weights(
    codes: Tensor,
    loss_of: Callable[[Tensor, int], Tensor],
    seconds: float,
    progress: Callable[[float], object],
) -> Tensor:
    """Minimize the loss of a weighted mean of (n, d) codes; returns the (n,) weights, of sum 1."""
    logits = torch.zeros(len(codes), device=codes.device, requires_grad=True)
    optimizer = Adam([logits], lr=_RATE, betas=(0.9, 0.99))
    kept: list[Tensor] = []
    for step, share in _clock(seconds):
        progress(min(1.0, share))
        (logits.grad,) = torch.autograd.grad(loss_of(logits.softmax(0) @ codes, step), [logits])
        if torch.isfinite(logits.grad).all():  # a square of one color may give none
            optimizer.step()
        if share >= 1 - _KEPT:
            kept.append(logits.detach().softmax(0))
    return torch.stack(kept).mean(0)


def _clock(seconds: float) -> Iterator[tuple[int, float]]:
    """Number the steps, with the share of the time that is over; the last one has all of it."""
    began, share = time.monotonic(), 0.0
    for step in count():
        yield step, share
        if share >= 1:
            return
        share = (time.monotonic() - began) / seconds


def _batches(config: Config, pictures: Sequence[Path], photos: Sequence[Path]) -> BatchDataset:
    """Batches whose sets have any size up to the batch's; their statistics are to be matched."""
    every = [*pictures, *photos]
    memory, bad = read_each(partial(decode_image, size=config.data.size), every)
    style, content = (
        Style(name, tuple(path for path in paths if path not in bad))
        for name, paths in (("style", pictures), ("content", photos))
    )
    if len(style.paths) < 2 or not content.paths:
        raise PictureError(
            f"{len(style.paths)} of {len(pictures)} pictures and {len(content.paths)} of "
            f"{len(photos)} photos can be read; refining needs two pictures and a photo"
        )
    whole = config.data.plain()
    data = replace(whole, max_examples=config.train.batch_size, picture_is_style=False)
    return BatchDataset(data, config.train.batch_size, config.train.seed, [style], content, memory)


class _Objective:
    """The weighted sum of the losses of the model's paintings with a code, on a step's batch."""

    def __init__(
        self, stylizer: Stylizer, config: Config, pictures: Sequence[Path], photos: Sequence[Path]
    ) -> None:
        self.stylizer = stylizer
        self.batches = _batches(config, pictures, photos)
        self.pictures = self.batches.styles[0].paths
        self.losses = build_picture_losses(config, stylizer.device, stylizer.autocast)

    def __call__(self, code: Tensor, step: int) -> Tensor:
        batch = self.batches[step].batch(self.stylizer.device)
        with self.stylizer.autocast():
            painted = self.stylizer.model(batch.content, code.expand(len(batch.content), -1))
        style, set_size = batch.style.flatten(0, 1), batch.style.shape[1]
        terms = self.losses.terms(painted, batch.content, style, set_size)
        weights = self.losses.weights
        return torch.stack([weights[name] * term for name, term in terms.items()]).sum()
