"""ComfyUI's tensors of pictures and masks, and the arrays and pictures that gan_style takes.

Shapes: B pictures of H rows, W columns and C channels, RGB or RGBA, floats in [0, 1].
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gan_style.errors import PictureError
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels, full
from gan_style.painting.transparency import fill_hidden

Paint = Callable[[Pixels], Pixels]
"""(H, W, 3) uint16 -> the painting."""


def checked(images: Tensor) -> Tensor:
    """The batch itself, as a copy on the CPU where it was on another device.

    Raises:
        PictureError: it is not (B, H, W, 3) or (B, H, W, 4), or holds numbers that are not finite.
    """
    if images.ndim != 4 or images.shape[3] not in (3, 4) or not images.numel():
        raise PictureError(
            f"the image has the shape {tuple(images.shape)}; it must be (batch, height, width, 3), "
            "or 4 with transparency"
        )
    if not torch.isfinite(images).all():
        raise PictureError("the image holds numbers that are not finite; what made it has failed")
    return images.detach().float().cpu()


def to_pictures(images: Tensor) -> list[Image.Image]:
    """The pictures of (B, H, W, C), of 8 bits a channel."""
    values = checked(images).clamp(0, 1).mul(255).round().byte().numpy()
    return [Image.fromarray(each) for each in values]


def painted(image: Tensor, paint: Paint) -> Tensor:
    """Paint one picture with 16 bits a channel.

    What painting leaves as it is, as outside a mask, keeps its very floats. Transparency is kept.

    Args:
        image: (H, W, C), from `checked`.
        paint: how.

    Returns:
        (h, w, C) float32 in [0, 1], of the size that `paint` gives.
    """
    values: NDArray[np.float32] = image.numpy()
    pixels = _deep(values[..., :3])
    alpha = _deep(values[..., 3]) if values.shape[2] == 4 else None
    if alpha is not None:
        fill_hidden(pixels, alpha)
    result = paint(pixels)
    floats = result.astype(np.float32) / full(result)
    if result.shape == pixels.shape:
        np.copyto(floats, values[..., :3], where=result == pixels)
    if alpha is not None:
        kept = resized(alpha, result.shape[:2]).astype(np.float32) / full(alpha)
        floats = np.concatenate([floats, kept[..., None]], axis=2)
    return torch.from_numpy(floats)


def mask_of(masks: Tensor, number: int, sides: tuple[int, int]) -> Pixels:
    """The mask of one picture of a batch.

    One mask is for all pictures. One of a single value has no proportions and fits every picture:
    Load Image gives a black one of 64 x 64 for a picture without transparency.

    Args:
        masks: (B, h, w) or (h, w).
        number: of the picture.
        sides: H and W of the picture.

    Returns:
        (h, w) float32 in [0, 1].

    Raises:
        PictureError: there are several masks, but none for this picture.
    """
    batch = masks.detach().float().cpu().reshape(-1, *masks.shape[-2:])
    if len(batch) > 1 and number >= len(batch):
        raise PictureError(
            f"there are {len(batch)} masks, and none for picture {number + 1}; give one for each "
            "picture, or one for all"
        )
    mask: NDArray[Any] = batch[number if len(batch) > 1 else 0].clamp(0, 1).numpy()
    uniform = mask.size and mask.min() == mask.max()
    return np.full(sides, mask.flat[0], np.float32) if uniform else mask


def _deep(values: NDArray[np.float32]) -> Pixels:
    """Floats in [0, 1] as uint16."""
    pixels: Pixels = (values.clip(0, 1) * 65535).round().astype(np.uint16)
    return pixels
