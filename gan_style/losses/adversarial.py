"""Adversarial losses: the discriminator's, the model's, and the R1 penalty.

Shapes: B pictures, H rows, W columns, n patches, d numbers in a style code; () is a single number.
Logits are higher for what is taken for real.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.errors import ConfigError
from gan_style.models.discriminator import augment, in_gray

FORMS = ("hinge", "nonsaturating", "leastsquares", "relativistic")


def discriminator_loss(form: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimizes; the logits, of any equal shape, are higher for real.

    hinge: Lim & Ye (2017), Miyato et al. (2018, eq. 16). nonsaturating: the negative logarithms
    of Goodfellow et al. (2014, eq. 1). leastsquares: Mao et al. (2017, eq. 9), labels 1 and 0.
    relativistic: Jolicoeur-Martineau (2018), paired as in R3GAN (Huang et al. 2024, eq. 2).

    Raises:
        ConfigError: `form` is none of `FORMS`.
    """
    if form == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if form == "nonsaturating":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if form == "leastsquares":
        return ((real - 1).square().mean() + fake.square().mean()) / 2
    _refuse_unknown(form)
    return F.softplus(fake - real).mean()


def adversarial_loss(form: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the generator minimizes, for the same forms and sources as `discriminator_loss`.

    Only the relativistic form uses `real`. nonsaturating is -log D(fake), as Goodfellow et al.
    advise in section 3, not their log(1 - D(fake)).

    Raises:
        ConfigError: `form` is none of `FORMS`.
    """
    if form == "hinge":
        return -fake.mean()
    if form == "nonsaturating":
        return F.softplus(-fake).mean()
    if form == "leastsquares":
        return (fake - 1).square().mean() / 2
    _refuse_unknown(form)
    return F.softplus(real - fake).mean()


def _refuse_unknown(form: str) -> None:
    if form not in FORMS:
        raise ConfigError(
            f"the form of the adversarial loss is {form!r}; allowed: {', '.join(FORMS)}"
        )


def gradient_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """R1: half the squared length of the gradient on real pictures (Mescheder et al. 2018, eq. 9).

    `pictures` must require gradients. Of each picture the mean logit is taken, not the sum, so
    that the penalty does not grow with the number of patches.

    Shape: logits (B, n), pictures (B, 3, H, W) -> ().
    """
    (gradient,) = torch.autograd.grad(logits.mean(1).sum(), pictures, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean() / 2


class AdversarialLosses:
    """The losses of a discriminator and of the model against it.

    Args:
        discriminator: takes (B, 3, H, W) pictures and (B, d) codes, and returns (B, n) logits.
        form: one of `FORMS`.
        r1: weight of the R1 penalty; 0 leaves it out.
        r1_interval: steps from one penalty to the next; its weight is multiplied by as much
            (lazy regularization, Karras et al. 2020, section 3.1).
        augment: whether pictures are augmented before they are given to the discriminator (Zhao
            et al. 2020, DiffAugment).
        gray: share of the pictures that are given to it without their color.
        autocast: gives the context in which networks run.

    Attributes:
        taught: the discriminator in the terms that teach it; another module may take its place
            that runs it and averages its gradients over processes.
    """

    def __init__(
        self,
        discriminator: nn.Module,
        *,
        form: str,
        r1: float,
        r1_interval: int,
        augment: bool,
        gray: float,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        _refuse_unknown(form)
        self.discriminator = self.taught = discriminator
        self.form = form
        self.r1 = r1
        self.r1_interval = r1_interval
        self.augment = augment
        self.gray = gray
        self.autocast = autocast

    def weight(self, name: str) -> float:
        """Weight of a term of `terms`; the penalty's makes up for the steps without it."""
        return self.r1 * self.r1_interval if name == "discriminator/r1" else 1.0

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
        """The discriminator's losses: real pictures against fakes, and against a wrong code.

        In the second, real pictures with the code of another style count as fakes (Reed et al.
        2016, algorithm 1). It is left out where `wrong` is all False.

        Args:
            real: (B, 3, H, W) pictures of the style.
            fake: (B, 3, H, W) paintings, without a gradient.
            code: (B, d), of both.
            wrong_code: (B, d), of other pictures.
            wrong: (B,) bool, where these are of another style; best on the CPU, where to count
                them waits for no device.
            rng: for the augmentation.
            penalize: whether the R1 penalty is due at this step.

        Returns: terms to minimize, and mean logits, which are only logged; each is ().
        """
        self.discriminator.requires_grad_(True)
        real, fake = self._augmented(real, rng), self._augmented(fake, rng)
        places = wrong.nonzero()[:, 0].to(real.device, non_blocking=True)
        pictures = torch.cat([real, fake, real[places]])
        with self.autocast():
            logits = self.taught(pictures, torch.cat([code, code, wrong_code[places]]))
        on_real, on_fake, on_wrong = logits.split([len(real), len(fake), len(places)])
        terms = {"discriminator/loss": discriminator_loss(self.form, on_real, on_fake)}
        if len(on_wrong):
            terms["discriminator/wrong"] = discriminator_loss(self.form, on_real[places], on_wrong)
        if penalize and self.r1 > 0:
            terms["discriminator/r1"] = self._penalty(real, code)
        kinds = {"real": on_real, "fake": on_fake}
        return terms, {f"discriminator/logits_{k}": v.detach().mean() for k, v in kinds.items()}

    def _penalty(self, real: Tensor, code: Tensor) -> Tensor:
        picture = real.detach().requires_grad_(True)
        return gradient_penalty(self.taught(picture, code), picture)

    def model_term(self, real: Tensor, fake: Tensor, code: Tensor, rng: torch.Generator) -> Tensor:
        """The adversarial loss of the model: () with a gradient into `fake` alone."""
        self.discriminator.requires_grad_(False)
        with self.autocast():
            on_fake = self.discriminator(self._augmented(fake, rng), code)
            on_real = on_fake
            if self.form == "relativistic":
                with torch.no_grad():
                    on_real = self.discriminator(self._augmented(real, rng), code)
        return adversarial_loss(self.form, on_real, on_fake)

    def _augmented(self, pictures: Tensor, rng: torch.Generator) -> Tensor:
        if self.augment:
            pictures = augment(pictures, rng)
        return in_gray(pictures, self.gray, rng) if self.gray > 0 else pictures
