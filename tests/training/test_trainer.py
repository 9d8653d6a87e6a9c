"""One training step: what it changes, what it returns, what it refuses."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_style.checkpoint import flatten_state, unflatten_state
from gan_style.config import Config, LossWeights, load_config
from gan_style.data.dataset import Batch
from gan_style.errors import NonFiniteLossError
from gan_style.losses.comparison import PICTURE_LOSSES, Comparison
from gan_style.losses.picture_losses import PictureLosses
from gan_style.models.generator import Generator
from gan_style.models.layers import RunningScale
from gan_style.pretrained import read_model
from gan_style.training.painted import PaintingPass
from gan_style.training.trainer import Trainer

CPU = torch.device("cpu")
NETWORKS = ("model", "average", "discriminator")
TERMS = [option.name for option in fields(LossWeights)]
# those that are off by default
EVERY = ("losses.sliced=1", "losses.steadiness=1", "losses.descriptor=1")


def settings(*overrides: str) -> Config:
    small = ["data.size=48", "data.crop=40", "model.code_dim=16", "train.precision=float32"]
    return load_config(None, [*small, "train.batch_size=4", "train.warmup=0", *overrides])


def batch_of(examples: int = 2, seed: int = 0) -> Batch:
    random = torch.Generator().manual_seed(seed)
    content, style = torch.rand(2, 4, 3, 40, 40, generator=random)
    sets = 4 // examples
    return Batch(content, style.reshape(sets, examples, 3, 40, 40), torch.arange(sets))


def numbers(trainer: Trainer) -> dict[str, Tensor]:
    tensors, _ = flatten_state(trainer.state_dict())
    return {name: tensor.clone() for name, tensor in tensors.items()}


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    """Names of what differs, without what every forward pass measures: spectral norms, scales."""
    assert before.keys() == after.keys()
    differing = [name for name in before if not torch.equal(before[name], after[name])]
    return [name for name in differing if not (name.endswith(("._u", "._v")) or ".scale." in name)]


def gradients(module: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])


def infinite(*_: Any) -> Tensor:
    return torch.tensor(math.inf, requires_grad=True)


# what a step does


def test_a_step_changes_all_networks() -> None:
    trainer = Trainer(settings(), CPU)
    before = numbers(trainer)
    trainer.step(batch_of(), 0.0)
    after = numbers(trainer)
    for network in NETWORKS:
        for name in getattr(trainer, network).state_dict():
            key = f"{network}.{name}"
            frozen = name.startswith(("encoder.picture.", "encoder.stroke."))  # compact's maps
            if not name.endswith(("._u", "._v")):
                assert torch.equal(before[key], after[key]) == frozen, key
    assert (trainer.images_seen, trainer.steps_done) == (4, 1)
    assert all(torch.isfinite(value).all() for value in after.values())


def test_the_features_stay_as_they_are() -> None:
    trainer = Trainer(settings(), CPU)
    frozen = (trainer.picture_losses.picture, trainer.picture_losses.stroke)
    before = [t.clone() for network in frozen for t in network.state_dict().values()]
    trainer.step(batch_of(), 0.0)
    after = [t for network in frozen for t in network.state_dict().values()]
    assert all(map(torch.equal, before, after))
    assert all(p.grad is None for network in frozen for p in network.parameters())


def test_terms_are_named_as_the_options_of_losses() -> None:
    terms = Trainer(settings(*EVERY), CPU).step(batch_of(), 0.0)
    model = {name.removeprefix("model/") for name in terms if name.startswith("model/")}
    assert model == {*TERMS, "gradient"}
    rest = {name for name in terms if not name.startswith("model/")}
    known = {"loss", "wrong", "r1", "logits_real", "logits_fake", "gradient"}
    assert rest == {f"discriminator/{name}" for name in known}
    for name, term in terms.items():
        assert term.shape == (), name
        assert not term.requires_grad, name
        assert torch.isfinite(term), name


@pytest.mark.parametrize("left_out", TERMS)
def test_weight_0_leaves_a_term_out(left_out: str) -> None:
    trainer = Trainer(settings(*EVERY, f"losses.{left_out}=0"), CPU)
    discriminator = [p.clone() for p in trainer.discriminator.parameters()]
    terms = trainer.step(batch_of(), 0.0)
    assert {name for name in TERMS if f"model/{name}" in terms} == {*TERMS} - {left_out}
    if left_out == "adversarial":  # then there is no discriminator's work at all
        assert set(terms) & {"discriminator/loss", "discriminator/r1"} == set()
        assert all(map(torch.equal, discriminator, trainer.discriminator.parameters()))


def test_one_loss_alone_is_enough() -> None:
    others = [f"losses.{name}=0" for name in TERMS if name != "content"]
    terms = Trainer(settings(*others), CPU).step(batch_of(), 0.0)
    assert set(terms) == {"model/content", "model/gradient", "discriminator/gradient"}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_step_with_everything_turned_on(precision: str, parts: int) -> None:
    every = [*EVERY, f"train.precision={precision}", f"train.accumulate={parts}"]
    trainer = Trainer(settings(*every), CPU)
    terms = trainer.step(replace(batch_of(), destylized=(2, 3)), 0.0)
    assert all(torch.isfinite(term) for term in terms.values())
    assert terms["model/sliced"] > 0
    assert terms["model/steadiness"] > 0  # if of the first part alone, which has the photos
    assert set(TERMS) - {"steadiness"} < {name.removeprefix("model/") for name in terms}


def test_a_destylized_picture_is_painted_without_strokes_and_compared_with_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(settings("losses.steadiness=1", "data.noisy=0.5"), CPU)
    shown: list[Tensor] = []
    targets: list[Tensor] = []
    paint, compare = PaintingPass.paint, PictureLosses.terms

    def stylized(self: PaintingPass, content: Tensor, code: Tensor) -> Tensor:
        shown.append(content)
        return paint(self, content, code)

    def terms(losses: PictureLosses, painted: Tensor, photos: Tensor, *rest: Any) -> Any:
        targets.append(photos)
        return compare(losses, painted, photos, *rest)

    monkeypatch.setattr(PaintingPass, "paint", stylized)
    monkeypatch.setattr(PictureLosses, "terms", terms)
    batch = replace(batch_of(), destylized=(1,))
    trainer.step(batch, 0.0)
    given, clean = shown  # what is painted, and the photos with noise without it
    changed = [not torch.equal(*pair) for pair in zip(given, batch.content, strict=True)]
    assert sum(changed) == 3  # the destylized one, and half of four with noise
    assert changed[1]
    assert torch.equal(targets[0], batch.content)
    assert len(clean) == 2
    assert all(any(torch.equal(one, other) for other in batch.content[[0, 2, 3]]) for one in clean)


def test_the_painting_that_corrects_the_code_is_half_as_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And otherwise training paints as the model does."""
    trainer = Trainer(settings(), CPU)
    shown: list[tuple[bool, tuple[int, ...]]] = []
    paint = Generator.forward

    def forward(generator: Generator, content: Tensor, code: Tensor) -> Tensor:
        shown.append((torch.is_grad_enabled(), tuple(content.shape[2:])))
        return paint(generator, content, code)

    monkeypatch.setattr(Generator, "forward", forward)
    content, code = torch.rand(2, 3, 72, 80), torch.rand(2, trainer.model_config.code_dim)
    painting = PaintingPass(trainer.model)
    found = painting.paint(content, code)
    assert shown == [(False, (36, 40)), (True, (72, 80))]
    small = torch.nn.functional.avg_pool2d(content, 2)
    expected = paint(trainer.model.generator, content, trainer.model.corrected(small, code))
    torch.testing.assert_close(found, expected)
    shown.clear()
    painting.paint(content[..., :48, :48], code)
    assert shown[0][1] == (32, 32)  # the generator takes no less


