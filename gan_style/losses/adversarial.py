"""The adversarial game: what the discriminator minimizes, what it tells the model, and R1.

Shapes: B pictures, S sets, H rows, W columns, n patches, d numbers in a style code; () is a single
number. Logits are higher for what is taken for real.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.config import DiscriminatorConfig
from gan_style.models.discriminator import Discriminator, augment

FORMS = ("hinge", "nonsaturating", "leastsquares", "relativistic")


def discriminator_loss(form: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimizes; the logits, of any equal shape, are higher for real.

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
    """What the generator minimizes, for the same forms and sources as `discriminator_loss`.

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


def gradient_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """R1: half the squared length of the gradient on real pictures (Mescheder et al. 2018, eq. 9).

    `pictures` must require gradients. Of each picture the mean verdict is taken, not the sum, so
    that the penalty does not grow with the number of patches.

    Shape: logits (B, n), pictures (B, 3, H, W) -> ().
    """
    (gradient,) = torch.autograd.grad(logits.mean(1).sum(), pictures, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean() / 2


class AdversarialLosses:
    """A discriminator with its losses.

    Args:
        autocast: gives the context in which networks run.
    """

    def __init__(
        self,
        config: DiscriminatorConfig,
        discriminator: Discriminator,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self.config = config
        self.discriminator = discriminator
        self.autocast = autocast

    def weight(self, name: str) -> float:
        """Weight of a term of `terms`; the penalty makes up for the steps that leave it out."""
        lazy = self.config.r1 * self.config.r1_interval
        return lazy if name == "discriminator/r1" else 1.0

    def terms(
        self,
        real: Tensor,
        fake: Tensor,
        code: Tensor,
        wrong_code: Tensor,
        wrong: Tensor,
        rng: torch.Generator,
        *,
        penalize: bool,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Real pictures with their code against fakes, and against a wrong code if there is one.

        Args:
            real: (B, 3, H, W) pictures of the style.
            fake: (B, 3, H, W) paintings, without a gradient.
            code: (B, d), of both.
            wrong_code: (B, d), of neighbors.
            wrong: (B,) bool, where that neighbor has another style.
            rng: for the augmentation.
            penalize: whether the R1 penalty is due.

        Returns: terms to minimize, and mean logits, which are only logged.
        """
        self.discriminator.requires_grad_(True)
        real, fake = self._augmented(real, rng), self._augmented(fake, rng)
        pictures = torch.cat([real, fake, real[wrong]])
        with self.autocast():
            logits = self.discriminator(pictures, torch.cat([code, code, wrong_code[wrong]]))
        on_real, on_fake, on_wrong = logits.split([len(real), len(fake), int(wrong.sum())])
        form = self.config.form
        terms = {"discriminator/loss": discriminator_loss(form, on_real, on_fake)}
        if len(on_wrong):
            terms["discriminator/wrong"] = discriminator_loss(form, on_real[wrong], on_wrong)
        if penalize and self.config.r1 > 0:
            terms["discriminator/r1"] = self._penalty(real, code)
        return terms, {
            "discriminator/logits_real": on_real.detach().mean(),
            "discriminator/logits_fake": on_fake.detach().mean(),
        }

    def _penalty(self, real: Tensor, code: Tensor) -> Tensor:
        picture = real.detach().requires_grad_(True)
        return gradient_penalty(self.discriminator(picture, code), picture)

    def evaluate(self, real: Tensor, fake: Tensor, code: Tensor, rng: torch.Generator) -> Tensor:
        """The adversarial term of the model: () with a gradient into `fake` alone."""
        self.discriminator.requires_grad_(False)
        with self.autocast():
            on_fake = self.discriminator(self._augmented(fake, rng), code)
            on_real = on_fake
            if self.config.form == "relativistic":
                with torch.no_grad():
                    on_real = self.discriminator(self._augmented(real, rng), code)
        return adversarial_loss(self.config.form, on_real, on_fake)

    def _augmented(self, pictures: Tensor, rng: torch.Generator) -> Tensor:
        return augment(pictures, rng) if self.config.augment else pictures
