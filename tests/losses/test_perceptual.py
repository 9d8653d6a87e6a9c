import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_style.losses.adversarial import (
    FORMS,
    adversarial_loss,
    discriminator_loss,
    gradient_penalty,
)
from gan_style.losses.perceptual import content_loss, gram_loss, moments_loss, stroke_loss
from gan_style.losses.regularization import smoothness_loss, total_variation
from gan_style.losses.statistics import StyleStatistics, gram_matrix, style_statistics


def drawn(*shape: int, seed: int = 0, kind: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def statistics(seed: int = 0, count: int = 2, kind: torch.dtype = torch.float32) -> StyleStatistics:
    """Statistics of two layers of 3 and 4 channels, not of any picture."""
    shapes = {"a": 3, "b": 4}
    return StyleStatistics(
        {k: drawn(count, c, c, seed=seed, kind=kind) for k, c in shapes.items()},
        {k: drawn(count, c, seed=seed + 1, kind=kind) for k, c in shapes.items()},
        {k: drawn(count, c, seed=seed + 2, kind=kind) for k, c in shapes.items()},
    )


def scaled(values: StyleStatistics, factor: float) -> StyleStatistics:
    def times(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {k: v * factor for k, v in tensors.items()}

    return StyleStatistics(times(values.gram), times(values.mean), times(values.deviation))


def flattened(values: StyleStatistics) -> list[Tensor]:
    return [*values.gram.values(), *values.mean.values(), *values.deviation.values()]


def rebuilt(tensors: tuple[Tensor, ...]) -> StyleStatistics:
    return StyleStatistics(*({"a": tensors[i], "b": tensors[i + 1]} for i in (0, 2, 4)))


# ---------------------------------------------------------------------- Gram matrix, statistics


def test_gram_matrix_by_arithmetic() -> None:
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, -4.0]]]])  # (1, 2, 1, 2)
    # sums over the two positions: 1+4, 3-8, 9+16; divided by 2 positions
    expected = torch.tensor([[[2.5, -2.5], [-2.5, 12.5]]])
    assert torch.equal(gram_matrix(maps), expected)


def test_gram_matrix_is_symmetric_and_has_no_negative_eigenvalue() -> None:
    gram = gram_matrix(drawn(2, 6, 5, 7))
    assert torch.allclose(gram, gram.mT)
    assert torch.linalg.eigvalsh(gram).min() > -1e-5


