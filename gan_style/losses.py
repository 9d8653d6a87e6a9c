"""Training objectives: each returns one unweighted number, and weights live in the config.

All arithmetic is float32, whatever the networks ran in: the Gram matrix of a 64 by 64 map of
value 8 is already too large for float16.

Shapes: B pictures, C channels, H rows, W columns; () is a single number. `Maps` are what a
network of features.py returns: layer name -> (B, C, H, W).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Maps = Mapping[str, Tensor]
_EDGE = 20.0
"""How fast an edge of the photo frees the painting: a step of 1/20 in brightness to a third."""
FORMS = ("hinge", "nonsaturating", "leastsquares", "relativistic")


@dataclass(frozen=True)
class StyleStatistics:
    """What remains of feature maps when positions are forgotten, for each layer.

    gram: (B, C, C), which channels are active together, averaged over positions.
    mean, deviation: (B, C).
    """

    gram: dict[str, Tensor]
    mean: dict[str, Tensor]
    deviation: dict[str, Tensor]

    def average(self, count: int) -> "StyleStatistics":
        """Statistics averaged over each run of `count` pictures and given back to all of them."""

        def pool(values: dict[str, Tensor]) -> dict[str, Tensor]:
            return {
                layer: v.reshape(-1, count, *v.shape[1:]).mean(1).repeat_interleave(count, dim=0)
                for layer, v in values.items()
            }

        return StyleStatistics(pool(self.gram), pool(self.mean), pool(self.deviation))


def gram_matrix(maps: Tensor) -> Tensor:
    """Which channels are active together, averaged over positions (Gatys et al. 2016, eq. 3).

    The paper sums over positions; the average makes pictures of different sizes comparable.

    Shape: (B, C, H, W) -> (B, C, C), symmetric.
    """
    flat = positions_first(maps)
    return flat.mT @ flat / flat.shape[1]


def positions_first(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H*W, C) in float32; moves nothing where channels are last in memory."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2).float()


def style_statistics(maps: Maps) -> StyleStatistics:
    """Gram matrix, mean and deviation of every channel of every layer."""
    gram, mean, deviation = {}, {}, {}
    for layer, values in maps.items():
        flat = positions_first(values)
        gram[layer] = flat.mT @ flat / flat.shape[1]
        mean[layer] = flat.mean(1)
        square = gram[layer].diagonal(dim1=1, dim2=2)  # (B, C) mean squares
        deviation[layer] = (square - mean[layer].square()).clamp(min=0).add(1e-5).sqrt()
    return StyleStatistics(gram, mean, deviation)


def content_loss(generated: Tensor, content: Tensor) -> Tensor:
    """Mean squared difference of feature maps (Gatys et al. 2016, eq. 1, which halves the sum).

    Shape: (B, C, H, W) both -> ().
    """
    return F.mse_loss(generated.float(), content.float())


def gram_loss(generated: StyleStatistics, style: StyleStatistics) -> Tensor:
    """Squared difference of Gram matrices, relative to the style's, averaged over layers.

    Gatys et al. (2016, eqs. 4 and 5) divide by 4 C² N² instead: then a layer's weight depends on
    how active it is, and dark styles count for less than bright ones.
    """
    return _relative(generated.gram, style.gram)


def moments_loss(generated: StyleStatistics, style: StyleStatistics) -> Tensor:
    """Squared differences of channel means and of deviations.

    Each averaged over channels, and summed over layers (Huang & Belongie 2017, eq. 13, with
    squared norms).
    """
    terms = [F.mse_loss(generated.mean[k], style.mean[k]) for k in style.mean]
    terms += [F.mse_loss(generated.deviation[k], style.deviation[k]) for k in style.deviation]
    return torch.stack(terms).sum()


def stroke_loss(generated: StyleStatistics, style: StyleStatistics) -> Tensor:
    """Gram and moments of the deeper maps of grey pictures, relative to the styles'.

    Our own: textures as in Gatys et al., from layers that see strokes and from pictures without
    colour, so that neither palette nor light can stand in for the hand. Relative to the mean over
    the batch and not to each picture: the deep maps of a plain ground are nearly empty.
    """
    return torch.stack(
        [
            _relative(getattr(generated, kind), getattr(style, kind), together=True)
            for kind in ("gram", "mean", "deviation")
        ]
    ).sum()


def _relative(
    generated: dict[str, Tensor], style: dict[str, Tensor], *, together: bool = False
) -> Tensor:
    """||generated - style||² / ||style||², averaged over pictures and layers."""
    terms = []
    for layer, target in style.items():
        error = (generated[layer] - target).square().flatten(1).sum(1)  # (B,)
        size = target.square().flatten(1).sum(1).clamp(min=1e-6)
        terms.append((error / (size.mean() if together else size)).mean())
    return torch.stack(terms).mean()


def total_variation(pictures: Tensor) -> Tensor:
    """Mean over pixels of sqrt(dx² + dy²), summed over colours: the isotropic total variation.

    Rudin, Osher & Fatemi (1992, eq. 2.2b), averaged where they integrate. The last row and column
    have no neighbour and are left out; 1e-6 under the root keeps the gradient finite.

    Shape: (B, 3, H, W) -> ().
    """
    corner = pictures[..., :-1, :-1]
    right = pictures[..., :-1, 1:] - corner
    down = pictures[..., 1:, :-1] - corner
    return (right.square() + down.square() + 1e-6).sqrt().sum(1).mean()


def smoothness_loss(pictures: Tensor, content: Tensor) -> Tensor:
    """Total variation of the coarse painting, counted where the coarse photo has none.

    The edge-aware smoothness of Godard et al. (2017, eq. 3), on means of 8 by 8 and of 16 by 16 px
    so that strokes are free: it takes no notice of what is painted inside a cell, and asks for a
    plain sky not to become a quilt. Colours are free, too, as long as like stays beside like.

    Shape: (B, 3, H, W) both, H and W at least 32 -> ().
    """
    terms = []
    for cell in (8, 16):
        painted, photo = F.avg_pool2d(pictures, cell), F.avg_pool2d(content, cell)
        for axis in (2, 3):
            edge = photo.diff(dim=axis).abs().mean(1)  # (B, h, w)
            step = (painted.diff(dim=axis).square().sum(1) + 1e-6).sqrt()
            terms.append((step * (-_EDGE * edge).exp()).mean())
    return torch.stack(terms).mean()


def discriminator_loss(form: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises; the verdicts, of any equal shape, are higher for real.

    hinge: Lim & Ye (2017), Miyato et al. (2018, eq. 16). nonsaturating: the negative logarithms
    of Goodfellow et al. (2014, eq. 1). leastsquares: Mao et al. (2017, eq. 9), labels 1 and 0.
    relativistic: Jolicoeur-Martineau (2018), paired as in R3GAN (Huang et al. 2024, eq. 2).
    """
    if form == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if form == "nonsaturating":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if form == "leastsquares":
        return ((real - 1).square().mean() + fake.square().mean()) / 2
    _check(form)
    return F.softplus(fake - real).mean()


def adversarial_loss(form: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the generator minimises, for the same forms and sources as `discriminator_loss`.

    Only the relativistic form looks at `real`. nonsaturating is -log D(fake), as Goodfellow et
    al. advise in section 3, not their log(1 - D(fake)).
    """
    if form == "hinge":
        return -fake.mean()
    if form == "nonsaturating":
        return F.softplus(-fake).mean()
    if form == "leastsquares":
        return (fake - 1).square().mean() / 2
    _check(form)
    return F.softplus(real - fake).mean()


def _check(form: str) -> None:
    if form != "relativistic":
        raise ValueError(f"discriminator.form is {form!r}; allowed: {', '.join(FORMS)}")


def gradient_penalty(verdicts: Tensor, pictures: Tensor) -> Tensor:
    """R1: half the squared length of the gradient on real pictures (Mescheder et al. 2018, eq. 9).

    `pictures` must require gradients. Of each picture the mean verdict is taken, not the sum, so
    that the penalty does not grow with the number of patches.

    Shape: verdicts (B, n), pictures (B, 3, H, W) -> ().
    """
    (gradient,) = torch.autograd.grad(verdicts.mean(1).sum(), pictures, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean() / 2
