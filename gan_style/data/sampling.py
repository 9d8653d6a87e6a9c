"""Which pictures a step is trained on: the sets of a batch, and how each of them is shown.

What is drawn follows from the two streams of random numbers alone. The second one is for what is
off by default: turning that on leaves all other choices as they were.
"""

import math
from dataclasses import dataclass

import numpy as np

from gan_style.config import DataConfig


@dataclass(frozen=True)
class DrawnSet:
    """A set of K pictures of one style, for K content pictures.

    style: index of the style.
    pictures: (K,) indices of its pictures.
    sources: (K,) indices of its pictures that are destylized and take the photos' place; empty:
        there are photos. Never both: else the set's statistics could be met by what is painted
        from pictures of the style alone.
    zoom: by how much the set's pictures are enlarged, 1 for `data.size`.
    photo_zooms: (K,) by how much each photo is.
    """

    style: int
    pictures: tuple[int, ...]
    sources: tuple[int, ...]
    zoom: float
    photo_zooms: tuple[float, ...]


def draw_set_size(config: DataConfig, batch_size: int, rng: np.random.Generator) -> int:
    """Draw K, a divisor of the batch's size, from 1 to `config.max_examples`."""
    if config.picture_is_style:
        return 1
    if config.set_shares is None:
        sizes = [k for k in range(1, config.max_examples + 1) if batch_size % k == 0]
        return sizes[rng.integers(len(sizes))]
    shares = {2**power: share for power, share in enumerate(config.set_shares)}
    shares = {k: s for k, s in shares.items() if k <= config.max_examples and batch_size % k == 0}
    total = math.fsum(shares.values())
    if not total:  # no size that was given a share fits
        return 1
    return int(rng.choice(list(shares), p=[share / total for share in shares.values()]))


def draw_sets(
    config: DataConfig,
    works: list[int],
    sets: int,
    set_size: int,
    rng: np.random.Generator,
    further: np.random.Generator,
) -> list[DrawnSet]:
    """Draw the sets of a batch.

    Args:
        config: of the data.
        works: number of pictures of each style, each at least 1.
        sets: how many are drawn, of styles as different as can be.
        set_size: K.
        rng: draws styles and pictures.
        further: draws the rest.
    """
    shares = None
    if config.sampling_exponent:
        powers = np.asarray(works, dtype=np.float64) ** config.sampling_exponent
        shares = powers / powers.sum()
    chosen = _different(rng, len(works), sets, shares)
    pictures = [_different(rng, works[style], set_size) for style in chosen]
    return [
        _shown(config, style, mine, works[style], further)
        for style, mine in zip(chosen, pictures, strict=True)
    ]


def _shown(
    config: DataConfig, style: int, pictures: list[int], works: int, rng: np.random.Generator
) -> DrawnSet:
    """Decide how a set is shown. As many numbers are drawn whatever is turned on."""
    chances = (config.repeated, config.destylized, config.zoomed)
    repeated, destylized, zoomed = (rng.random(3) < chances).tolist()
    low, high = config.zoom_range
    zooms = low * (high / low) ** rng.random(1 + len(pictures))  # each ratio as likely
    places = rng.random(len(pictures))
    if not zoomed:
        zooms = np.ones_like(zooms)
    if repeated:
        pictures = pictures[:1] * len(pictures)
    others = [index for index in range(works) if index not in pictures]
    # of one picture shown many times the code is to be that picture's
    from_these = others if others and not repeated else sorted(set(pictures))
    sources = [from_these[int(place * len(from_these))] for place in places] if destylized else []
    zoom, *photo_zooms = zooms.tolist()
    return DrawnSet(style, tuple(pictures), tuple(sources), zoom, tuple(photo_zooms))


def _different(
    rng: np.random.Generator, number: int, wanted: int, shares: np.ndarray | None = None
) -> list[int]:
    """Draw `wanted` of `number` indices; none comes again before all have come."""
    chosen: list[int] = []
    while len(chosen) < wanted:
        few = min(number, wanted - len(chosen))
        chosen += rng.choice(number, few, replace=False, p=shares).tolist()
    return chosen