def test_statistics_are_blind_to_shuffled_positions() -> None:
    maps = drawn(2, 5, 6, 7)
    order = torch.randperm(42, generator=torch.Generator().manual_seed(1))
    shuffled = maps.flatten(2)[:, :, order].view_as(maps)
    one, two = style_statistics({"x": maps}), style_statistics({"x": shuffled})
    for a, b in zip(flattened(one), flattened(two), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert gram_loss(two, one) < 1e-10
    assert content_loss(shuffled, maps) > 0.5  # which is not blind


def test_statistics_do_not_grow_with_the_picture() -> None:
    maps = drawn(1, 3, 4, 4)
    tiled = maps.repeat(1, 1, 3, 5)
    for a, b in zip(
        flattened(style_statistics({"x": maps})),
        flattened(style_statistics({"x": tiled})),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_statistics_are_mean_deviation_and_gram(layout: torch.memory_format) -> None:
    maps = drawn(2, 5, 6, 7) + 0.7
    got = style_statistics({"x": maps.contiguous(memory_format=layout)})
    exact = maps.double().flatten(2)
    assert torch.allclose(got.mean["x"].double(), exact.mean(2), atol=1e-6)
    deviation = exact.var(2, correction=0).add(1e-5).sqrt()
    assert torch.allclose(got.deviation["x"].double(), deviation, atol=1e-5)
    gram = torch.einsum("bcn,bdn->bcd", exact, exact) / 42
    assert torch.allclose(got.gram["x"].double(), gram, atol=1e-5)
    assert torch.equal(got.gram["x"], gram_matrix(maps.contiguous(memory_format=layout)))


def test_deviation_of_a_flat_channel_is_finite_and_so_is_its_gradient() -> None:
    maps = torch.full((1, 2, 4, 4), 7.3, requires_grad=True)
    deviation = style_statistics({"x": maps}).deviation["x"]
    assert torch.allclose(deviation, torch.tensor(1e-5).sqrt(), atol=3e-3)
    (gradient,) = torch.autograd.grad(deviation.sum(), maps)
    assert torch.isfinite(gradient).all()


def test_statistics_of_half_precision_maps_are_float32_and_do_not_overflow() -> None:
    maps = torch.full((1, 2, 64, 64), 60.0, dtype=torch.float16)  # sums of squares exceed 65504
    got = style_statistics({"x": maps})
    assert {t.dtype for t in flattened(got)} == {torch.float32}
    assert torch.allclose(got.gram["x"], torch.full((1, 2, 2), 3600.0))


def test_gradient_of_statistics_agrees_with_the_formula() -> None:
    """In float64 by autograd; the statistics themselves are always float32."""
    maps = drawn(2, 3, 4, 5)
    mine, plain = maps.clone().requires_grad_(), maps.double().requires_grad_()
    weights = [drawn(2, 3, 3, seed=1), drawn(2, 3, seed=2), drawn(2, 3, seed=3)]
    got = style_statistics({"x": mine})
    pairs = zip(weights, flattened(got), strict=True)
    torch.stack([(w * t).sum() for w, t in pairs]).sum().backward()
    flat = plain.flatten(2)
    exact = [
        flat @ flat.mT / 20,
        flat.mean(2),
        (flat.var(2, correction=0) + 1e-5).sqrt(),
    ]
    pairs = zip(weights, exact, strict=True)
    torch.stack([(w.double() * t).sum() for w, t in pairs]).sum().backward()
    assert mine.grad is not None
    assert plain.grad is not None
    assert torch.allclose(mine.grad.double(), plain.grad, atol=1e-5)


def test_average_pools_runs_of_pictures_and_gives_it_to_each() -> None:
    mean = torch.tensor([[1.0], [3.0], [10.0], [20.0]])
    got = StyleStatistics({"x": mean[:, None]}, {"x": mean}, {"x": mean * 2}).average(2)
    assert got.mean["x"].tolist() == [[2.0], [2.0], [15.0], [15.0]]
    assert got.deviation["x"].tolist() == [[4.0], [4.0], [30.0], [30.0]]
    assert got.gram["x"].tolist() == [[[2.0]], [[2.0]], [[15.0]], [[15.0]]]


def test_average_of_one_changes_nothing_and_of_all_is_the_mean() -> None:
    values = statistics(count=4)
    for a, b in zip(flattened(values.average(1)), flattened(values), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(flattened(values.average(4)), flattened(values), strict=True):
        assert torch.allclose(a, b.mean(0, keepdim=True).expand_as(b))


def test_average_refuses_a_count_that_does_not_divide_the_batch() -> None:
    with pytest.raises(RuntimeError):
        statistics(count=4).average(3)


# ---------------------------------------------------------------------- losses on features


def test_content_loss_by_arithmetic() -> None:
    assert content_loss(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 2.0])).item() == 4.5


def test_content_loss_is_float32_for_half_precision_maps() -> None:
    loss = content_loss(torch.full((9,), 300.0).half(), torch.zeros(9).half())
    assert loss.dtype == torch.float32
    assert loss.item() == 90000.0  # more than float16 holds


def test_gram_loss_by_arithmetic() -> None:
    none: dict[str, Tensor] = {}
    style = {"x": torch.tensor([[[3.0, 0], [0, 4]]]), "y": torch.tensor([[[2.0]]])}
    generated = {"x": torch.tensor([[[3.0, 1], [1, 1]]]), "y": torch.tensor([[[3.0]]])}
    # x: (0 + 1 + 1 + 9) / 25, y: 1 / 4
    got = gram_loss(StyleStatistics(generated, none, none), StyleStatistics(style, none, none))
    assert got.item() == pytest.approx((11 / 25 + 1 / 4) / 2)


def test_moments_loss_by_arithmetic() -> None:
    zero = torch.zeros(1, 2)
    style = StyleStatistics({}, {"x": zero, "y": zero}, {"x": zero, "y": zero})
    generated = StyleStatistics(
        {},
        {"x": torch.tensor([[1.0, 3.0]]), "y": zero + 1},
        {"x": torch.tensor([[0.0, 2.0]]), "y": zero},
    )
    # averaged over channels, summed over layers: 5 + 1 of the means, 2 + 0 of the deviations
    assert moments_loss(generated, style).item() == pytest.approx(8)


def test_stroke_loss_by_arithmetic() -> None:
    one = torch.ones(1, 2)
    style = StyleStatistics({"x": torch.ones(1, 2, 2)}, {"x": one}, {"x": one})
    generated = StyleStatistics({"x": torch.full((1, 2, 2), 3.0)}, {"x": one * 2}, {"x": one * 1.5})
    # relative squared errors: 4 of the Gram matrix, 1 of the mean, 1/4 of the deviation
    assert stroke_loss(generated, style).item() == pytest.approx(5.25)


@pytest.mark.parametrize("loss", [gram_loss, moments_loss, stroke_loss])
def test_style_losses_are_zero_for_equal_and_positive_for_different_statistics(
    loss: Callable[[StyleStatistics, StyleStatistics], Tensor],
) -> None:
    assert loss(statistics(), statistics()).item() == 0
    value = loss(statistics(9), statistics())
    assert value.shape == ()
    assert value.item() > 0.1


@pytest.mark.parametrize("loss", [gram_loss, stroke_loss])
@pytest.mark.parametrize("factor", [0.05, 30.0])
def test_relative_losses_do_not_depend_on_scale(
    loss: Callable[[StyleStatistics, StyleStatistics], Tensor], factor: float
) -> None:
    generated, style = statistics(9), statistics()
    both = loss(scaled(generated, factor), scaled(style, factor))
    assert both.item() == pytest.approx(loss(generated, style).item(), rel=1e-4)


def test_relative_loss_is_relative_to_the_style_not_to_the_output() -> None:
    style = statistics()
    assert gram_loss(scaled(style, 3), style).item() == pytest.approx(4, rel=1e-4)
    assert gram_loss(scaled(style, 0), style).item() == pytest.approx(1, rel=1e-4)


def test_every_picture_and_layer_counts_alike_in_relative_losses() -> None:
    style, generated = statistics(), statistics()
    style.gram["a"][0] *= 1000  # of both: a loud picture must not drown the others
    generated.gram["a"][0] *= 1000
    assert gram_loss(generated, style).item() == 0
    generated.gram["b"][1] *= 2
    assert gram_loss(generated, style).item() == pytest.approx(1 / 4, rel=1e-4)


@pytest.mark.parametrize("loss", [gram_loss, stroke_loss])
def test_relative_losses_against_a_black_style_are_finite(
    loss: Callable[[StyleStatistics, StyleStatistics], Tensor],
) -> None:
    assert math.isfinite(loss(statistics(), scaled(statistics(), 0)).item())


@pytest.mark.parametrize("loss", [gram_loss, moments_loss, stroke_loss])
def test_gradients_of_style_losses(
    loss: Callable[[StyleStatistics, StyleStatistics], Tensor],
) -> None:
    style = statistics(9, kind=torch.float64)
    inputs = tuple(t.requires_grad_() for t in flattened(statistics(kind=torch.float64)))
    assert torch.autograd.gradcheck(lambda *t: loss(rebuilt(t), style), inputs)


# ---------------------------------------------------------------------- losses on pictures


def test_total_variation_of_a_flat_picture_is_almost_zero() -> None:
    # three colors, each the root of 1e-6
    assert total_variation(torch.full((2, 3, 8, 9), 0.4)).item() == pytest.approx(0.003, rel=1e-4)


def test_total_variation_of_a_ramp() -> None:
    rows, columns = torch.arange(6.0)[:, None], torch.arange(7.0)
    ramp = (0.04 * rows + 0.03 * columns).expand(2, 3, 6, 7)
    # sqrt(0.03² + 0.04²) = 0.05 at every pixel that has neighbors, in three colors
    assert total_variation(ramp).item() == pytest.approx(0.15, rel=1e-3)


def test_total_variation_is_isotropic_and_not_the_sum_of_absolute_differences() -> None:
    picture = torch.zeros(1, 3, 2, 2)
    picture[0, 0, 0, 0] = 0.5  # dx = dy = -0.5 at the only pixel with two neighbors
    assert total_variation(picture).item() == pytest.approx(0.5 * 2**0.5 + 0.002, rel=1e-4)


def test_total_variation_ignores_transposition() -> None:
    picture = drawn(1, 3, 7, 7)
    assert total_variation(picture).item() == pytest.approx(total_variation(picture.mT).item())


def test_gradient_of_total_variation() -> None:
    picture = drawn(1, 3, 4, 5, kind=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(total_variation, (picture,))


def test_gradient_of_total_variation_is_finite_where_the_picture_is_flat() -> None:
    picture = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(total_variation(picture), picture)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def halves(side: int = 32) -> Tensor:
    """Black on the left and white on the right."""
    return (torch.arange(side) >= side // 2).float().expand(1, 3, side, side)


def test_smoothness_of_an_edge_that_the_photo_does_not_have() -> None:
    # cells of 8: one of three steps across is the root of 3, the three down are none; cells of 16:
    # the only one across. None is the root of 1e-6.
    across, across_16, none = (3**0.5 + 2e-3) / 3, 3**0.5, 1e-3
    expected = (across + none + across_16 + none) / 4
    photo = torch.full((1, 3, 32, 32), 0.4)
    assert smoothness_loss(halves(), photo).item() == pytest.approx(expected, rel=1e-4)


def test_smoothness_lets_edges_of_the_photo_be() -> None:
    left = (2 / 3 + 1 + 0 + 1) / 4 * 1e-3  # the root of 1e-6 where neither has an edge
    assert smoothness_loss(halves(), halves()).item() == pytest.approx(left, rel=1e-3)
    assert smoothness_loss(halves(), 1 - halves()).item() == pytest.approx(left, rel=1e-3)


def test_smoothness_does_not_see_strokes() -> None:
    stripes = (torch.arange(32) % 2).float().expand(1, 3, 32, 32)
    photo = torch.full((1, 3, 32, 32), 0.4)
    assert smoothness_loss(stripes, photo).item() == pytest.approx(1e-3, rel=1e-3)


# ---------------------------------------------------------------------- adversarial forms

LOG2 = math.log(2)
REAL, FAKE = torch.tensor([[2.0, 0.5]]), torch.tensor([[-2.0, 0.5]])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("hinge", (0 + 0.5) / 2 + (0 + 1.5) / 2),
        (
            "nonsaturating",
            (softplus(-2) + softplus(-0.5)) / 2 + (softplus(-2) + softplus(0.5)) / 2,
        ),
        ("leastsquares", ((1 + 0.25) / 2 + (4 + 0.25) / 2) / 2),
        ("relativistic", (softplus(-4) + softplus(0)) / 2),
    ],
)
def test_discriminator_loss_at_known_logits(form: str, expected: float) -> None:
    assert discriminator_loss(form, REAL, FAKE).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("hinge", (2 - 0.5) / 2),
        ("nonsaturating", (softplus(2) + softplus(-0.5)) / 2),
        ("leastsquares", (9 + 0.25) / 2 / 2),
        ("relativistic", (softplus(4) + softplus(0)) / 2),
    ],
)
def test_adversarial_loss_at_known_logits(form: str, expected: float) -> None:
    assert adversarial_loss(form, REAL, FAKE).item() == pytest.approx(expected)


