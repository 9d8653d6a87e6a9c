"""The discriminator at work: what it is shown, what it minimises and what it tells the model."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from gan_style.config import DiscriminatorConfig
from gan_style.discriminator import Discriminator, augment
from gan_style.losses import adversarial_loss, discriminator_loss, gradient_penalty


class Adversary:
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
        random: torch.Generator,
        *,
        penalise: bool,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Real pictures with their code against fakes, and against a wrong code if there is one.

        Args:
            real: (B, 3, H, W) pictures of the style.
            fake: (B, 3, H, W) paintings, without a gradient.
            code: (B, d), of both.
            wrong_code: (B, d), of neighbours.
            wrong: (B,) bool, where that neighbour has another style.
            random: for the augmentation.
            penalise: whether the R1 penalty is due.

        Returns: terms to minimise, and mean verdicts, which are only logged.
        """
        self.discriminator.requires_grad_(True)
        real, fake = self._augmented(real, random), self._augmented(fake, random)
        pictures = torch.cat([real, fake, real[wrong]])
        with self.autocast():
            verdicts = self.discriminator(pictures, torch.cat([code, code, wrong_code[wrong]]))
        on_real, on_fake, on_wrong = verdicts.split([len(real), len(fake), int(wrong.sum())])
        form = self.config.form
        terms = {"discriminator/loss": discriminator_loss(form, on_real, on_fake)}
        if len(on_wrong):
            terms["discriminator/wrong"] = discriminator_loss(form, on_real[wrong], on_wrong)
        if penalise and self.config.r1 > 0:
            terms["discriminator/r1"] = self._penalty(real, code)
        return terms, {
            "discriminator/verdict_real": on_real.detach().mean(),
            "discriminator/verdict_fake": on_fake.detach().mean(),
        }

    def _penalty(self, real: Tensor, code: Tensor) -> Tensor:
        picture = real.detach().requires_grad_(True)
        return gradient_penalty(self.discriminator(picture, code), picture)

    def judge(self, real: Tensor, fake: Tensor, code: Tensor, random: torch.Generator) -> Tensor:
        """The adversarial term of the model: () with a gradient into `fake` alone."""
        self.discriminator.requires_grad_(False)
        with self.autocast():
            on_fake = self.discriminator(self._augmented(fake, random), code)
            on_real = on_fake
            if self.config.form == "relativistic":
                with torch.no_grad():
                    on_real = self.discriminator(self._augmented(real, random), code)
        return adversarial_loss(self.config.form, on_real, on_fake)

    def _augmented(self, pictures: Tensor, random: torch.Generator) -> Tensor:
        return augment(pictures, random) if self.config.augment else pictures
