"""A second implementation of the metrics, short and slow, that tests compare the first with.

By other means than the package where there are others. A network is a function from
pictures (B, 3, H, W) in [0, 1] to the list of its maps, of which the last is the content.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

Network = Callable[[Tensor], list[Tensor]]
PATCHED_SIDE, PATCH = 288, 96


def read(path: Path, size: int) -> Tensor:
    image = ImageOps.fit(Image.open(path).convert("RGB"), (size, size), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def moments(maps: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return [(m.mean((2, 3)), (m.var((2, 3), correction=0) + 1e-5).sqrt()) for m in maps]


def gram(maps: Tensor) -> Tensor:
    return torch.einsum("bchw,bdhw->bcd", maps, maps) / maps[0, 0].numel()


def ssim(a: Tensor, b: Tensor) -> float:
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    a, b = (a * weights).sum(1, keepdim=True), (b * weights).sum(1, keepdim=True)
    t = torch.arange(11) - 5.0
    g = torch.exp(-t * t / (2 * 1.5**2))
    window = (g[:, None] * g[None] / g.sum() ** 2)[None, None]
    mean_a, mean_b, aa, bb, ab = (F.conv2d(x, window) for x in (a, b, a * a, b * b, a * b))
    va, vb, cov = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    light = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
    return (light * (2 * cov + 9e-4) / (va + vb + 9e-4)).mean().item()


def score_pair(
    network: Network, painting: Tensor, photo: Tensor, style: Tensor
) -> dict[str, float]:
    maps, photo_maps, target = network(painting), network(photo), network(style)
    squares = [
        F.mse_loss(x, y).item()
        for own, other in zip(moments(maps), moments(target), strict=True)
        for x, y in zip(own, other, strict=True)
    ]
    errors = [
        ((gram(m) - gram(t)).norm() / gram(t).norm()).item() ** 2
        for m, t in zip(maps, target, strict=True)
    ]
    return {
        "content": F.mse_loss(maps[-1], photo_maps[-1]).item(),
        "moments": sum(squares),
        "gram": sum(errors) / len(errors),
        "ssim": ssim(painting, photo),
    }


def signature(network: Network, pictures: Tensor) -> Tensor:
    return torch.cat([t for pair in moments(network(pictures)) for t in pair], 1)


def gray_patches(path: Path) -> Tensor:
    image = Image.open(path).convert("RGB").convert("L")
    scale = PATCHED_SIDE / min(image.size)
    width, height = (max(PATCHED_SIDE, round(side * scale)) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    gray = torch.from_numpy(np.array(resized)).float() / 255
    corners = [np.linspace(0, side - PATCH, 3).astype(int) for side in gray.shape]
    patches = torch.stack(
        [gray[y : y + PATCH, x : x + PATCH] for y in corners[0] for x in corners[1]]
    )
    patches = patches[patches.std((1, 2)) > 0.02]
    mean, deviation = patches.mean((1, 2), keepdim=True), patches.std((1, 2), keepdim=True)
    return ((patches - mean) / deviation * 0.2 + 0.45)[:, None].expand(-1, 3, -1, -1)


def classified(classes: list[Tensor], patches: Tensor) -> Tensor:
    """The class of each patch by logistic regression, every class weighing the same."""
    x = torch.cat(classes)
    y = torch.cat([torch.full((len(s),), i) for i, s in enumerate(classes)])
    mean, deviation = x.mean(0), x.std(0).clamp(min=1e-3)
    weight = 1 / torch.bincount(y).float()
    matrix = torch.zeros(x.shape[1] + 1, len(classes), requires_grad=True)
    optimizer = torch.optim.LBFGS([matrix], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = (x - mean) / deviation @ matrix[:-1] + matrix[-1]
        loss = F.cross_entropy(logits, y, weight=weight / weight.mean())
        loss = loss + 0.01 * matrix[:-1].square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        return ((patches - mean) / deviation @ matrix[:-1] + matrix[-1]).argmax(1)


def score_collection(
    network: Network,
    paintings: list[Path],
    collections: dict[str, list[Path]],
    name: str,
    photos: list[Path],
    size: int,
) -> dict[str, float]:
    """nn_distance, centroid_accuracy, deception_rate and photo_rate."""
    found = {
        key: torch.cat([signature(network, read(path, size)) for path in paths])
        for key, paths in collections.items()
    }
    scale = torch.cat(list(found.values())).std(0).clamp(min=1e-3)
    painted = torch.cat([signature(network, read(path, size)) for path in paintings]) / scale
    own = found[name] / scale

    def nearest(one: Tensor, two: Tensor) -> float:
        return (one[:, None] - two[None]).norm(dim=2).min(1).values.mean().item()

    centroids = {key: (own / scale).mean(0) for key, own in found.items()}
    named = [min(centroids, key=lambda key: (centroids[key] - p).norm().item()) for p in painted]

    def patches(paths: list[Path]) -> Tensor:
        return torch.cat([signature(network, gray_patches(path)) for path in paths])

    classes = [patches(paths) for paths in [*collections.values(), photos]]
    taken = classified(classes, patches(paintings))
    return {
        "nn_distance": nearest(painted, own) / nearest(own[::2], own[1::2]),
        "centroid_accuracy": named.count(name) / len(named),
        "deception_rate": (taken == list(collections).index(name)).float().mean().item(),
        "photo_rate": (taken == len(collections)).float().mean().item(),
    }
