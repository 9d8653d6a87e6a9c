"""Instant style: a code listens more to some pictures of its collection; the model stays as it is.

The mean over a collection is not always what the model paints it best with. So the weights of that
mean are optimized until paintings have the statistics of the collection. Only the weights: a code
that may move in every direction, as Abdal et al. (2019, section 4) move StyleGAN's, goes where the
generator was never taught, and paints worse for it (docs/LOG.md, 2026-11-26).
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

from gan_style.config import Config
from gan_style.data.collection import Style, read_each
from gan_style.data.dataset import Pictures, decode_image
from gan_style.errors import PictureError
from gan_style.losses.picture_losses import PictureLosses
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

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
    """Weigh the pictures of a code until the model's paintings have the collection's statistics.

    Adam minimizes the picture losses; returned is the code of the mean weights over the second
    half of the time.

    Args:
        stylizer: of the model, which is not changed.
        code: to begin with, the collection's own; its spread, name and the like are kept.
        pictures: of the collection. Those that cannot be read are passed over.
        photos: to paint on the way.
        seconds: how long, above 0.
        config: gives squares, batch size and weights.
        progress: told the share of the time that is over.

    Raises:
        ValueError: seconds is not above 0, or fewer than two pictures or no photo can be read.
    """
    if not seconds > 0:
        raise ValueError(f"seconds is {seconds}; allowed: above 0")
    loss_of = _Objective(stylizer, config, pictures, photos)
    codes = torch.stack([stylizer.encode(path).mean for path in loss_of.pictures])  # (n, d)
    weights = _weigh(codes.to(stylizer.device), loss_of, seconds, progress)
    return replace(code, mean=weights.cpu() @ codes)


def _weigh(
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


def _batches(config: Config, pictures: Sequence[Path], photos: Sequence[Path]) -> Pictures:
    """Sets of one to all of a batch's squares: what they have in common is asked for."""
    every = [*pictures, *photos]
    memory, bad = read_each(partial(decode_image, size=config.data.size), every)
    style, content = (
        Style(name, tuple(path for path in paths if path not in bad))
        for name, paths in (("style", pictures), ("content", photos))
    )
    if len(style.paths) < 2 or not content.paths:
        raise PictureError(
            f"{len(style.paths)} of {len(pictures)} pictures and {len(content.paths)} of "
            f"{len(photos)} photos can be read; refining weighs two pictures or more, on a photo"
        )
    data = replace(config.data, max_examples=config.train.batch_size, picture_is_style=False)
    return Pictures(data, config.train.batch_size, config.train.seed, [style], content, memory)


class _Objective:
    """The losses of the model's paintings with a code, on the batch of a step."""

    def __init__(
        self, stylizer: Stylizer, config: Config, pictures: Sequence[Path], photos: Sequence[Path]
    ) -> None:
        self.stylizer = stylizer
        self.batches = _batches(config, pictures, photos)
        self.pictures = self.batches.styles[0].paths
        self.picture_losses = PictureLosses(config.features, stylizer.device, stylizer.autocast)
        self.weights = asdict(config.losses)

    def __call__(self, code: Tensor, step: int) -> Tensor:
        batch = self.batches[step][0].to(self.stylizer.device)
        with self.stylizer.autocast():
            painted = self.stylizer.model(batch.content, code.expand(len(batch.content), -1))
        style, examples = batch.style.flatten(0, 1), batch.style.shape[1]
        terms = self.picture_losses.terms(painted, batch.content, style, examples)
        return torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
