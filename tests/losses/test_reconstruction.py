"""Paintings of pictures of the style, which are to be these pictures."""

import pytest
import torch
from torch import Tensor

from gan_style.losses.reconstruction import reconstruction_loss

PAINTINGS = torch.stack([torch.full((3, 4, 4), value) for value in (0.5, 0.25, 0.75)])
PICTURES = torch.stack([torch.full((3, 4, 4), value) for value in (0.5, 0.5, 0.5)])


def maps(*values: float) -> dict[str, Tensor]:
    """Two layers, the second with twice the values."""
    first = torch.stack([torch.full((5, 2, 2), value) for value in values])
    return {"one": first, "two": 2 * first}


def test_by_hand() -> None:
    """Of the second painting pixels differ by 1/4 and maps by half of 2, relatively (1/2)² = 1/4;
    of the third by 1/4 and by 1/3 of 3, relatively 1/9: divided by three paintings."""
    painted, target = maps(1.0, 1.0, 2.0), maps(1.0, 2.0, 3.0)
    second = reconstruction_loss(PAINTINGS, PICTURES, painted, target, (1,))
    assert second.item() == pytest.approx((0.25 + 0.25) / 3)
    third = reconstruction_loss(PAINTINGS, PICTURES, painted, target, (2,))
    assert third.item() == pytest.approx((0.25 + 1 / 9) / 3)


def test_equal_pictures_and_places_that_are_not_compared_cost_nothing() -> None:
    painted, target = maps(1.0, 1.0, 2.0), maps(1.0, 2.0, 3.0)
    assert reconstruction_loss(PAINTINGS, PICTURES, painted, target, (0,)).item() == 0
    assert reconstruction_loss(PAINTINGS, PICTURES, painted, target, ()).item() == 0


def test_the_gradient_reaches_compared_paintings_alone_and_is_finite_on_plain_ones() -> None:
    paintings = PAINTINGS.clone().requires_grad_(True)
    black = maps(0.0, 0.0, 0.0)
    loss = reconstruction_loss(paintings, PICTURES, black, black, (1, 2))
    loss.backward()
    assert paintings.grad is not None
    assert torch.isfinite(paintings.grad).all()
    assert paintings.grad.abs().sum((1, 2, 3)).gt(0).tolist() == [False, True, True]
    nothing = reconstruction_loss(paintings, PICTURES, black, black, ())
    nothing.backward()  # a term like any other, where a batch has no such picture
