"""Plain regions and contours, on pictures of which one knows what is in them."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_style.evaluation.artifacts import (
    LEAST_ENERGY,
    clean_variation,
    edge_ringing,
    plain_energy,
    ratio_of_medians,
)

SIDE = 128
DOWN, RIGHT = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
DISTANCE = ((DOWN - 60.0).square() + (RIGHT - 66.0).square()).sqrt() - 36  # from a circle


def rgb(gray: Tensor) -> Tensor:
    return gray.expand(3, -1, -1)


def noise(deviation: float) -> Tensor:
    return deviation * torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def step(width: float) -> Tensor:
    return 0.3 + 0.4 * torch.sigmoid(DISTANCE / width)


def line(distance: float) -> Tensor:
    return 0.25 * torch.exp(-((DISTANCE - distance) / 1.5).square())


def sharpened(gray: Tensor, amount: float) -> Tensor:
    """Unsharp mask with a mean over 7 px."""
    padded = torch.nn.functional.pad(gray[None, None], [3] * 4, mode="reflect")
    return gray + amount * (gray - torch.nn.functional.avg_pool2d(padded, 7, 1)[0, 0])


# ---------------------------------------------------------------------- plain regions


def test_a_picture_of_one_color_has_no_energy() -> None:
    flat = rgb(torch.full((SIDE, SIDE), 0.4))
    assert plain_energy(flat, flat) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("period", "kept"), [(4, 0.94), (8, 0.5), (32, 0.042)])
def test_waves_of_8_px_are_halved_and_longer_ones_left_out(period: int, kept: float) -> None:
    """A wave of amplitude a has the energy a² / 2; a high-pass keeps 1 - exp(-2 (pi d / p)²)."""
    wave = rgb(0.5 + 0.1 * torch.cos(2 * math.pi * RIGHT / period))
    flat = rgb(torch.full((SIDE, SIDE), 0.5))
    assert plain_energy(wave, flat) == pytest.approx(0.1**2 / 2 * kept**2, rel=0.1)


def test_the_guide_says_where_it_is_plain() -> None:
    """The left half of the guide has coarse waves; noise there is not counted."""
    left = RIGHT < SIDE // 2
    guide = rgb(torch.where(left, 0.5 + 0.2 * torch.cos(DOWN / 4), 0.5))
    flat = torch.full((SIDE, SIDE), 0.5)
    there, beside = (rgb(flat + torch.where(side, noise(0.05), 0.0)) for side in (~left, left))
    assert plain_energy(there, guide) > 100 * plain_energy(beside, guide)


def test_fine_texture_does_not_decide_what_is_plain() -> None:
    """Where there is as little coarse structure, the half with fine stripes counts as plain too."""
    left = RIGHT < SIDE // 2
    stripes = rgb(torch.where(left, 0.5 + 0.1 * (-1.0) ** DOWN, 0.5))
    coarse = rgb(torch.where(left, 0.5, 0.5 + 0.1 * torch.cos(DOWN / 4)))
    both = stripes + coarse - 0.5  # coarse waves on the right: the stripes are the plain part
    assert plain_energy(both, both) == pytest.approx(0.1**2, rel=0.05)


# ---------------------------------------------------------------------- contours


@pytest.mark.parametrize(
    ("profile", "clean"),
    [
        ([0, 0, 1, 1], 1),  # a step
        ([0, 1, 2, 3], 3),  # a soft step
        ([1, 0, 0, 1], 2),  # a line
        ([2, 0, 1, 1], 3),  # a line on a step
        ([0, -1, 3, 2], 5),  # a halo on both sides: 1 + 4 + 1, of which one side is clean
        ([1, 0, 1, 0], 2),  # two lines
        ([1, 1, 1, 1], 0),
    ],
)
def test_clean_variation_by_hand(profile: list[float], clean: float) -> None:
    both = torch.tensor([profile, profile[::-1]]).float()
    assert clean_variation(both).tolist() == [clean, clean]
    assert clean_variation(-both).tolist() == [clean, clean]


CLEAN: dict[str, Tensor] = {
    "hard step": step(0.5),
    "soft step": step(2.0),
    "line on a step": step(0.5) - line(0),
    "line alone": 0.6 - line(0),
}
RINGING: dict[str, Tensor] = {
    "halo": sharpened(step(0.5), 1.0),
    "double contour": step(0.5) - line(-3) - line(4),
    "noise": step(0.5) + noise(0.08),
}


@pytest.mark.parametrize("name", CLEAN)
def test_steps_and_single_lines_are_clean(name: str) -> None:
    ringing = edge_ringing(rgb(CLEAN[name]), rgb(step(0.5)))
    assert ringing is not None
    assert ringing < 0.01


@pytest.mark.parametrize("name", RINGING)
def test_halos_double_contours_and_noise_are_not(name: str) -> None:
    ringing = edge_ringing(rgb(RINGING[name]), rgb(step(0.5)))
    assert ringing is not None
    assert ringing > 0.08


def test_more_of_it_is_worse() -> None:
    more: Callable[[Tensor], float] = lambda gray: edge_ringing(rgb(gray), rgb(step(0.5))) or 0  # noqa: E731
    assert more(sharpened(step(0.5), 0.5)) < more(sharpened(step(0.5), 1.5))
    assert more(step(0.5) + noise(0.02)) < more(step(0.5) + noise(0.08))
    assert more(RINGING["halo"]) < more(RINGING["double contour"])


def test_only_edges_of_the_guide_count() -> None:
    """Stripes far from the circle change nothing."""
    stripes = torch.where(DISTANCE.abs() > 14, 0.1 * torch.sin(RIGHT * 1.5), 0.0)
    ringing = edge_ringing(rgb(step(0.5) + stripes), rgb(step(0.5)))
    assert ringing == pytest.approx(edge_ringing(rgb(step(0.5)), rgb(step(0.5))), abs=1e-3)


def test_pictures_without_edges_have_no_value() -> None:
    flat = rgb(torch.full((SIDE, SIDE), 0.4))
    assert edge_ringing(rgb(step(0.5)), flat) is None
    assert edge_ringing(flat, rgb(step(0.5))) is None


# ---------------------------------------------------------------------- against the collection


def test_medians_are_compared() -> None:
    assert ratio_of_medians([1, 2, 300], [4, 4], 0.1) == 0.5
    assert ratio_of_medians([0.0], [0.0], LEAST_ENERGY) == 1
    assert ratio_of_medians([3.0], [0.0], 0.5) == 6
