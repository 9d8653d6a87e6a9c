"""The sliced Wasserstein loss: distributions of features, plain places and detailed ones apart."""

import math

import pytest
import torch
from torch import Tensor

from gan_style.losses.sliced import plainness_of, sliced_loss

LAYER = {"maps": 4}  # one layer, with a position for every place


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=rng(seed))


def loss(
    generated: Tensor,
    style: Tensor,
    *,
    photo_plainness: Tensor | None = None,
    style_plainness: Tensor | None = None,
    set_size: int = 1,
    seed: int = 0,
) -> Tensor:
    """Of maps alone; every place is as plain as every other unless it is said."""
    places = (torch.zeros(len(maps), *maps.shape[2:]) for maps in (generated, style))
    photo, other = places
    return sliced_loss(
        {"maps": generated},
        {"maps": style},
        photo if photo_plainness is None else photo_plainness,
        other if style_plainness is None else style_plainness,
        set_size,
        LAYER,
        rng(seed),
    )


def test_one_channel_by_hand() -> None:
    """A projection of one number is that number or its negative: sorted, it is the distance."""
    generated = torch.tensor([3.0, 1.0, 2.0]).repeat(3)[None, None, None]
    style = torch.tensor([2.0, 4.0, 6.0]).repeat(3)[None, None, None]
    # thirds of equal plainness keep the order of places: each is {1, 2, 3} against {2, 4, 6}
    error = (1 + 4 + 9) / 3
    variance = 8 / 3  # of 2, 4, 6
    assert loss(generated, style).item() == pytest.approx(error / variance, rel=1e-5)


def test_the_same_features_at_other_places_cost_nothing() -> None:
    maps = drawn(2, 8, 6, 6)
    order = torch.randperm(36, generator=rng(1))
    moved = maps.flatten(2)[..., order].reshape(maps.shape)
    plain = drawn(2, 6, 6, seed=2)
    also_moved = plain.flatten(1)[:, order].reshape(plain.shape)
    found = loss(moved, maps, photo_plainness=also_moved, style_plainness=plain)
    assert found.item() == pytest.approx(0, abs=1e-9)
    elsewhere = loss(moved, maps, photo_plainness=plain, style_plainness=plain)
    assert elsewhere > 0.05  # what is plain there is detailed here


def test_plain_places_are_compared_with_plain_ones() -> None:
    """The same numbers, once where the photo is plain and once where it is not."""
    maps = torch.arange(36.0).reshape(1, 1, 6, 6)
    plain = torch.arange(36.0).reshape(1, 6, 6)
    assert loss(maps, maps, photo_plainness=plain, style_plainness=plain) == 0
    reversed_places = loss(maps, maps, photo_plainness=-plain, style_plainness=plain)
    # thirds of 12 numbers, the first and the last of which are 24 apart
    variance = (36**2 - 1) / 12
    assert reversed_places.item() == pytest.approx(2 / 3 * 24**2 / variance, rel=1e-4)


def test_places_of_a_set_are_pooled() -> None:
    maps = drawn(4, 5, 6, 6)
    swapped, across = maps[[1, 0, 3, 2]], maps[[2, 1, 0, 3]]
    plain = drawn(4, 6, 6, seed=1)
    for other, order, nothing in ((swapped, [1, 0, 3, 2], True), (across, [2, 1, 0, 3], False)):
        found = loss(other, maps, photo_plainness=plain[order], style_plainness=plain, set_size=2)
        assert bool(found < 1e-9) is nothing


def test_it_does_not_depend_on_the_scale_of_the_features() -> None:
    generated, style = drawn(1, 4, 6, 6), drawn(1, 4, 6, 6, seed=1)
    torch.testing.assert_close(loss(7 * generated, 7 * style), loss(generated, style))


def test_it_is_zero_only_for_equal_distributions() -> None:
    """Mean, covariance and so the Gram matrix are equal, and the distributions are not."""
    two = torch.tensor([-1.0, 1.0]).repeat(450).reshape(1, 1, 30, 30)
    three = torch.tensor([-math.sqrt(1.5), 0.0, math.sqrt(1.5)]).repeat(300).reshape(1, 1, 30, 30)
    assert two.mean().item() == pytest.approx(three.mean().item(), abs=1e-6)
    assert two.square().mean().item() == pytest.approx(three.square().mean().item())
    assert loss(three, two) > 0.1


