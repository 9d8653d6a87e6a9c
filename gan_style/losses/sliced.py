"""Sliced Wasserstein distance of feature maps, plain places apart from detailed ones.

Shapes: B pictures, S sets, C channels, H rows, W columns, R rows and Q columns of places on a
picture, n places of a set, D directions; () is a single number. Pictures are RGB in [0, 1].
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.losses.comparison import Comparison, picture_loss
from gan_style.losses.statistics import Maps, positions_first

SPACING = 4
"""Pixels from one place to the next; a multiple of the strides of the layers compared."""
_STRIDES = (2, 4)  # of the layers compared: relu2_1 and relu3_1 of VGG
_WINDOW = 12  # side in pixels of what tells whether a place is plain
_PARTS = 3  # from the plainest to the most detailed places, equally many in each
_DIRECTIONS = 24
_LEAST = 1e-4  # variance: for styles of one color


def _arguments(seen: Comparison) -> tuple[object, ...]:
    plainness = (plainness_of(seen.photos), plainness_of(seen.style))
    maps = (seen.painting_maps, seen.style_maps)
    return *maps, *plainness, seen.set_size, seen.strides, seen.rng


@picture_loss("sliced", _arguments)
def sliced_loss(
    generated: Maps,
    style: Maps,
    photo_plainness: Tensor,
    style_plainness: Tensor,
    set_size: int,
    strides: Mapping[str, int],
    rng: torch.Generator,
) -> Tensor:
    """Squared distance of sorted projections of maps, relative to their variance in the style.

    The sliced Wasserstein loss of Heitz et al. (2021). It compares whole distributions, where Gram
    matrices know only their second moments. Other than in the paper, places of all pictures of a
    set are pooled, as the other style statistics are here, and parted in thirds by how plain the
    picture is around them: plain places of photos are compared with plain places of the style.
    There are fewer directions than channels, and of the layers with a position for every 2 or 4 px
    (relu2_1 and relu3_1 of VGG) one place counts for every `SPACING` px.

    Args:
        generated: maps of the paintings, by layer, (B, C, h, w), set after set.
        style: maps of the style pictures, (B, C, h', w').
        photo_plainness: `plainness_of` the photos that were painted.
        style_plainness: `plainness_of` the style pictures.
        set_size: pictures in a set.
        strides: of the maps, in pixels, by layer.
        rng: on the CPU; draws the directions.

    Returns:
        (), 0 where the distributions are equal.
    """
    terms = []
    for layer in [name for name, stride in strides.items() if stride in _STRIDES]:
        directions = torch.randn(generated[layer].shape[1], _DIRECTIONS, generator=rng)
        directions = F.normalize(directions, dim=0).to(generated[layer].device, non_blocking=True)
        step = SPACING // strides[layer]
        with torch.no_grad():
            target = _sorted(style[layer], directions, step, style_plainness, set_size)
        found = _sorted(generated[layer], directions, step, photo_plainness, set_size)
        target = _quantiles(target, found.shape[2])
        variance = target.flatten(1, 2).var(1, correction=0).mean().clamp(min=_LEAST)
        terms.append((found - target).square().mean() / variance)
    return torch.stack(terms).mean()


@torch.no_grad()
def plainness_of(pictures: Tensor) -> Tensor:
    """Variance of the gray picture around every fourth pixel of every fourth row; low where plain.

    Shape: (B, 3, H, W) -> (B, R, Q), R = H // 4 and Q = W // 4.
    """
    gray = to_gray(pictures)

    def mean(values: Tensor) -> Tensor:
        padding = (_WINDOW - SPACING) // 2
        return F.avg_pool2d(values, _WINDOW, SPACING, padding, count_include_pad=False)

    return (mean(gray.square()) - mean(gray).square())[:, 0]


def _sorted(
    maps: Tensor, directions: Tensor, step: int, plainness: Tensor, set_size: int
) -> Tensor:
    """Project the places of each set, and sort those of each part: (S, parts, n / parts, D)."""
    maps = maps[:, :, ::step, ::step]
    rows, columns = (min(sides) for sides in zip(maps.shape[2:], plainness.shape[1:], strict=True))
    projected = positions_first(maps[:, :, :rows, :columns]) @ directions  # (B, R * Q, D)
    pooled = projected.reshape(-1, set_size * rows * columns, directions.shape[1])  # (S, n, D)
    plain = plainness[:, :rows, :columns].reshape(len(pooled), -1)  # (S, n)
    order = plain.argsort(dim=1, stable=True)
    in_order = pooled.gather(1, order[..., None].expand_as(pooled))
    part = pooled.shape[1] // _PARTS
    parts = in_order[:, : _PARTS * part].reshape(len(pooled), _PARTS, part, -1)
    return torch.sort(parts, dim=2).values


def _quantiles(values: Tensor, count: int) -> Tensor:
    """Take `count` numbers, evenly, of sorted ones along dimension 2."""
    places = torch.arange(count, device=values.device)
    return values[:, :, (2 * places + 1) * values.shape[2] // (2 * count)]