def test_reconstruction_is_of_destylized_pictures_and_content_of_flattened_photos(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Comparison] = []
    monkeypatch.setitem(PICTURE_LOSSES, "tv", lambda c: (seen.append(c), c.paintings.mean())[1])
    trainer = Trainer(settings("losses.reconstruction=1", "data.flattened=0.01"), CPU)
    batch = replace(batch_of(), destylized=(1,))
    terms = trainer.step(batch, 0.0)
    changed = [not torch.equal(*pair) for pair in zip(seen[0].targets, seen[0].photos, strict=True)]
    assert changed == [True, False, True, True]
    assert terms["model/reconstruction"] > 0
    assert trainer.step(batch_of(), 0.0)["model/reconstruction"] == 0
    assert "reconstruction" not in trainer.evaluate(batch_of())


def test_without_the_loss_no_noise_is_drawn() -> None:
    """Whatever `data.noisy` says: results without it are those of before there was such a loss."""
    found = []
    for share in (0.25, 1.0):
        trainer = Trainer(settings(f"data.noisy={share}"), CPU)
        found.append(trainer.step(batch_of(), 0.0))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_the_penalty_is_taken_every_so_many_steps() -> None:
    trainer = Trainer(settings("discriminator.r1_interval=2"), CPU)
    due = ["discriminator/r1" in trainer.step(batch_of(), 0.0) for _ in range(3)]
    assert due == [True, False, True]


