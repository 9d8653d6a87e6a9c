import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_style.errors import ConfigError
from gan_style.losses.adversarial import (
    FORMS,
    AdversarialLosses,
    adversarial_loss,
    discriminator_loss,
    gradient_penalty,
)
from gan_style.models.discriminator import Discriminator

CODE = 5


class Known(nn.Module):
    """Logit = weight * mean of the picture + sum of the code, at two patches.

    Keeps what it was shown.
    """

    def __init__(self, weight: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.shown: list[tuple[Tensor, Tensor]] = []
        self.autocast: list[bool] = []

    def forward(self, pictures: Tensor, code: Tensor) -> Tensor:
        self.shown.append((pictures.detach().clone(), code.detach().clone()))
        self.autocast.append(torch.is_autocast_enabled("cpu"))
        logit = self.weight * pictures.mean((1, 2, 3)) + code.sum(1)
        return logit[:, None].expand(-1, 2)


def flat(*values: float) -> Tensor:
    return torch.tensor(values)[:, None, None, None].expand(-1, 3, 32, 32).clone()


def code_of(*values: float) -> Tensor:
    """Codes whose numbers sum to the values."""
    return torch.tensor(values)[:, None].expand(-1, CODE) / CODE


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def adversary_of(
    discriminator: nn.Module | None = None,
    autocast: Any = nullcontext,
    **options: Any,
) -> AdversarialLosses:
    plain = {"form": "hinge", "r1": 0.1, "r1_interval": 16, "augment": False, "gray": 0.0}
    return AdversarialLosses(discriminator or Known(), autocast=autocast, **(plain | options))


NONE = torch.zeros(2, dtype=torch.bool)
REAL, FAKE, OWN, OTHER = flat(0.5, 0.75), flat(0.25, 1.0), code_of(0.5, -1.0), code_of(-3.0, 0.25)
ON_REAL, ON_FAKE = torch.tensor([1.5, 0.5]), torch.tensor([1.0, 1.0])
ON_WRONG = torch.tensor([-2.0, 1.75])  # logits of Known on real pictures with the other code


@pytest.mark.parametrize("form", FORMS)
def test_loss_and_logits_at_known_pictures(form: str) -> None:
    terms, logits = adversary_of(form=form).terms(
        REAL, FAKE, OWN, OTHER, NONE, random(), penalize=False
    )
    assert list(terms) == ["discriminator/loss"]
    expected = discriminator_loss(form, ON_REAL, ON_FAKE)
    assert terms["discriminator/loss"].item() == pytest.approx(expected.item())
    assert {k: v.item() for k, v in logits.items()} == pytest.approx(
        {"discriminator/logits_real": 1.0, "discriminator/logits_fake": 1.0}
    )
    assert not any(v.requires_grad for v in logits.values())


def test_hinge_loss_by_arithmetic() -> None:
    terms, _ = adversary_of().terms(REAL, FAKE, OWN, OTHER, NONE, random(), penalize=False)
    # real: relu(1 - 1.5) = 0, relu(1 - 0.5) = 0.5; fake: relu(1 + 1) = 2 twice
    assert terms["discriminator/loss"].item() == pytest.approx(0.25 + 2)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrong", [[True, True], [False, True], [True, False]])
def test_real_pictures_with_a_wrong_code_are_fakes(form: str, wrong: list[bool]) -> None:
    chosen = torch.tensor(wrong)
    terms, logits = adversary_of(form=form).terms(
        REAL, FAKE, OWN, OTHER, chosen, random(), penalize=False
    )
    assert set(terms) == {"discriminator/loss", "discriminator/wrong"}
    expected = discriminator_loss(form, ON_REAL[chosen], ON_WRONG[chosen])
    assert terms["discriminator/wrong"].item() == pytest.approx(expected.item())
    assert terms["discriminator/loss"].item() == pytest.approx(
        discriminator_loss(form, ON_REAL, ON_FAKE).item()
    )
    assert logits["discriminator/logits_real"].item() == pytest.approx(1.0)  # own code only


def test_the_discriminator_is_called_once_for_all_its_pictures() -> None:
    discriminator = Known()
    adversary_of(discriminator).terms(
        REAL, FAKE, OWN, OTHER, torch.tensor([False, True]), random(), penalize=False
    )
    ((pictures, code),) = discriminator.shown
    assert torch.equal(pictures, torch.cat([REAL, FAKE, REAL[1:]]))
    assert torch.equal(code, torch.cat([OWN, OWN, OTHER[1:]]))


# ---------------------------------------------------------------------- penalty


def test_penalty_of_a_linear_discriminator() -> None:
    terms, _ = adversary_of(r1=0.1).terms(REAL, FAKE, OWN, OTHER, NONE, random(), penalize=True)
    assert set(terms) == {"discriminator/loss", "discriminator/r1"}
    # logit = 2 * mean of n numbers: gradient 2 / n at each, half its squared length is 2 / n
    assert terms["discriminator/r1"].item() == pytest.approx(2 / (3 * 32 * 32))


@pytest.mark.parametrize(("r1", "penalize"), [(0.0, True), (0.1, False)])
def test_no_penalty_where_it_is_off_or_not_due(r1: float, penalize: bool) -> None:
    discriminator = Known()
    terms, _ = adversary_of(discriminator, r1=r1).terms(
        REAL, FAKE, OWN, OTHER, NONE, random(), penalize=penalize
    )
    assert "discriminator/r1" not in terms
    assert len(discriminator.shown) == 1


def test_weights_make_up_for_the_steps_without_penalty() -> None:
    adversarial = adversary_of(r1=0.25, r1_interval=16)
    names = ("discriminator/loss", "discriminator/wrong", "discriminator/r1")
    assert [adversarial.weight(n) for n in names] == [1.0, 1.0, 4.0]


def test_penalty_is_on_real_pictures_with_their_code_as_they_were_shown() -> None:
    discriminator = Known()
    adversary_of(discriminator, augment=True).terms(
        REAL, FAKE, OWN, OTHER, NONE, random(), penalize=True
    )
    (classified, _), (penalized, code) = discriminator.shown
    assert torch.equal(penalized, classified[:2])  # augmented once, not twice
    assert not torch.equal(penalized, REAL)
    assert torch.equal(code, OWN)


def test_penalty_of_a_real_discriminator() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(CODE).eval()
    pictures = torch.rand(2, 3, 32, 32)
    terms, _ = adversary_of(discriminator).terms(
        pictures, FAKE, OWN, OTHER, NONE, random(), penalize=True
    )
    leaf = pictures.clone().requires_grad_()
    expected = gradient_penalty(discriminator(leaf, OWN), leaf)
    assert terms["discriminator/r1"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert terms["discriminator/r1"].item() > 0


def test_networks_run_under_autocast_but_the_penalty_does_not() -> None:
    discriminator = Known()

    def autocast() -> AbstractContextManager[Any]:
        return torch.autocast("cpu", torch.bfloat16)

    adversarial = adversary_of(discriminator, autocast)
    adversarial.terms(REAL, FAKE, OWN, OTHER, NONE, random(), penalize=True)
    assert discriminator.autocast == [True, False]
    adversarial.model_term(REAL, FAKE, OWN, random())
    assert discriminator.autocast == [True, False, True]
    assert not torch.is_autocast_enabled("cpu")


# ---------------------------------------------------------------------- the model's loss


@pytest.mark.parametrize("form", FORMS)
def test_the_models_loss_at_known_pictures(form: str) -> None:
    loss = adversary_of(form=form).model_term(REAL, FAKE, OWN, random())
    assert loss.shape == ()
    assert loss.item() == pytest.approx(adversarial_loss(form, ON_REAL, ON_FAKE).item())


@pytest.mark.parametrize("form", FORMS)
def test_the_models_loss_has_a_gradient_into_the_fake_alone(form: str) -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(CODE)
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    adversary_of(discriminator, form=form, augment=True).model_term(
        real, fake, OWN, random()
    ).backward()
    assert fake.grad is not None
    assert fake.grad.abs().max() > 0
    assert real.grad is None
    assert all(p.grad is None for p in discriminator.parameters())


@pytest.mark.parametrize("form", FORMS)
def test_only_the_relativistic_form_needs_real_pictures(form: str) -> None:
    discriminator = Known()
    adversary_of(discriminator, form=form).model_term(REAL, FAKE, OWN, random())
    assert len(discriminator.shown) == (2 if form == "relativistic" else 1)
    assert torch.equal(discriminator.shown[0][0], FAKE)


def test_a_step_of_the_discriminator_teaches_it_and_not_the_pictures() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(CODE)
    adversarial = adversary_of(discriminator, augment=True)
    adversarial.model_term(REAL, FAKE, OWN, random())  # leaves the discriminator frozen ...
    terms, _ = adversarial.terms(
        REAL, FAKE, OWN, OTHER, torch.tensor([True, True]), random(), penalize=True
    )
    torch.stack(list(terms.values())).sum().backward()
    for name, parameter in discriminator.named_parameters():  # ... which learns again
        assert parameter.grad is not None, name
    assert REAL.grad is None
    assert not REAL.requires_grad


def test_a_few_steps_tell_real_from_fake() -> None:
    """The direction of everything together: descent raises real and lowers fake logits."""
    torch.manual_seed(0)
    discriminator = Discriminator(CODE)
    adversarial = adversary_of(discriminator, augment=True, form="nonsaturating")
    optimizer = torch.optim.Adam(discriminator.parameters(), 2e-3)
    real = torch.rand(4, 3, 32, 32) * 0.2 + 0.7
    fake, code = torch.rand(4, 3, 32, 32) * 0.2 + 0.1, torch.randn(4, CODE)
    gaps = []
    for step in range(12):
        terms, logits = adversarial.terms(
            real, fake, code, code, torch.zeros(4, dtype=torch.bool), random(step), penalize=False
        )
        on_real, on_fake = (logits[f"discriminator/logits_{k}"] for k in ("real", "fake"))
        gaps.append((on_real - on_fake).item())
        optimizer.zero_grad()
        terms["discriminator/loss"].backward()
        optimizer.step()
    assert gaps[-1] > gaps[0] + 0.2
    before = adversarial.model_term(real, fake, code, random()).item()
    assert before > adversarial.model_term(real, real, code, random()).item()
    assert math.isfinite(before)


# ---------------------------------------------------------------------- augmentation


def test_real_and_fake_are_shown_in_gray_to_the_discriminator_and_to_the_model() -> None:
    discriminator = Known()
    adversarial = adversary_of(discriminator, gray=1.0)
    real, fake = torch.rand(2, 2, 3, 8, 8)
    rng, code = torch.Generator(), torch.zeros(2, 2)
    wrong = torch.tensor([True, True])
    adversarial.terms(real, fake, code, code, wrong, rng, penalize=True)
    adversarial.model_term(real, fake, code, rng)
    shown = [pictures for pictures, _ in discriminator.shown]
    assert len(shown) == 3
    assert all(torch.equal(pictures, pictures[:, :1].expand_as(pictures)) for pictures in shown)


def test_pictures_are_shown_as_they_are_without_augmentation() -> None:
    discriminator = Known()
    adversarial = adversary_of(discriminator)
    adversarial.model_term(REAL, FAKE, OWN, random())
    adversarial.terms(REAL, FAKE, OWN, OTHER, NONE, random(), penalize=False)
    assert torch.equal(discriminator.shown[0][0], FAKE)
    assert torch.equal(discriminator.shown[1][0], torch.cat([REAL, FAKE]))


def test_real_and_fake_are_augmented_from_the_given_generator() -> None:
    shown = []
    for seed in (0, 0, 1):
        discriminator = Known()
        adversarial = adversary_of(discriminator, augment=True)
        adversarial.terms(REAL, FAKE, OWN, OTHER, NONE, random(seed), penalize=False)
        adversarial.model_term(REAL, FAKE, OWN, random(seed))
        shown.append(torch.cat([pictures for pictures, _ in discriminator.shown]))
        torch.rand(3)  # what others draw does not matter
    assert torch.equal(shown[0], shown[1])
    assert not torch.equal(shown[0], shown[2])
    for changed, plain in zip(shown[0], torch.cat([REAL, FAKE, FAKE]), strict=True):
        assert not torch.equal(changed, plain)


def test_a_wrong_pair_shows_the_same_augmented_picture() -> None:
    """The discriminator can then tell it by its code only."""
    discriminator = Known()
    adversary_of(discriminator, augment=True).terms(
        REAL, FAKE, OWN, OTHER, torch.tensor([False, True]), random(), penalize=False
    )
    ((pictures, _),) = discriminator.shown
    assert torch.equal(pictures[4], pictures[1])


def test_an_unknown_form_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="'wgan'; allowed: hinge, nonsaturating"):
        adversary_of(form="wgan")
