"""What is painted in place of the content pictures of a batch, and what it is compared with."""

import torch
from torch import Tensor

from gan_style.data.dataset import Batch
from gan_style.data.degradation import add_noise, destylize, guided_filter

_FLATTENED_RADIUS = 4  # pixels


def degraded_content(
    batch: Batch, noisy_share: float, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Filter the strokes out of the pictures of a style among the content, and add noise to photos.

    The former get detail of the photos in whose place they stand.

    Args:
        batch: on the device of the training.
        noisy_share: share of the content pictures that get noise, one at least; 0: none.
        rng: on the CPU; from it nothing is drawn where nothing is changed.

    Returns:
        (B, 3, C, C) pictures to paint, and (n,) int64 places of those with noise in them.
    """
    pictures = batch.content
    photos = torch.tensor(sorted({*range(len(pictures))} - {*batch.destylized}), dtype=torch.int64)
    if batch.destylized:
        places = _on_device(torch.tensor(batch.destylized), pictures)
        without = destylize(pictures[places], rng, batch.replaced)
        pictures = pictures.index_copy(0, places, without)
    if not noisy_share or not len(photos):
        return pictures, _on_device(photos[:0], pictures)
    count = max(1, round(noisy_share * len(pictures)))  # always as many, if there are
    chosen = photos[torch.randperm(len(photos), generator=rng)[:count]]
    places = _on_device(chosen, pictures)
    return pictures.index_copy(0, places, add_noise(pictures[places], rng)), places


def flattened_content(batch: Batch, variance: float) -> Tensor:
    """Smooth the photos of a batch, by a guided filter, where they vary little.

    Content that is compared with them does not ask for the shading and texture of a photo, which
    many artists leave out. AnimeGANv3 (Liu et al. 2024) compares with pictures flattened by
    superpixels, to the same end. Pictures of the style stay as they are.

    Args:
        batch: on the device of the training.
        variance: in windows of 9 px, up to which a photo is smoothed; 0: nothing is.

    Returns:
        (B, 3, C, C).
    """
    if not variance:
        return batch.content
    smooth = guided_filter(batch.content, _FLATTENED_RADIUS, variance)
    if not batch.destylized:
        return smooth
    places = _on_device(torch.tensor(batch.destylized), smooth)
    return smooth.index_copy(0, places, batch.content[places])


def _on_device(places: Tensor, pictures: Tensor) -> Tensor:
    return places.to(pictures.device, non_blocking=True)
