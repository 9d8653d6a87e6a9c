"""Losses on pixels that have no other home: steadiness under noise."""

import pytest
import torch

from gan_style.losses.regularization import steadiness_loss


def test_steadiness_is_the_mean_squared_difference() -> None:
    clean = torch.full((2, 3, 4, 4), 0.5)
    noisy = clean.clone()
    noisy[0] += 0.3
    assert steadiness_loss(noisy, clean).item() == pytest.approx(0.09 / 2)
    assert steadiness_loss(clean, clean) == 0


def test_only_the_painting_of_the_noisy_photo_is_moved() -> None:
    noisy, clean = torch.rand(2, 1, 3, 4, 4).requires_grad_(), torch.rand(1, 3, 4, 4)
    clean.requires_grad_()
    steadiness_loss(noisy[0], clean).backward()
    assert clean.grad is None
    assert noisy.grad is not None
    assert noisy.grad[0].abs().sum() > 0
