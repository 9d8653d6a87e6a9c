"""The discriminator: picture and style code -> a map of logits on patches.

Shapes: B pictures, H rows, W columns, d numbers in a style code; pictures are RGB in [0, 1].
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

_WIDTHS = {"small": (32, 64, 128), "large": (64, 128, 256)}
SCALES = 2


class PatchDiscriminator(nn.Module):
    """Verdicts on patches of 38 px: is it painted, plus (projection) is it this style.

    The verdict is a linear one on the last maps plus their product with an embedding of the code
    (Miyato & Koyama 2018, eq. 3), at every position (Isola et al. 2017, 3.2.2). Weights are
    spectrally normalized (Miyato et al. 2018).

    Shape:
        - pictures: (B, 3, H, W); code: (B, d)
        - returns: (B, 1, H/8, W/8)
    """

    def __init__(self, code: int, widths: tuple[int, int, int]) -> None:
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
        self.verdict = spectral_norm(nn.Conv2d(third, 1, 1))
        self.embed = spectral_norm(nn.Linear(code, third))

    def forward(self, pictures: Tensor, code: Tensor) -> Tensor:
        x = (pictures * 2 - 1).to(memory_format=torch.channels_last)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        flat = x.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H/8 * W/8, third)
        match = flat @ self.embed(code)[..., None]  # (B, H/8 * W/8, 1)
        verdict: Tensor = self.verdict(x).float()
        by_style: Tensor = match.float()
        return verdict + by_style.reshape(verdict.shape)


class Discriminator(nn.Module):
    """Discriminators on the picture at full size and at half: patches of 38 and of 76 px.

    Shape:
        - pictures: (B, 3, H, W) in [0, 1], H and W at least 32; code: (B, d)
        - returns: (B, n), the logits of every patch of every scale; higher is more real
    """

    def __init__(self, code: int, size: str = "small") -> None:
        super().__init__()
        if size not in _WIDTHS:
            raise ValueError(f"model.size is {size!r}; allowed: {', '.join(_WIDTHS)}")
        self.discriminators = nn.ModuleList(
            PatchDiscriminator(code, _WIDTHS[size]) for _ in range(SCALES)
        )

    def forward(self, pictures: Tensor, code: Tensor) -> Tensor:
        logits = []
        for discriminator in self.discriminators:
            logits.append(discriminator(pictures, code).flatten(1))
            pictures = F.avg_pool2d(pictures, 2)
        return torch.cat(logits, dim=1)


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Change real and fake pictures alike, so that the discriminator cannot learn a collection by heart.

    Brightness, contrast, shift by up to 1/8 (what leaves comes in opposite), one square cut out.
    DiffAugment (Zhao et al. 2020), without its saturation change and with weaker brightness:
    color is part of the style. Differentiable; (B, 3, H, W) in, the same out.
    """
    count, _, height, width = pictures.shape

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(count, 1, 1, 1, generator=generator) * (high - low) + low
        return drawn.to(pictures.device)

    mean = pictures.mean((1, 2, 3), keepdim=True)
    pictures = (pictures - mean) * uniform(0.9, 1.1) + mean + uniform(-0.05, 0.05)
    shift = max(1, height // 8)
    offsets = torch.randint(-shift, shift + 1, (2, count), generator=generator).tolist()
    pictures = torch.stack(
        [p.roll((dy, dx), (1, 2)) for p, dy, dx in zip(pictures, *offsets, strict=True)]
    )
    side = height // 4
    rows = torch.arange(height, device=pictures.device)[:, None]
    columns = torch.arange(width, device=pictures.device)
    middle, center = uniform(0, height), uniform(0, width)  # of the hole, so partly outside too
    hole = ((rows - middle).abs() < side / 2) & ((columns - center).abs() < side / 2)
    return pictures.masked_fill(hole, 0.5)
