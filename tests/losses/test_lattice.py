"""The loss on a lattice of dots: what it sees, and what it lets be."""

import math

import pytest
import torch
from torch import Tensor

from gan_style.losses.lattice import lattice_loss
from gan_style.models.generator import lattice_period

PERIOD = 8 / 3
SEEN = 24 / 25 / 4  # of a wave of one level: its coefficient is 1/2, and a 25th is left to chance
DIRECTIONS = {"down": (1, 0), "across": (0, 1), "diagonal": (1, 1), "other diagonal": (1, -1)}


def wave(
    down: int, across: int, period: float = PERIOD, phase: float = 0.0, side: int = 64
) -> Tensor:
    """(1, 3, side, side): a wave of one level of 255 around mid-gray."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angle = 2 * math.pi / period * (down * row + across * column) + phase
    return (0.5 + angle.cos() / 255).expand(1, 3, side, side)


def noise(seed: int, side: int = 128) -> Tensor:
    return torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS.keys())
@pytest.mark.parametrize("phase", [0.0, 1.0])
def test_a_wave_of_one_level(direction: tuple[int, int], phase: float) -> None:
    loss = lattice_loss(wave(*direction, phase=phase), PERIOD)
    assert loss.item() == pytest.approx(SEEN, rel=1e-3)


def test_it_grows_with_the_square_and_is_averaged_over_colors() -> None:
    pictures = wave(0, 1)
    stronger = 0.5 + 3 * (pictures - 0.5)
    assert lattice_loss(stronger, PERIOD).item() == pytest.approx(9 * SEEN, rel=1e-3)
    pictures = pictures.clone()
    pictures[:, 1:] = 0.5
    assert lattice_loss(pictures, PERIOD).item() == pytest.approx(SEEN / 3, rel=1e-3)


@pytest.mark.parametrize("supersampling", [1, 1.5])
def test_each_generator_has_its_own_period(supersampling: float) -> None:
    period = lattice_period(supersampling)
    loss = lattice_loss(wave(1, 0, period), period)
    assert loss.item() == pytest.approx(SEEN, rel=1e-3)


def test_the_finest_lattice_that_pixels_hold() -> None:
    pictures = wave(0, 1, lattice_period(2))  # of every other column: nothing is imaginary
    assert lattice_loss(pictures, 2).item() == pytest.approx(4 * SEEN, rel=1e-3)


def test_a_lattice_finer_than_pixels_costs_nothing() -> None:
    pictures = noise(0).requires_grad_()
    loss = lattice_loss(pictures, lattice_period(2.5))
    loss.backward()
    assert loss == 0
    assert pictures.grad is not None
    assert not pictures.grad.any()


@pytest.mark.parametrize("period", [2.0, 16 / 5, 4.0, 16 / 3, 8.0, 64.0])
def test_waves_of_other_periods_cost_nothing(period: float) -> None:
    assert abs(lattice_loss(wave(0, 1, period), PERIOD).item()) < 1e-2 * SEEN


def test_plain_pictures_of_any_brightness_have_none() -> None:
    for value in (0.0, 0.3, 1.0):
        assert abs(lattice_loss(torch.full((1, 3, 64, 64), value), PERIOD).item()) < 1e-6


def test_noise_has_none_on_average() -> None:
    pictures = noise(1)
    # four directions, with the variance of noise in levels spread over the 64 pixels of a cell
    power = 4 * pictures.var().item() * 255**2 / 64
    assert abs(lattice_loss(pictures, PERIOD).item()) < 0.01 * power


def test_strokes_that_do_not_keep_to_a_grid_cost_little() -> None:
    loss = lattice_loss(wave(0, 1, side=128), PERIOD)
    rng = torch.Generator().manual_seed(2)
    rows = []
    for _ in range(16):
        phases = (2 * math.pi * torch.rand(16, generator=rng)).tolist()
        cells = [wave(0, 1, phase=phase, side=8) for phase in phases]
        rows.append(torch.cat(cells, dim=3))
    scattered = lattice_loss(torch.cat(rows, dim=2), PERIOD)
    assert abs(scattered.item()) < 0.02 * loss.item()


def test_the_smallest_pictures_have_fewer_cells() -> None:
    loss = lattice_loss(wave(0, 1, side=32), PERIOD)
    assert loss.item() == pytest.approx(15 / 16 / 4, rel=1e-3)


def test_its_gradient_is_the_lattice_itself() -> None:
    lattice = wave(1, 0) - 0.5
    plain = torch.nn.functional.interpolate(noise(3, 8)[:1], (64, 64), mode="bicubic")
    pictures = (plain + 16 * lattice).requires_grad_()
    lattice_loss(pictures, PERIOD).backward()
    assert pictures.grad is not None
    inner = (slice(None), slice(None), slice(16, -16), slice(16, -16))  # in as many windows each
    alike = torch.cosine_similarity(pictures.grad[inner].flatten(), lattice[inner].flatten(), dim=0)
    assert alike > 0.9
