"""The discriminator: picture and style code -> a map of logits on patches.

Shapes: B pictures, H rows, W columns, d numbers in a style code; pictures are RGB in [0, 1].
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from gan_style.color import to_gray
from gan_style.models.layers import of_size

_WIDTHS = {"small": (32, 64, 128), "large": (64, 128, 256)}
SCALES = 2
_OLD_SCALES, _OLD_LOGITS = "critics.", "verdict."  # names of `scales` and `to_logits` in old files


class PatchDiscriminator(nn.Module):
    """Logits of patches of 38 px: is it a real painting, and (projection) one of this style.

    A linear map of the last maps plus their product with an embedding of the code (Miyato & Koyama
    2018, eq. 3), at every position (Isola et al. 2017, 3.2.2). Weights are spectrally normalized
    (Miyato et al. 2018).

    Args:
        code_dim: d, numbers in a style code.
        widths: channels at half, quarter and eighth of the size.

    Shape:
        - pictures: (B, 3, H, W); code: (B, d)
        - returns: (B, 1, H/8, W/8)
    """

    def __init__(self, code_dim: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        first, second, third = widths
        self.layers = nn.ModuleList(
            [
                spectral_norm(nn.Conv2d(3, first, 4, stride=2, padding=1)),
                spectral_norm(nn.Conv2d(first, second, 4, stride=2, padding=1)),
                spectral_norm(nn.Conv2d(second, third, 4, stride=2, padding=1)),
                spectral_norm(nn.Conv2d(third, third, 3, padding=1)),
            ]
        )
        self.to_logits = spectral_norm(nn.Conv2d(third, 1, 1))
        self.embed = spectral_norm(nn.Linear(code_dim, third))

    def forward(self, pictures: Tensor, code: Tensor) -> Tensor:
        x = (pictures * 2 - 1).to(memory_format=torch.channels_last)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        flat = x.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H/8 * W/8, third)
        match = flat @ self.embed(code)[..., None]  # (B, H/8 * W/8, 1)
        logits: Tensor = self.to_logits(x).float()
        by_style: Tensor = match.float()
        return logits + by_style.reshape(logits.shape)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any
    ) -> None:
        _rename(state_dict, prefix + _OLD_LOGITS, prefix + "to_logits.")
        super()._load_from_state_dict(state_dict, prefix, *arguments)


class Discriminator(nn.Module):
    """Discriminators on the picture at full size and at half: patches of 38 and of 76 px.

    Args:
        code_dim: d, numbers in a style code.
        size: "small" or "large".

    Raises:
        ModelError: an unknown size.

    Shape:
        - pictures: (B, 3, H, W) in [0, 1], H and W at least 32; code: (B, d)
        - returns: (B, n), the logits of every patch of every scale; higher is more real
    """

    def __init__(self, code_dim: int, size: str = "small") -> None:
        super().__init__()
        widths = of_size(_WIDTHS, size)
        self.scales = nn.ModuleList(PatchDiscriminator(code_dim, widths) for _ in range(SCALES))

    def forward(self, pictures: Tensor, code: Tensor) -> Tensor:
        logits = []
        for scale in self.scales:
            logits.append(scale(pictures, code).flatten(1))
            pictures = F.avg_pool2d(pictures, 2)
        return torch.cat(logits, dim=1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any
    ) -> None:
        _rename(state_dict, prefix + _OLD_SCALES, prefix + "scales.")
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def _rename(state_dict: dict[str, Any], old: str, new: str) -> None:
    """Give the tensors of a module their present names; files of earlier versions keep loading."""
    for name in [name for name in state_dict if name.startswith(old)]:
        state_dict[new + name.removeprefix(old)] = state_dict.pop(name)


def augment(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Change real and fake pictures alike, so that a discriminator cannot memorize a collection.

    Brightness, contrast, a cyclic shift by up to 1/8 of the height, one square cut out:
    DiffAugment (Zhao et al. 2020), without its saturation change and with weaker brightness:
    color is part of the style. Differentiable; (B, 3, H, W) in, the same out.
    """
    count, _, height, width = pictures.shape
    drawn = _draw_changes(count, height, width, rng)
    changes = drawn.to(pictures.device, non_blocking=True)  # one copy, for which nothing waits
    contrast, brightness, middle, center = changes[:4, :, None, None, None]  # (B, 1, 1, 1) each
    down, right = changes[4:, :, None].long()  # (B, 1) each
    mean = pictures.mean((1, 2, 3), keepdim=True)
    pictures = (pictures - mean) * contrast + mean + brightness
    rows = torch.arange(height, device=pictures.device)
    columns = torch.arange(width, device=pictures.device)
    pictures = _gathered(pictures, (rows - down) % height, (columns - right) % width)
    half = height // 4 / 2  # of the hole's side
    hole = ((rows[:, None] - middle).abs() < half) & ((columns - center).abs() < half)
    return pictures.masked_fill(hole, 0.5)


def in_gray(pictures: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Take the color from a random share of the pictures; (B, 3, H, W) in, the same out.

    Most fakes can be told by their palette, and a discriminator that need look no further teaches
    nothing about the hand. Karras et al. (2020) have color changes among their augmentations.
    """
    chosen = torch.rand(len(pictures), generator=rng) < share
    chosen = chosen.to(pictures.device, non_blocking=True)[:, None, None, None]
    return torch.where(chosen, to_gray(pictures), pictures)


def _draw_changes(count: int, height: int, width: int, rng: torch.Generator) -> Tensor:
    """Contrast, brightness, row and column of the hole's middle, shifts down and right: (6, B)."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=rng) * (high - low) + low

    contrast, brightness = uniform(0.9, 1.1), uniform(-0.05, 0.05)
    shift = max(1, height // 8)
    shifts = torch.randint(-shift, shift + 1, (2, count), generator=rng)
    middle, center = uniform(0, height), uniform(0, width)  # so the hole is partly outside, too
    return torch.stack([contrast, brightness, middle, center, *shifts.float()])


def _gathered(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Take rows (B, H) and columns (B, W) of (B, C, H, W) pictures, of each its own, at once."""
    places = rows[:, :, None] * pictures.shape[3] + columns[:, None]  # (B, H, W)
    chosen = places.flatten(1)[:, None].expand(-1, pictures.shape[1], -1)
    return pictures.flatten(2).gather(2, chosen).reshape(pictures.shape)
