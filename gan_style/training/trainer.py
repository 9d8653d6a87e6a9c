"""One training step, and the state from which the next follows.

It depends on no file, command line or Weights & Biases.
"""

import logging
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam

from gan_style.checkpoint import state_on_cpu, unflatten_state
from gan_style.config import Config
from gan_style.data.dataset import Batch
from gan_style.device import autocast, choose_precision
from gan_style.distributed import Ranks
from gan_style.errors import NonFiniteLossError
from gan_style.losses.adversarial import AdversarialLosses
from gan_style.losses.comparison import Comparison
from gan_style.losses.descriptor import DescriptorLoss
from gan_style.losses.reconstruction import reconstruction_loss
from gan_style.losses.regularization import steadiness_loss
from gan_style.models.discriminator import Discriminator
from gan_style.models.style_model import StyleModel, StyleModelConfig
from gan_style.training.content import degraded_content, flattened_content
from gan_style.training.painted import Painted, PaintingPass
from gan_style.training.parallel import Parallel
from gan_style.training.schedule import rate_factor
from gan_style.training.terms import (
    ADVERSARIAL,
    DESCRIPTOR,
    RECONSTRUCTION,
    STEADINESS,
    build_picture_losses,
)

logger = logging.getLogger(__name__)

_BETWEEN_PARTS = 0x9E3779B97F4A7C15  # from the seed of one part of a batch to that of the next
_FAILURES = 5  # steps in a row without finite losses, after which training has diverged


