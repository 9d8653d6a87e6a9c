"""Resizing of maps that have a gradient, whose sums can be taken in one order on a GPU, too.

Shapes: B pictures, C channels, H rows, W columns.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def doubled(maps: Tensor) -> Tensor:
    """Bilinear: (B, C, H, W) -> (B, C, 2 H, 2 W)."""
    if _in_fixed_order(maps):
        sides = [2 * side for side in maps.shape[2:]]
        out: Tensor = FixedOrderResize.apply(maps, sides, "bilinear")
        return out
    return F.interpolate(maps, scale_factor=2, mode="bilinear")


def reduced(pictures: Tensor, sides: Sequence[int]) -> Tensor:
    """Bicubic, with a wider kernel against aliasing: (B, C, H, W) -> (B, C, *sides)."""
    if _in_fixed_order(pictures):
        out: Tensor = FixedOrderResize.apply(pictures, list(sides), "bicubic")
        return out
    return F.interpolate(pictures, sides, mode="bicubic", antialias=True)


def _in_fixed_order(maps: Tensor) -> bool:
    """Whether PyTorch's own gradient would be refused (bicubic) or slow (bilinear)."""
    return not maps.is_cpu and torch.are_deterministic_algorithms_enabled()


class FixedOrderResize(torch.autograd.Function):
    """Resizing whose gradient adds up in a fixed order.

    PyTorch's kernels for CUDA let threads add to the gradient as they come, so that it is rounded
    otherwise each time. Here every pixel collects its share from those it went into, along one side
    after the other.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, sides: list[int], mode: str) -> Tensor:
        ctx.mode, ctx.before = mode, maps.shape[2:]
        return F.interpolate(maps, sides, mode=mode, antialias=mode == "bicubic")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        total = gradients[0].float()
        for dimension, before in zip((2, 3), ctx.before, strict=True):
            total = _collected(total, dimension, before, ctx.mode)
        return total.to(gradients[0].dtype), None, None


def _collected(gradient: Tensor, dimension: int, before: int, mode: str) -> Tensor:
    """The gradient along one dimension of maps that had `before` places there."""
    places, shares = _destinations(before, gradient.shape[dimension], mode)
    shape = [1] * gradient.ndim
    shape[dimension] = before
    total = torch.zeros((), device=gradient.device)
    for place, share in zip(places, shares, strict=True):
        place, share = (each.to(gradient.device, non_blocking=True) for each in (place, share))
        total = total + gradient.index_select(dimension, place) * share.reshape(shape)
    return total


@lru_cache(maxsize=64)
def _destinations(before: int, after: int, mode: str) -> tuple[Tensor, Tensor]:
    """Into which places of a resized side each place goes, and with which weight.

    Returns:
        (n, before) int64 and (n, before) float32; a place that goes into fewer than n others has
        weight 0 for the rest.
    """
    each = torch.eye(before)[None, None]  # a row for each place, white there alone
    sides = (before, after)
    weights = F.interpolate(each, sides, mode=mode, antialias=mode == "bicubic")[0, 0]
    count = int((weights != 0).sum(1).max())
    places = weights.abs().topk(count, dim=1).indices.sort(dim=1).values  # (before, n)
    return places.T.contiguous(), weights.gather(1, places).T.contiguous()