def test_one_style_alone_has_no_wrong_code() -> None:
    one = replace(batch_of(), style_index=torch.zeros(2, dtype=torch.int64))
    assert "discriminator/wrong" not in Trainer(settings(), CPU).step(one, 0.0)


@pytest.mark.parametrize("form", ["nonsaturating", "leastsquares", "relativistic"])
def test_every_form_of_the_adversarial_loss_trains(form: str) -> None:
    terms = Trainer(settings(f"discriminator.form={form}"), CPU).step(batch_of(), 0.0)
    assert all(torch.isfinite(term) for term in terms.values())


def test_bfloat16_stays_near_float32() -> None:
    # from the base model: codes of random weights magnify any rounding
    base = read_model("base")

    def step(precision: str) -> dict[str, Tensor]:
        code = f"model.code_dim={base.config.code_dim}"
        trainer = Trainer(settings(code, f"train.precision={precision}"), CPU)
        trainer.begin_with(base.model, base.discriminator)
        return trainer.step(batch_of(), 0.0)

    exact, rough = step("float32"), step("bfloat16")
    for name in ("model/content", "model/gram", "model/moments", "model/stroke"):
        assert rough[name].dtype == torch.float32
        torch.testing.assert_close(rough[name], exact[name], rtol=0.05, atol=0)


# reproducible


def test_two_trainers_are_equal_bit_for_bit() -> None:
    first, second = (Trainer(settings(), CPU) for _ in range(2))
    torch.rand(1)  # the state of the global generator does not matter
    for step in range(2):
        ours, theirs = (t.step(batch_of(seed=step), 0.1 * step) for t in (first, second))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    ours, theirs = numbers(first), numbers(second)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_another_seed_is_another_run() -> None:
    ours, theirs = (numbers(Trainer(settings(f"train.seed={seed}"), CPU)) for seed in (0, 1))
    assert not all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("options", [(), EVERY])
def test_state_goes_round_and_the_next_step_is_the_same(options: tuple[str, ...]) -> None:
    first = Trainer(settings(*options), CPU)
    first.step(batch_of(), 0.0)
    second = Trainer(settings(*options, "train.seed=5"), CPU)
    tensors, skeleton = flatten_state(first.state_dict())
    copies = {name: tensor.clone() for name, tensor in tensors.items()}
    second.load_state_dict(unflatten_state(copies, skeleton))
    second.config = first.config  # the seed is the configuration's, not the state's
    assert (second.images_seen, second.steps_done) == (4, 1)
    for trainer in (first, second):
        trainer.step(replace(batch_of(seed=1), destylized=(0,) if options else ()), 0.5)
    ours, theirs = numbers(first), numbers(second)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_parts_of_a_batch_give_nearly_the_gradients_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unshifted = PictureLosses.terms
    monkeypatch.setattr(  # each part draws a shift of its own
        PictureLosses, "terms", lambda self, *given: unshifted(self, *given[:4])
    )
    same = ["discriminator.augment=false", "discriminator.gray=0", "discriminator.r1=0"]
    same += ["losses.reconstruction=0"]
    found = []
    for parts in (1, 2):
        trainer = Trainer(settings(*same, "train.clip=null", f"train.accumulate={parts}"), CPU)
        monkeypatch.setattr(RunningScale, "measure", lambda *_: None)  # each part measures its own
        terms = trainer.step(batch_of(examples=1), 0.0)
        found.append((terms, gradients(trainer.model)))
    (whole, ours), (parted, theirs) = found
    assert parted["model/content"] == pytest.approx(whole["model/content"].item(), rel=1e-4)
    # not quite: the stroke loss is relative to the strokes of a whole part
    assert (ours - theirs).norm() < 0.03 * ours.norm()


# the descriptor's decoder


def test_without_the_loss_there_is_no_decoder() -> None:
    plain, other = (Trainer(settings(*given), CPU) for given in ((), ("losses.descriptor=1",)))
    assert plain.descriptor_loss is None
    assert "descriptor" not in plain.state_dict()
    assert len(other.model_parameters) == len(plain.model_parameters) + 4
    ours, theirs = numbers(plain), numbers(other)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)  # they begin alike


