"""Instant style: the code of a collection is moved, and the model stays as it is.

What a set of pictures has in common with none that the model was trained on, its encoder does not
say in full; but the generator may be able to paint it. So the code itself is optimised (as Abdal
et al. 2019 do with StyleGAN's, section 4) until paintings have the statistics of the collection.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam

from gan_style.batch import Batch, Pictures, decoded
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
    config: Config | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> StyleCode:
    """Move a code until the model's paintings have the collection's statistics.

    Minimised are the content, Gram, moments, stroke and total variation losses with their weights
    in training, by Adam; returned is the mean code over the second half of the time.

    Args:
        stylizer: of the model, which is not changed.
        code: to begin with, the collection's own.
        pictures: of the collection. Those that cannot be read are passed over.
        photos: to paint on the way.
        seconds: how long, above 0.
        config: gives batch size, squares and weights; None: the defaults.
        progress: told the share of the time that is over.

    Raises:
        ValueError: seconds is not above 0, or not one picture or photo can be read.
    """
    if not seconds > 0:
        raise ValueError(f"seconds is {seconds}; allowed: above 0")
    config = config or Config()
    batches = _batches(config, pictures, photos)
    perception = Perception(config.features, stylizer.device, stylizer.autocast)
    weights = asdict(config.losses)
    start = code.mean.to(stylizer.device)
    moved = start.clone().requires_grad_(True)
    size = start.square().mean().sqrt().clamp(min=1e-3).item()
    optimizer = Adam([moved], lr=_RATE * size, betas=(0.9, 0.99))
    began, step, kept, count = time.monotonic(), 0, torch.zeros_like(start), 0
    while (share := (time.monotonic() - began) / seconds) < 1 or not count:
        progress(min(1.0, share))
        optimizer.zero_grad()
        loss = _loss(stylizer, perception, weights, moved, batches[step][0])
        loss.backward()  # type: ignore[no-untyped-call]
        if torch.isfinite(moved.grad).all():  # a square of one colour may give none
            optimizer.step()
        step += 1
        if share >= 1 - _KEPT:
            kept, count = kept + moved.detach(), count + 1
    return replace(code, mean=(kept / count).cpu())


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


def _loss(
    stylizer: Stylizer,
    perception: Perception,
    weights: Mapping[str, float],
    code: Tensor,
    batch: Batch,
) -> Tensor:
    batch = batch.to(stylizer.device)
    with stylizer.autocast():
        painted = stylizer.model(batch.content, code.expand(len(batch.content), -1))
    style = batch.style.flatten(0, 1)
    terms, _ = perception.terms(painted, batch.content, style, batch.style.shape[1])
    parts = [weights[name] * term for name, term in terms.items() if name in weights]
    return torch.stack(parts).sum()