class Trainer:
    """Encoder and generator against the discriminator.

    Everything random in a step follows from the seed and the images seen, so that these, the
    networks, averages and optimizers are all that a resumed run needs.

    A batch is worked through in equal parts, whose gradients are averaged: `train.accumulate` in
    each of the processes that train together. As many parts give the same training, up to rounding,
    whichever process has them.

    Args:
        config: of the run.
        device: where this process trains.
        ranks: the processes.

    Attributes:
        model, average: encoder and generator, and their exponential moving average.
        model_config: of both.
        images_seen, steps_done: so far, those of a resumed run included.
    """

    def __init__(self, config: Config, device: torch.device, ranks: Ranks = Ranks()) -> None:  # noqa: B008
        self.config = config
        self.device = device
        self.ranks = ranks
        self.precision = choose_precision(config.train.precision, device)
        self.weights = {name: w for name, w in asdict(config.losses).items() if w > 0}
        torch.manual_seed(config.train.seed)
        self.picture_losses = build_picture_losses(config, device, self._autocast)
        self.model_config = StyleModelConfig(**asdict(config.model))
        self.model = StyleModel(self.model_config).to(device)
        self.average = deepcopy(self.model).eval().requires_grad_(False)
        self.discriminator = Discriminator(config.model.code_dim, config.model.size).to(device)
        self.adversarial = AdversarialLosses(
            self.discriminator, **asdict(config.discriminator), autocast=self._autocast
        )
        self.descriptor_loss: DescriptorLoss | None = None
        decoder: list[nn.Parameter] = []
        if DESCRIPTOR in self.weights:  # built last: the other networks begin as without it
            channels = self.picture_losses.channels()
            self.descriptor_loss = DescriptorLoss(config.model.code_dim, channels).to(device)
            decoder = [*self.descriptor_loss.parameters()]
        betas = config.train.betas
        fused = device.type in ("cpu", "cuda")  # one pass over the parameters
        self.model_parameters = [p for p in self.model.parameters() if p.requires_grad] + decoder
        self.model_optimizer = Adam(self.model_parameters, 0.0, betas, fused=fused)
        self.discriminator_optimizer = Adam(
            self.discriminator.parameters(), 0.0, betas, fused=fused
        )
        self._painting = PaintingPass(self.model)
        self._parallel = Parallel(ranks)
        self._forward: nn.Module = self._painting
        self._describe: nn.Module | None = self.descriptor_loss
        self.images_seen = 0
        self.steps_done = 0
        self._failures = 0  # steps in a row that were left out

    @property
    def learning_rate(self) -> float:
        """Of encoder and generator at the last step."""
        return float(self.model_optimizer.param_groups[0]["lr"])

    # ------------------------------------------------------------------ a step

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update the discriminator, then encoder, generator and averages.

        Args:
            batch: the share of this process, on any device.
            progress: share of the run that is done, in [0, 1]; sets the learning rates.

        Returns:
            Every term of both objectives, of all processes, unweighted, () and detached.

        Raises:
            NonFiniteLossError: a term is not finite. Nothing has been changed.
        """
        self._set_learning_rates(progress)
        parts = batch.to(self.device).split(self.config.train.accumulate)
        self.model_optimizer.zero_grad(set_to_none=True)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        terms: dict[str, Tensor] = {}
        for number, part in enumerate(parts):
            with self._parallel.averaging(last=number + 1 == len(parts)):
                found = self._accumulate(part, self._rng(number), 1 / len(parts))
            for name, term in found.items():
                terms[name] = terms.get(name, 0) + term.detach() / len(parts)
        terms = self.ranks.mean(terms)
        self._parallel.average_scales(self.model, self.descriptor_loss)
        gradients = {
            "model/gradient": self._clip(self.model_parameters),
            "discriminator/gradient": self._clip([*self.discriminator.parameters()]),
        }
        self._refuse_non_finite(terms, gradients)
        terms |= gradients
        self.discriminator_optimizer.step()
        self.model_optimizer.step()
        self._count(batch)
        self._update_average(len(batch.content) * self.ranks.count)
        return terms

    def step_or_skip(self, batch: Batch, progress: float) -> dict[str, Tensor] | None:
        """As `step`; a batch that gives a term that is not finite is left out, and None returned.

        Raises:
            NonFiniteLossError: so did the four batches before.
        """
        try:
            terms = self.step(batch, progress)
        except NonFiniteLossError as error:
            self._failures += 1
            if self._failures >= _FAILURES:
                raise
            logger.warning("left out a step: %s", error)
            self._count(batch)  # so that the next step draws another batch
            return None
        self._failures = 0
        return terms

    def _accumulate(self, batch: Batch, rng: torch.Generator, share: float) -> dict[str, Tensor]:
        """Add this part's gradients, `share` of the batch's, to both sides; return the terms."""
        painted = self._paint(batch, rng)
        terms, logits = self._discriminator_terms(batch, painted, rng)
        self._backward({name: self.adversarial.weight(name) for name in terms}, terms, share)
        model_terms = self._model_terms(batch, painted, rng)
        self._backward(self.weights, model_terms, share)
        return terms | logits | {f"model/{name}": term for name, term in model_terms.items()}

    def _paint(self, batch: Batch, rng: torch.Generator) -> Painted:
        """Encode the sets and paint the photos in them, or what is given in their place."""
        noisy_share = self.config.data.noisy if STEADINESS in self.weights else 0.0
        content, noisy = degraded_content(batch, noisy_share, rng)
        with self._autocast():
            codes, stylized = self._forward(content, batch.style)
        code = codes.repeat_interleave(batch.style.shape[1], dim=0)
        return Painted(codes, code, stylized, noisy)

    def _backward(self, weights: dict[str, float], terms: dict[str, Tensor], share: float) -> None:
        if weights.keys() != terms.keys():
            raise AssertionError(f"terms {sorted(terms)} do not match weights {sorted(weights)}")
        if terms:
            total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
            (total * share).backward()  # type: ignore[no-untyped-call]

    def _discriminator_terms(
        self, batch: Batch, painted: Painted, rng: torch.Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if ADVERSARIAL not in self.weights:
            return {}, {}
        examples = batch.style.shape[1]
        other = batch.style_index.roll(1) != batch.style_index  # sets whose neighbor differs
        return self.adversarial.terms(
            batch.style.flatten(0, 1),
            painted.stylized.detach(),
            painted.code.detach(),
            painted.codes.detach().roll(1, 0).repeat_interleave(examples, dim=0),
            other.repeat_interleave(examples),
            rng,
            penalize=self.steps_done % self.config.discriminator.r1_interval == 0,
        )

    # ------------------------------------------------------------------ encoder and generator

    def _model_terms(
        self, batch: Batch, painted: Painted, rng: torch.Generator
    ) -> dict[str, Tensor]:
        shift = torch.randint(0, 4, (2,), generator=rng).tolist()
        style, set_size = batch.style.flatten(0, 1), batch.style.shape[1]
        terms = self.picture_losses.terms(
            painted.stylized,
            batch.content,
            style,
            set_size,
            shift,
            rng,
            self._further(batch, painted),
            flattened_content(batch, self.config.data.flattened),
        )
        if STEADINESS in self.weights:
            terms[STEADINESS] = self._steadiness(batch, painted)
        if ADVERSARIAL in self.weights:
            # the code describes the style and is not to be bent to the discriminator: no gradient
            terms[ADVERSARIAL] = self.adversarial.model_term(
                style, painted.stylized, painted.code.detach(), rng
            )
        return {name: terms[name] for name in self.weights}

    def _further(self, batch: Batch, painted: Painted) -> dict[str, Callable[[Comparison], Tensor]]:
        further: dict[str, Callable[[Comparison], Tensor]] = {}
        if RECONSTRUCTION in self.weights:
            further[RECONSTRUCTION] = lambda seen: reconstruction_loss(
                seen.paintings, seen.targets, seen.painting_maps, seen.target_maps, batch.destylized
            )
        if (describe := self._describe) is not None:
            further[DESCRIPTOR] = lambda seen: describe(painted.codes, seen.target_gram)
        return further

    def _steadiness(self, batch: Batch, painted: Painted) -> Tensor:
        noisy = painted.noisy
        if not len(noisy):  # all of a small batch may be pictures of the style
            return painted.stylized.sum() * 0
        with torch.no_grad(), self._autocast():
            clean = self._painting.paint(batch.content[noisy], painted.code[noisy])
        return steadiness_loss(painted.stylized[noisy], clean)

    @torch.inference_mode()
    def evaluate(self, batch: Batch) -> dict[str, float]:
        """Losses on pictures of the averaged model, in float32.

        Returns:
            Each loss whose weight is not 0, unweighted, and "score", their weighted sum: the lower
            the better. The discriminator is left out, because it changes from step to step, and
            so is the descriptor's decoder; and steadiness, which says nothing of the style, and
            reconstruction, as no picture is destylized here.
        """
        batch = batch.to(self.device)
        set_size = batch.style.shape[1]
        code = self.average.encode(batch.style).repeat_interleave(set_size, dim=0)
        painted = self.average(batch.content, code)
        style = batch.style.flatten(0, 1)
        terms = self.picture_losses.terms(painted, batch.content, style, set_size)
        values = {name: term.item() for name, term in terms.items()}
        score = math.fsum(self.weights[name] * value for name, value in values.items())
        return values | {"score": score}

    # ------------------------------------------------------------------ helpers

    def _count(self, batch: Batch) -> None:
        self.images_seen += len(batch.content) * self.ranks.count
        self.steps_done += 1

    def _rng(self, number: int) -> torch.Generator:
        """Of the part with this number among those of this process; each part has its own."""
        part = self.ranks.rank * self.config.train.accumulate + number
        seed = self.config.train.seed * 1_000_003 + self.images_seen + part * _BETWEEN_PARTS
        return torch.Generator().manual_seed(seed % 2**64)

    def join(self) -> None:
        """Begin like the first process, and average gradients over all of them from now on.

        Call it once the first has the networks and the state from which training goes on.
        """
        if self.ranks.count == 1:
            return
        state = self.ranks.by_first(lambda: state_on_cpu(self.state_dict()))
        self.load_state_dict(unflatten_state(*state))
        self._forward = self._parallel.join(self._painting)
        self.adversarial.taught = self._parallel.join(self.discriminator)
        if self.descriptor_loss is not None:
            self._describe = self._parallel.join(self.descriptor_loss)

    def _autocast(self) -> AbstractContextManager[Any]:
        return autocast(self.device, self.precision)

    def _set_learning_rates(self, progress: float) -> None:
        train = self.config.train
        factor = rate_factor(train, self.images_seen, progress)
        self.model_optimizer.param_groups[0]["lr"] = train.learning_rate * factor
        self.discriminator_optimizer.param_groups[0]["lr"] = (
            train.discriminator_learning_rate * factor
        )

    def _clip(self, parameters: list[nn.Parameter]) -> Tensor:
        limit = self.config.train.clip
        return clip_grad_norm_(parameters, math.inf if limit is None else limit).detach()

    def _refuse_non_finite(self, terms: dict[str, Tensor], gradients: dict[str, Tensor]) -> None:
        """Look at all at once: it is the one time in a step that the host waits for the device.

        Gradients are named where all terms are finite: where one is not, they cannot be either.
        """
        values = torch.stack([value.float() for value in (terms | gradients).values()])
        if torch.isfinite(values).all():
            return
        bad = [
            n
            for n, v in zip(terms | gradients, values.tolist(), strict=True)
            if not math.isfinite(v)
        ]
        named = [name for name in bad if name in terms] or bad
        raise NonFiniteLossError(
            f"{', '.join(named)} is not finite at step {self.steps_done} "
            f"({self.images_seen} images); no weight was updated"
        )

    @torch.no_grad()
    def _update_average(self, images: int) -> None:
        """Move the averages; their half life is in images, and shorter while the run is young."""
        half_life = min(self.config.train.ema_half_life, max(self.images_seen * 0.2, images))
        share = 1 - 0.5 ** (images / half_life)
        averaged: list[Tensor] = [*self.average.parameters()]
        current: list[Tensor] = [*self.model.parameters()]
        torch._foreach_lerp_(averaged, current, share)
        for mine, other in zip(self.average.buffers(), self.model.buffers(), strict=True):
            mine.copy_(other)

    def begin_with(self, model: Mapping[str, Tensor], discriminator: Mapping[str, Tensor]) -> None:
        """Begin with trained networks.

        Args:
            model: state of encoder and generator, which the averages begin with, too.
            discriminator: its state; where it is empty the discriminator begins from scratch.

        Raises:
            RuntimeError: a state does not fit the network.
        """
        self.model.load_state_dict(model)
        self.average.load_state_dict(model)
        if discriminator:
            self.discriminator.load_state_dict(discriminator)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, other than configuration and data."""
        loss = self.descriptor_loss
        decoder = {} if loss is None else {"descriptor": loss.state_dict()}
        return decoder | {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "model_optimizer": self.model_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "images_seen": self.images_seen,
            "steps_done": self.steps_done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, of a trainer with the same configuration.

        Raises:
            KeyError, RuntimeError, ValueError: a part is missing or does not fit.
        """
        if ("descriptor" in state) != (self.descriptor_loss is not None):
            was, now = ("above 0", "0") if self.descriptor_loss is None else ("0", "above 0")
            raise ValueError(f"losses.descriptor was {was} when it was saved, and is {now} now")
        if self.descriptor_loss is not None:
            self.descriptor_loss.load_state_dict(state["descriptor"])
        for name in ("model", "average", "discriminator"):
            getattr(self, name).load_state_dict(state[name])
        self.model_optimizer.load_state_dict(state["model_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.images_seen = int(state["images_seen"])
        self.steps_done = int(state["steps_done"])
