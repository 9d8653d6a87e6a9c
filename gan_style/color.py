"""Color apart from drawing: luminance, one picture's colors given to another.

Shapes: N pictures of one style, H rows, W columns; pictures are RGB in [0, 1].
"""

import torch
from PIL import Image
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luminance (ITU-R BT.601)."""
_LEAST_VARIANCE = 1e-3  # added to all, or the noise of a gray picture would become colors


def recolor(pictures: Tensor, palette: Tensor) -> Tensor:
    """Give pictures the mean color and the covariance of colors of another one.

    An affine map of RGB by Cholesky factors (Gatys et al. 2017, section 5.1, the first method),
    one for all pictures, so that they stay of one style; what leaves [0, 1] is cut off.

    Args:
        pictures: (N, 3, H, W).
        palette: (M, 3, h, w), whose colors they take together.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    mean, factor = _colors(pictures)
    other_mean, other_factor = _colors(palette)
    change = other_factor @ torch.linalg.inv_ex(factor).inverse  # (3, 3)
    away = pictures.movedim(1, -1) - mean
    recolored: Tensor = (away @ change.mT + other_mean).clamp(0, 1)
    return recolored.movedim(-1, 1).contiguous()


def _colors(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean color (3,), and the lower Cholesky factor (3, 3) of the covariance."""
    colors = pictures.movedim(1, -1).reshape(-1, 3)
    mean = colors.mean(0)
    away = colors - mean
    least = _LEAST_VARIANCE * torch.eye(3, device=colors.device)
    covariance = away.mT @ away / len(colors) + least
    # positive definite by construction: to look at it would be to wait for the device
    return mean, torch.linalg.cholesky_ex(covariance).L


def to_gray(pictures: Tensor) -> Tensor:
    """Luminance of (B, 3, H, W) pictures as (B, 1, H, W), in the range of the input."""
    return (pictures * luminance_of(pictures)).sum(1, keepdim=True)


def luminance_of(pictures: Tensor) -> Tensor:
    """`LUMINANCE` in the type and on the device of pictures, (3, 1, 1), without a wait for it."""
    weights = torch.tensor(LUMINANCE, dtype=pictures.dtype)[:, None, None]
    return weights.to(pictures.device, non_blocking=True)


def transfer_luminance(photo: Image.Image, painted: Image.Image) -> Image.Image:
    """Luminance of `painted` with the chroma of `photo`, of one size (Gatys et al. 2017)."""
    light = painted.convert("YCbCr").getchannel(0)
    _, blue, red = photo.convert("YCbCr").split()
    return Image.merge("YCbCr", (light, blue, red)).convert("RGB")
