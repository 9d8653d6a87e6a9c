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


def descriptor_loss(predicted: Tensor, descriptor: Tensor) -> Tensor:
    """Mean squared error of the scaled style descriptor read from the code.

    1 is what a guess has that knows nothing of the style. Our own: it ties the code to the style.

    Shape: (B, D) both -> ().
    """
    return F.mse_loss(predicted.float(), descriptor)


def code_loss(recovered: Tensor, code: Tensor) -> Tensor:
    """Mean squared difference of the output's own code to the code that made it, relative to it.

    StarGAN v2 (Choi et al. 2020, eq. 2) takes the absolute difference.

    Shape: (B, d) both -> ().
    """
    error = (recovered - code).square().mean(1)
    return (error / code.square().mean(1).clamp(min=1e-4)).mean()


def identity_loss(generated: Tensor, pictures: Tensor) -> Tensor:
    """Mean absolute difference of a picture to itself painted with its own code.

    CycleGAN (Zhu et al. 2017, 5.2) asks the same of a generator with one style.

    Shape: (B, 3, H, W) both -> ().
    """
    return F.l1_loss(generated, pictures)


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


class StyleDescriptor(torch.nn.Module):
    """The stacked Gram matrices, compressed by a fixed random projection.

    Each Gram matrix G (C, C) becomes PᵀGP with P (C, 16) of orthonormal columns drawn once from a
    fixed seed; the upper triangles are stacked. Our own.

    Shape: statistics of B pictures -> (B, D), D = 136 for each layer.
    """

    def __init__(self, channels: Mapping[str, int], width: int = 16) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.layers = tuple(channels)
        for layer, count in channels.items():
            drawn = torch.randn(count, width, generator=generator)
            self.register_buffer(layer, torch.linalg.qr(drawn).Q, persistent=False)
        self.register_buffer("upper", torch.triu_indices(width, width), persistent=False)
        self.size = len(self.layers) * width * (width + 1) // 2

    def forward(self, statistics: StyleStatistics) -> Tensor:
        rows, columns = self.get_buffer("upper")
        parts = []
        for layer in self.layers:
            projection = self.get_buffer(layer)
            compressed = projection.mT @ statistics.gram[layer] @ projection  # (B, 16, 16)
            parts.append(compressed[:, rows, columns])
        return torch.cat(parts, dim=1)
