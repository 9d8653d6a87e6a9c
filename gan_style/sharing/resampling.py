"""Reducing pictures without aliasing, by products with matrices of weights.

Exported graphs have this in place of PyTorch's antialiased `interpolate`, for which ONNX has an
attribute that ONNX Runtime knows on the CPU only. Same values: the filter is stretched over as many
pixels as become one, and its weights are brought to sum 1 at the borders, too.

Shapes: B pictures, C channels, H rows, W columns.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

_CUBIC = -0.5
"""Keys's coefficient, which PyTorch has for antialiased bicubic filters."""


def bilinear(
    maps: Tensor, sides: tuple[int, int], align_corners: bool = False, *scales: float | None
) -> Tensor:
    """(B, C, H, W) at other sides with the filter of `mode="bilinear", antialias=True`.

    The arguments are those of PyTorch's operator; corners are never aligned here.
    """
    return _resized(maps, sides, _triangle, 1)


def bicubic(
    maps: Tensor, sides: tuple[int, int], align_corners: bool = False, *scales: float | None
) -> Tensor:
    """(B, C, H, W) at other sides with the filter of `mode="bicubic", antialias=True`.

    The arguments are those of PyTorch's operator; corners are never aligned here.
    """
    return _resized(maps, sides, _keys, 2)


REPLACEMENTS: Mapping[Any, Callable[..., Tensor]] = {
    torch.ops.aten._upsample_bilinear2d_aa.default: bilinear,
    torch.ops.aten._upsample_bicubic2d_aa.default: bicubic,
}
"""PyTorch's operators, and what computes the same without them."""


def _resized(
    maps: Tensor, sides: tuple[int, int], kernel: Callable[[Tensor], Tensor], radius: int
) -> Tensor:
    down = _weights(maps.shape[2], sides[0], kernel, radius, maps.device)
    across = _weights(maps.shape[3], sides[1], kernel, radius, maps.device)
    return down @ maps @ across.mT


def _weights(
    before: int, after: int, kernel: Callable[[Tensor], Tensor], radius: int, device: torch.device
) -> Tensor:
    """(after, before) weights that take so many pixels to so many others."""
    places = torch.arange(after, device=device, dtype=torch.float32)
    pixels = torch.arange(before, device=device, dtype=torch.float32)
    # tensors, because a graph divides whole numbers by its own rules
    scale = torch.full((1,), 1.0, device=device) * before / after
    stretch = scale.clamp(min=1)
    away = (pixels + 0.5 - ((places + 0.5) * scale)[:, None]) / stretch
    weights = kernel(away.abs().clamp(max=radius))
    return weights / weights.sum(1, keepdim=True)


def _triangle(away: Tensor) -> Tensor:
    return 1 - away


def _keys(away: Tensor) -> Tensor:
    near = ((_CUBIC + 2) * away - (_CUBIC + 3)) * away * away + 1
    far = ((_CUBIC * away - 5 * _CUBIC) * away + 8 * _CUBIC) * away - 4 * _CUBIC
    return torch.where(away <= 1, near, far)
