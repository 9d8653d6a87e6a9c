"""Reflection padding that keeps channels last in memory.

Shapes: B pictures, C channels, H rows, W columns.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def reflection_pad(maps: Tensor, width: int) -> Tensor:
    """Mirror maps beyond their borders, without repeating the border itself.

    `torch.nn.functional.pad` with mode "reflect". On CUDA that rearranges maps from channels last
    to channels first and back, in both directions, which took a quarter of a training step; there
    `ChannelsLastReflection` takes its place, with the same values.

    Args:
        maps: (B, C, H, W) of any floating type.
        width: pixels added on each side, below H and W.

    Returns:
        (B, C, H + 2 * width, W + 2 * width).
    """
    if maps.device.type == "cuda":
        out: Tensor = ChannelsLastReflection.apply(maps, width)
        return out
    with torch.autocast(maps.device.type, enabled=False):  # it would pad in float32
        return F.pad(maps, (width,) * 4, mode="reflect")


class ChannelsLastReflection(torch.autograd.Function):
    """Reflection padding by copying rows and columns; the result has its channels last.

    First columns, then rows over the whole new width, so that the corners come along. The gradient
    adds up in the opposite order.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, width: int) -> Tensor:
        count, channels, height, columns = maps.shape
        ctx.width = width
        padded = torch.empty(
            (count, channels, height + 2 * width, columns + 2 * width),
            dtype=maps.dtype,
            device=maps.device,
            memory_format=torch.channels_last,
        )
        middle = padded[:, :, width : width + height]
        middle[..., width : width + columns] = maps
        for border, inside in _reflections(width, columns):
            middle[..., border] = maps[..., inside]
        for border, inside in _reflections(width, height):
            padded[:, :, border] = middle[:, :, inside]
        return padded

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        width: int = ctx.width
        height, columns = (side - 2 * width for side in gradient.shape[2:])
        middle = _copy(gradient[:, :, width : width + height])
        for border, inside in _reflections(width, height):
            middle[:, :, inside] += gradient[:, :, border]
        inner = _copy(middle[..., width : width + columns])
        for border, inside in _reflections(width, columns):
            inner[..., inside] += middle[..., border]
        return inner, None


def _reflections(width: int, side: int) -> list[tuple[int, int]]:
    """Pairs of a place in the border, counted in the padded side, and its mirror image inside."""
    before = [(width - 1 - step, 1 + step) for step in range(width)]
    after = [(width + side + step, side - 2 - step) for step in range(width)]
    return before + after


def _copy(maps: Tensor) -> Tensor:
    return maps.clone(memory_format=torch.channels_last)