def test_nonsaturating_form_is_the_textbook_logarithm() -> None:
    """Goodfellow et al. 2014, eq. 1, with D = sigmoid(logit)."""
    real, fake = drawn(4, 3), drawn(4, 3, seed=1)
    textbook = -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean())
    assert torch.allclose(discriminator_loss("nonsaturating", real, fake), textbook)
    assert torch.allclose(
        adversarial_loss("nonsaturating", real, fake), -fake.sigmoid().log().mean()
    )


def test_an_undecided_discriminator() -> None:
    zero = torch.zeros(2, 3)
    expected = {"hinge": (2, 0), "nonsaturating": (2 * LOG2, LOG2), "leastsquares": (0.5, 0.5)}
    expected["relativistic"] = (LOG2, LOG2)
    for form in FORMS:
        got = discriminator_loss(form, zero, zero), adversarial_loss(form, zero, zero)
        assert [g.item() for g in got] == pytest.approx(list(expected[form]))


@pytest.mark.parametrize("form", FORMS)
def test_adversarial_gradients_pull_apart_and_back(form: str) -> None:
    real = torch.tensor([[0.2, -0.3]], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([[0.1, 0.4]], dtype=torch.float64, requires_grad=True)
    to_real, to_fake = torch.autograd.grad(discriminator_loss(form, real, fake), (real, fake))
    assert (to_real < 0).all()  # descent raises the logits of real pictures
    assert (to_fake > 0).all()
    (to_fake,) = torch.autograd.grad(adversarial_loss(form, real, fake), fake)
    assert (to_fake < 0).all()  # and the generator raises it on its own
    for loss in (discriminator_loss, adversarial_loss):
        assert torch.autograd.gradcheck(lambda r, f, loss=loss: loss(form, r, f), (real, fake))


@pytest.mark.parametrize("form", [f for f in FORMS if f != "relativistic"])
def test_only_the_relativistic_generator_uses_real_pictures(form: str) -> None:
    assert torch.equal(adversarial_loss(form, REAL, FAKE), adversarial_loss(form, REAL + 9, FAKE))


def test_the_relativistic_form_sees_differences_only() -> None:
    for loss in (discriminator_loss, adversarial_loss):
        one, moved = loss("relativistic", REAL, FAKE), loss("relativistic", REAL + 5, FAKE + 5)
        assert torch.allclose(one, moved)


@pytest.mark.parametrize("loss", [discriminator_loss, adversarial_loss])
def test_an_unknown_form_is_refused(loss: Callable[[str, Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(ValueError, match=r"'wasserstein'; allowed: hinge, .*relativistic"):
        loss("wasserstein", REAL, FAKE)


# ---------------------------------------------------------------------- R1


def test_gradient_penalty_of_a_linear_discriminator() -> None:
    """The gradient of w · x is w whatever x: half its squared length."""
    weight = drawn(3, 4, 4)
    pictures = drawn(5, 3, 4, 4, seed=1).requires_grad_()
    logits = (pictures * weight).sum((1, 2, 3))[:, None]
    assert torch.allclose(gradient_penalty(logits, pictures), weight.square().sum() / 2)


def test_gradient_penalty_takes_the_mean_of_the_patches() -> None:
    weights = drawn(3 * 4 * 4, 7)
    pictures = drawn(5, 3, 4, 4, seed=1).requires_grad_()
    got = gradient_penalty(pictures.flatten(1) @ weights, pictures)
    assert torch.allclose(got, weights.mean(1).square().sum() / 2)
    again = gradient_penalty((pictures.flatten(1) @ weights).repeat(1, 4), pictures)
    assert torch.allclose(again, got)  # more patches, same penalty


def test_gradient_penalty_of_a_quadratic_discriminator() -> None:
    pictures = drawn(2, 3, 2, 2).requires_grad_()
    logits = pictures.square().sum((1, 2, 3))[:, None]  # gradient 2x, penalty 2 |x|²
    expected = 2 * pictures.detach().square().sum((1, 2, 3)).mean()
    assert torch.allclose(gradient_penalty(logits, pictures), expected)


def test_gradient_of_the_penalty_reaches_the_discriminator() -> None:
    weight = drawn(12, 2, kind=torch.float64).requires_grad_()
    pictures = drawn(2, 3, 2, 2, seed=1, kind=torch.float64)

    def penalty(weight: Tensor) -> Tensor:
        real = pictures.clone().requires_grad_()
        return gradient_penalty((real.flatten(1) @ weight).tanh(), real)

    assert torch.autograd.gradcheck(penalty, (weight,))