def test_paintings_smaller_than_the_style_are_compared_by_quantiles() -> None:
    style = torch.arange(900.0).reshape(1, 1, 30, 30)
    fewer = torch.arange(0.0, 900.0, 900 / 729).reshape(1, 1, 27, 27)
    plain, fewer_plain = style[:, 0], fewer[:, 0]
    found = loss(fewer, style, photo_plainness=fewer_plain, style_plainness=plain)
    assert found < 1e-4
    assert loss(style, fewer, photo_plainness=plain, style_plainness=fewer_plain) < 1e-4


def test_a_style_of_one_color_is_no_division_by_zero() -> None:
    found = loss(drawn(1, 3, 6, 6), torch.ones(1, 3, 6, 6))
    assert torch.isfinite(found)


def test_directions_follow_from_the_generator_alone() -> None:
    generated, style = drawn(1, 4, 6, 6), drawn(1, 4, 6, 6, seed=1)
    state = torch.get_rng_state()
    first = loss(generated, style)
    torch.rand(3)
    assert torch.equal(loss(generated, style), first)
    assert not torch.equal(loss(generated, style, seed=1), first)
    torch.set_rng_state(state)
    loss(generated, style)
    assert torch.equal(torch.get_rng_state(), state)


def test_only_the_paintings_have_a_gradient() -> None:
    generated = drawn(2, 4, 6, 6).requires_grad_()
    style = drawn(2, 4, 6, 6, seed=1).requires_grad_()
    loss(generated, style).backward()
    assert generated.grad is not None
    assert (generated.grad != 0).any(1).all()
    assert style.grad is None


def test_descent_brings_the_distributions_together() -> None:
    generated = drawn(1, 3, 9, 9).requires_grad_()
    style = drawn(1, 3, 9, 9, seed=1) * torch.tensor([3.0, 1.0, 0.3])[:, None, None] + 1
    optimizer = torch.optim.Adam([generated], 0.1)
    values = []
    for step in range(60):
        value = loss(generated, style, seed=step)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.1 * values[0]


def test_layers_are_those_of_two_and_four_pixels() -> None:
    """All are read at the same places of the picture, whatever their own size is."""
    coarse = drawn(1, 2, 6, 6)
    fine = torch.zeros(1, 2, 12, 12)
    fine[:, :, ::2, ::2] = coarse
    zeros = torch.zeros(1, 6, 6)
    other = drawn(1, 2, 6, 6, seed=1)

    def found(name: str, generated: Tensor, stride: int) -> Tensor:
        strides = {"first": 1, name: stride, "last": 8}
        maps = {"first": torch.rand(1, 2, 24, 24), "last": torch.rand(1, 2, 3, 3)}
        target = torch.zeros(1, 2, 12, 12)
        target[:, :, ::2, ::2] = other
        style = maps | {name: target if stride == 2 else other}
        return sliced_loss(maps | {name: generated}, style, zeros, zeros, 1, strides, rng())

    assert torch.equal(found("a", fine, 2), found("b", coarse, 4))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (35, 46), (64, 40)])
def test_plainness_has_a_place_for_every_four_pixels(height: int, width: int) -> None:
    assert plainness_of(torch.rand(2, 3, height, width)).shape == (2, height // 4, width // 4)


def test_plainness_is_the_variance_of_the_gray_picture_around() -> None:
    picture = torch.full((1, 3, 48, 48), 0.3)
    picture[:, :, :, 24:] = torch.rand(1, 3, 48, 24, generator=rng())
    found = plainness_of(picture)[0]
    assert found[:, :4].abs().max() < 1e-6
    assert found[:, 7:].min() > 1e-3
    gray = (picture[0] * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)
    window = gray[16:28, 28:40]  # around the place in row 5, column 8: 4 px of its own, 4 around
    assert found[5, 8].item() == pytest.approx(window.var(correction=0).item(), rel=1e-3)
    colored = torch.tensor([0.2, 0.0, 0.0])[:, None, None] + torch.zeros(1, 3, 48, 48)
    assert plainness_of(colored).abs().max() < 1e-6
