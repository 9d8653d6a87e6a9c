"""Strokes filtered away, and noise: what is left, and what follows from the generator."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.data.degradation import add_noise, destylize, guided_filter


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def strokes(count: int = 4, side: int = 64, seed: int = 0) -> Tensor:
    """Fine texture of low contrast on two plain halves of different brightness."""
    picture = torch.full((count, 3, side, side), 0.35)
    picture[..., side // 2 :] = 0.65
    return picture + 0.06 * (torch.rand(picture.shape, generator=rng(seed)) - 0.5)


def fine_contrast(pictures: Tensor) -> float:
    """Of what is left without the coarse picture, away from the edge in the middle."""
    rest = pictures - F.avg_pool2d(pictures, 5, 1, 2, count_include_pad=False)
    return rest[..., 4:-4, 4:24].std().item()


# the guided filter


def plain_guided_filter(values: Tensor, radius: int, epsilon: float) -> Tensor:
    """Equations 5, 6 and 8 of He et al. (2010) for one row of one picture, in plain loops."""
    count = len(values)
    windows = [values[max(0, i - radius) : i + radius + 1] for i in range(count)]
    slope = [w.var(correction=0) / (w.var(correction=0) + epsilon) for w in windows]
    offset = [w.mean() - a * w.mean() for w, a in zip(windows, slope, strict=True)]
    found = []
    for i in range(count):
        near = range(max(0, i - radius), min(count, i + radius + 1))
        a, b = (torch.stack([each[k] for k in near]).mean() for each in (slope, offset))
        found.append(a * values[i] + b)
    return torch.stack(found)


@pytest.mark.parametrize("radius", [1, 3])
def test_the_filter_is_that_of_the_paper(radius: int) -> None:
    row = torch.rand(12, generator=rng())
    expected = plain_guided_filter(row, radius, 0.01)
    picture = row.expand(1, 1, 9, 12)  # every row the same: the other axis changes nothing
    found = guided_filter(picture, radius, 0.01)
    torch.testing.assert_close(found[0, 0, 4], expected, atol=1e-5, rtol=0)
    upright = guided_filter(picture.mT, radius, 0.01)
    torch.testing.assert_close(upright[0, 0, :, 4], expected, atol=1e-5, rtol=0)


def test_a_plain_picture_is_left_as_it_is() -> None:
    picture = torch.full((1, 3, 20, 20), 0.7)
    torch.testing.assert_close(guided_filter(picture, 4, 0.01), picture)


def test_texture_is_smoothed_and_edges_stay() -> None:
    picture = strokes(1)
    found = guided_filter(picture, 4, 0.01)
    assert fine_contrast(found) < 0.3 * fine_contrast(picture)
    edge = found[..., 34].mean() - found[..., 29].mean()
    assert edge > 0.5 * (0.65 - 0.35)


def test_without_epsilon_nothing_is_smoothed() -> None:
    picture = torch.rand(1, 3, 16, 16, generator=rng())
    torch.testing.assert_close(guided_filter(picture, 2, 0.0), picture, atol=1e-4, rtol=0)


# destylized pictures


@pytest.mark.parametrize("size", [(64, 64), (35, 50)])
@pytest.mark.parametrize("seed", range(4))
def test_destylized_pictures_are_pictures_without_strokes(seed: int, size: tuple[int, int]) -> None:
    picture = F.interpolate(strokes(), size, mode="nearest")
    kept = picture.clone()
    found = destylize(picture, rng(seed))
    assert found.shape == picture.shape
    assert 0 <= found.min() <= found.max() <= 1
    assert torch.equal(picture, kept)
    half = size[1] // 2
    left, right = found[..., : half - 6].mean(), found[..., half + 6 :].mean()
    assert right - left > 0.05  # what is there is still there


def test_strokes_are_gone() -> None:
    """What of the fine texture is found again: 1 for the same picture."""
    picture = strokes(8)
    fine = picture - F.avg_pool2d(picture, 5, 1, 2, count_include_pad=False)
    kept = []
    for seed in range(12):
        found = destylize(picture, rng(seed))
        assert not torch.allclose(found[0], found[1], atol=1e-2)  # each in its own colors
        inside = (slice(None), slice(None), slice(4, -4), slice(4, 20))
        kept.append(((found * fine)[inside].mean() / fine.square()[inside].mean()).item())
    assert sum(kept) / len(kept) < 0.35


@pytest.mark.parametrize("light", [False, True])
def test_thin_lines_are_removed_in_some_calls_and_broad_bars_stay(light: bool) -> None:
    """Of a line of 2 px there is nothing left beside a bar of 16 px; its place is not known."""
    ground, ink = (0.2, 0.9) if light else (0.9, 0.2)
    picture = torch.full((1, 3, 64, 64), ground)
    picture[..., 8:10] = ink
    picture[..., 40:56] = ink
    gone = 0
    for seed in range(40):
        mean = destylize(picture, rng(seed))[0].mean((0, 1))  # over colors and rows
        beside = (mean[4:6].mean() + mean[12:14].mean()) / 2
        assert (mean[44:52].mean() - mean[28:34].mean()).abs() > 0.1
        gone += int((mean[8:10].mean() - beside).abs() < 0.02)
    assert (2 if light else 12) < gone < 30


def test_light_is_uneven_and_differs_from_picture_to_picture() -> None:
    gray = torch.full((6, 3, 64, 64), 0.5)
    found = F.avg_pool2d(destylize(gray, rng()), 16).mean(1)  # (6, 4, 4): grain averages out
    spreads = found.flatten(1).std(1)
    assert spreads.max() > 0.02
    assert len({round(float(s), 4) for s in spreads}) == 6


def test_detail_of_photos_is_added_and_their_edges_are_not() -> None:
    plain = torch.full((4, 3, 64, 64), 0.5)
    photo = strokes(4, seed=3)
    fine = photo - F.avg_pool2d(photo, 5, 1, 2, count_include_pad=False)
    found = []
    for seed in range(12):
        change = destylize(plain, rng(seed), photo) - destylize(plain, rng(seed))
        inside = (slice(None), slice(None), slice(4, -4), slice(4, 20))
        found.append(((change * fine)[inside].mean() / fine.square()[inside].mean()).item())
        edge = change[..., 40:60].mean() - change[..., 4:24].mean()
        assert abs(edge) < 0.1 * (0.65 - 0.35)
    assert 0.15 < sum(found) / len(found) < 0.6  # of the half that is added on average


def test_destylized_pictures_follow_from_the_generator_alone() -> None:
    picture, state = strokes(2), torch.get_rng_state()
    first = destylize(picture, rng(1))
    torch.rand(2)
    assert torch.equal(destylize(picture, rng(1)), first)
    assert not torch.equal(destylize(picture, rng(2)), first)
    torch.set_rng_state(state)
    destylize(picture, rng(1))
    assert torch.equal(torch.get_rng_state(), state)


# noise


def test_noise_is_small_and_rounded_to_bytes() -> None:
    picture = (torch.rand(40, 3, 33, 46, generator=rng()) * 0.8 + 0.1).mul(255).round() / 255
    found = add_noise(picture, rng(1))
    assert found.shape == picture.shape
    assert torch.equal((found * 255).round() / 255, found)
    difference = (found - picture) * 255
    assert difference.abs().max() < 35  # five deviations of all three kinds at most
    deviations = difference.flatten(1).std(1)
    assert 0.3 < deviations.min() < deviations.max() < 5
    assert difference.mean().abs() < 0.1


def test_noise_stays_in_range() -> None:
    for value in (0.0, 1.0):
        found = add_noise(torch.full((1, 3, 32, 32), value), rng())
        assert 0 <= found.min() <= found.max() <= 1


def test_noise_is_fine_and_coarse() -> None:
    """Neighbors have something in common, where fine noise alone would have nothing."""
    gray = torch.full((60, 3, 32, 32), 0.5)
    rest = add_noise(gray, rng()) - gray
    together = (rest[..., 1:] * rest[..., :-1]).mean() / rest.square().mean()
    assert 0.1 < together < 0.9


def test_noise_follows_from_the_generator_alone() -> None:
    gray = torch.full((1, 3, 32, 32), 0.5)
    assert torch.equal(add_noise(gray, rng(1)), add_noise(gray, rng(1)))
    assert not torch.equal(add_noise(gray, rng(1)), add_noise(gray, rng(2)))