@pytest.mark.long
def test_the_decoder_and_the_encoder_learn_to_hold_the_descriptor() -> None:
    others = [f"losses.{name}=0" for name in TERMS if name != "descriptor"]
    trainer = Trainer(settings(*others, "losses.descriptor=1"), CPU)
    batches = [batch_of(seed=seed) for seed in range(3)]
    for batch in batches:  # first the scale of the descriptor, and of the encoder's readings
        trainer.step(batch, 0.0)
    loss = trainer.descriptor_loss
    assert loss is not None
    learned = [trainer.model.encoder.to_code.weight, loss.decoder[0].weight, loss.decoder[2].weight]
    before = [weight.detach().clone() for weight in learned]
    painting = [parameter.clone() for parameter in trainer.model.generator.parameters()]
    losses = [
        sum(trainer.step(batch, 0.0)["model/descriptor"].item() for batch in batches)
        for _ in range(15)
    ]
    assert losses[-1] < 0.2 * losses[0]
    assert not any(map(torch.equal, before, learned))
    assert all(map(torch.equal, painting, trainer.model.generator.parameters()))


@pytest.mark.parametrize(("was", "now"), [(0, 1), (1, 0)])
def test_a_state_without_its_decoder_is_refused(was: int, now: int) -> None:
    saved = Trainer(settings(f"losses.descriptor={was}"), CPU).state_dict()
    trainer = Trainer(settings(f"losses.descriptor={now}"), CPU)
    before = numbers(trainer)
    with pytest.raises(ValueError, match=r"losses\.descriptor was (0|above 0) when it was saved"):
        trainer.load_state_dict(saved)
    assert moved(before, numbers(trainer)) == []


# what is not finite


def test_a_loss_that_is_not_finite_stops_before_anything_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(settings(), CPU)
    trainer.step(batch_of(), 0.0)
    before = numbers(trainer)
    monkeypatch.setitem(PICTURE_LOSSES, "moments", infinite)
    with pytest.raises(NonFiniteLossError, match=r"model/moments is not finite at step 1 \(4 im"):
        trainer.step(batch_of(), 0.0)
    assert moved(before, numbers(trainer)) == []
    assert (trainer.images_seen, trainer.steps_done) == (4, 1)


def test_an_adversarial_loss_that_is_not_finite_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(settings(), CPU)
    before = numbers(trainer)
    monkeypatch.setattr(trainer.adversarial, "model_term", infinite)
    with pytest.raises(NonFiniteLossError, match="model/adversarial is not finite"):
        trainer.step(batch_of(), 0.0)
    assert moved(before, numbers(trainer)) == []


def test_a_gradient_that_is_not_finite_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def steep(seen: Comparison) -> Tensor:
        difference = seen.paintings - seen.paintings.detach()
        return difference.abs().sum().sqrt()  # 0, with a slope of infinity

    trainer = Trainer(settings(), CPU)
    before = numbers(trainer)
    monkeypatch.setitem(PICTURE_LOSSES, "tv", steep)
    with pytest.raises(NonFiniteLossError, match="model/gradient is not finite"):
        trainer.step(batch_of(), 0.0)
    assert moved(before, numbers(trainer)) == []


def test_a_step_that_is_not_finite_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = Trainer(settings(), CPU)
    before = numbers(trainer)
    with monkeypatch.context() as patch:
        patch.setitem(PICTURE_LOSSES, "tv", infinite)
        assert trainer.step_or_skip(batch_of(), 0.0) is None
    assert caplog.messages[0].startswith("left out a step: model/tv is not finite at step 0")
    assert moved(before, numbers(trainer)) == []
    assert (trainer.images_seen, trainer.steps_done) == (4, 1)  # the next batch is another
    assert trainer.step_or_skip(batch_of(), 0.0) is not None


def test_five_steps_in_a_row_that_are_not_finite_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(settings(), CPU)
    failing = iter([*[True] * 4, False, *[True] * 5])
    take = Trainer.step

    def step(self: Trainer, *given: Any) -> Any:
        if next(failing):
            raise NonFiniteLossError("again")
        return take(self, *given)

    monkeypatch.setattr(Trainer, "step", step)
    taken = [trainer.step_or_skip(batch_of(), 0.0) is not None for _ in range(9)]
    assert taken == [*[False] * 4, True, *[False] * 4]
    with pytest.raises(NonFiniteLossError):
        trainer.step_or_skip(batch_of(), 0.0)


# rates, clipping, averages


def rates(trainer: Trainer, progress: float) -> tuple[float, float]:
    trainer._set_learning_rates(progress)
    groups = (trainer.model_optimizer, trainer.discriminator_optimizer)
    return tuple(group.param_groups[0]["lr"] for group in groups)


def test_rates_follow_from_images_and_progress_alone() -> None:
    config = settings(
        "train.warmup=40", "train.learning_rate=0.01", "train.discriminator_learning_rate=0.02"
    )
    trainer = Trainer(config, CPU)
    assert rates(trainer, 0.0) == pytest.approx((0.001, 0.002))  # the first 4 of 40 images
    trainer.images_seen = 16
    assert rates(trainer, 0.0) == pytest.approx((0.005, 0.01))
    trainer.images_seen = 4000
    assert rates(trainer, 0.0) == pytest.approx((0.01, 0.02))
    assert rates(trainer, 0.5) == pytest.approx((0.005, 0.01))
    assert rates(trainer, 1.0) == pytest.approx((0.0, 0.0))
    assert rates(trainer, 7.0) == pytest.approx((0.0, 0.0))  # beyond the end is the end
    assert rates(trainer, 0.0) == pytest.approx((0.01, 0.02))  # whatever the calls before


def test_a_short_run_is_warm_after_a_tenth_of_it() -> None:
    trainer = Trainer(settings("train.warmup=1000", "train.learning_rate=0.01"), CPU)
    trainer.images_seen = 6  # 10 with the step's own, a hundredth of the warm-up
    falling = [0.5 + 0.5 * math.cos(math.pi * share) for share in (0.05, 0.1, 0.3)]
    assert rates(trainer, 0.0)[0] == pytest.approx(0.0001)
    assert rates(trainer, 0.05)[0] == pytest.approx(0.005 * falling[0])
    assert rates(trainer, 0.1)[0] == pytest.approx(0.01 * falling[1])
    assert rates(trainer, 0.3)[0] == pytest.approx(0.01 * falling[2])


def test_without_warm_up_the_first_step_is_whole() -> None:
    config = settings("train.learning_rate=0.01")
    assert rates(Trainer(config, CPU), 0.0)[0] == pytest.approx(0.01)


@pytest.mark.parametrize(("clip", "longest"), [("0.01", 0.0101), ("null", math.inf)])
def test_clipping(clip: str, longest: float) -> None:
    trainer = Trainer(settings(f"train.clip={clip}"), CPU)
    terms = trainer.step(batch_of(), 0.0)
    norm = gradients(trainer.model).norm().item()
    assert norm <= longest
    reported = terms["model/gradient"].item()
    assert reported > 0.0101  # before clipping
    assert clip != "null" or reported == pytest.approx(norm, rel=1e-3)


def test_averages_begin_as_the_model_and_follow_it_slowly() -> None:
    trainer = Trainer(settings("train.ema_half_life=8"), CPU)
    ours = dict(trainer.model.named_parameters())
    average = dict(trainer.average.named_parameters())
    assert all(torch.equal(ours[name], average[name]) for name in ours)
    before = {name: value.clone() for name, value in average.items()}
    trainer.images_seen = 1000  # no longer young
    trainer.step(batch_of(), 0.0)
    share = 1 - 0.5 ** (4 / 8)
    for name, value in trainer.average.named_parameters():
        expected = before[name] + share * (ours[name] - before[name])
        torch.testing.assert_close(value, expected.detach())
    assert not any(p.requires_grad for p in trainer.average.parameters())
    assert not trainer.average.training


def test_a_young_average_forgets_faster() -> None:
    trainer = Trainer(settings("train.ema_half_life=100000"), CPU)
    for value in trainer.average.parameters():
        value.zero_()
    trainer.step(batch_of(), 0.0)
    share = 0.5  # the half life is a batch at first
    for ours, average in zip(trainer.model.parameters(), trainer.average.parameters(), strict=True):
        torch.testing.assert_close(average, share * ours.detach())


def test_evaluation_changes_nothing_and_is_the_same_twice() -> None:
    trainer = Trainer(settings(), CPU)
    before = numbers(trainer)
    scores = [trainer.evaluate(batch_of()) for _ in range(2)]
    assert scores[0] == scores[1]
    weighted = sum(trainer.weights[name] * v for name, v in scores[0].items() if name != "score")
    assert scores[0]["score"] == pytest.approx(weighted)
    assert moved(before, numbers(trainer)) == []


def test_evaluation_draws_the_same_directions_each_time() -> None:
    trainer = Trainer(settings(*EVERY), CPU)
    first, second = (trainer.evaluate(batch_of()) for _ in range(2))
    assert first == second
    assert first["sliced"] > 0
    assert not {"steadiness", "descriptor"} & first.keys()


def test_evaluation_leaves_out_what_has_no_weight() -> None:
    trainer = Trainer(settings("losses.gram=0", "losses.tv=0"), CPU)
    left = {"content", "moments", "stroke", "smoothness", "lattice", "score"}
    assert trainer.evaluate(batch_of()).keys() == left
