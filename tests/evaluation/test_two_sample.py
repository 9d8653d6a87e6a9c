"""AUC and KID: exact on small sets, unbiased for sets of one distribution."""

from itertools import combinations

import pytest
import torch
from torch import Tensor

from gan_style.evaluation.two_sample import _RIDGE, c2st_auc, kernel_distance, patch_statistics


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pictures(count: int, seed: int, patches: int = 3, numbers: int = 12) -> Tensor:
    """Patches of a picture are alike, as in reality."""
    whole = drawn(count, 1, numbers, seed=2 * seed)
    return whole + 0.5 * drawn(count, patches, numbers, seed=2 * seed + 1)


# ---------------------------------------------------------------------- patches


def test_patch_statistics_of_known_maps() -> None:
    maps = torch.zeros(1, 1, 6, 6)
    maps[0, 0, :2, 2:4] = torch.tensor([[1.0, 3.0], [1.0, 3.0]])  # the second cell of the first row
    maps[0, 0, 4:, 4:] = 5
    got = patch_statistics({"x": maps})
    assert got.shape == (1, 9, 2)
    assert got[0, :, 0].tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 5]
    flat = 1e-5**0.5
    assert torch.allclose(got[0, :, 1], torch.tensor([flat, 1, *[flat] * 7]), atol=1e-4)


def test_patch_statistics_stack_layers_of_any_size() -> None:
    maps = {"a": drawn(2, 3, 9, 9), "b": drawn(2, 5, 4, 4)}
    assert patch_statistics(maps).shape == (2, 9, 16)


# ---------------------------------------------------------------------- AUC


def test_auc_is_that_of_a_classifier_fitted_anew_for_every_pair() -> None:
    one, two = pictures(4, seed=1), pictures(6, seed=2) + 0.4
    everything = torch.cat([one, two]).double().flatten(0, 1)
    z = (everything - everything.mean(0)) / everything.std(0) / 12**0.5
    kernel = z @ z.T + 1
    labels = torch.tensor([1.0] * 12 + [-1.0] * 18).double()
    noise = _RIDGE * torch.tensor([2 * 4 / 10] * 12 + [2 * 6 / 10] * 18).double().diag()
    wins = 0
    for a in range(4):
        for b in range(4, 10):
            out = [3 * picture + patch for picture in (a, b) for patch in range(3)]
            rest = [i for i in range(30) if i not in out]
            weights = torch.linalg.solve((kernel + noise)[rest][:, rest], labels[rest])
            logits = kernel[out][:, rest] @ weights
            wins += bool(logits[:3].mean() > logits[3:].mean())
    auc = c2st_auc(one, two)
    assert auc is not None
    assert auc.value == pytest.approx(wins / 24)
    assert wins not in (0, 24)


@pytest.mark.parametrize("counts", [(6, 6), (5, 20)])
def test_auc_of_pictures_of_one_kind_is_a_half_on_average(counts: tuple[int, int]) -> None:
    """Leaving out one picture at a time would give 0.3 and less."""
    values = []
    for seed in range(40):
        auc = c2st_auc(pictures(counts[0], 10 + seed), pictures(counts[1], 1000 + seed))
        assert auc is not None
        values.append(auc.value)
    error = torch.tensor(values).std() / 40**0.5
    assert sum(values) / 40 == pytest.approx(0.5, abs=3 * error.item())
    assert error < 0.04


def test_auc_of_different_kinds_is_one_from_either_side() -> None:
    one, two = pictures(5, seed=1), pictures(9, seed=2) + 3
    for sides in ((one, two), (two, one)):
        auc = c2st_auc(*sides)
        assert auc == (1.0, 0.0)


def test_auc_does_not_depend_on_the_unit_of_a_number() -> None:
    one, two, unit = pictures(5, seed=1), pictures(6, seed=2) + 0.5, drawn(12, seed=9).exp()
    assert c2st_auc(one, two) == c2st_auc(one * unit + 7, two * unit + 7)


def test_auc_of_many_pictures_takes_a_few_spread_evenly() -> None:
    many = pictures(300, seed=1)
    few = many[torch.linspace(0, 299, 64).round().long()]
    assert c2st_auc(many, pictures(5, seed=2)) == c2st_auc(few, pictures(5, seed=2))


def test_auc_needs_two_pictures_a_side() -> None:
    assert c2st_auc(pictures(1, 0), pictures(5, 1)) is None
    assert c2st_auc(pictures(5, 0), pictures(1, 1)) is None


# ---------------------------------------------------------------------- KID


def kid(one: Tensor, two: Tensor) -> float:
    estimate = kernel_distance(one, two)
    assert estimate is not None
    return estimate.value


def test_kid_by_definition() -> None:
    one, two = drawn(4, 5, seed=1).double(), drawn(3, 5, seed=2).double()

    def mean(pairs: list[tuple[Tensor, Tensor]]) -> float:
        return sum((1 + (a @ b).item() / 5) ** 3 for a, b in pairs) / len(pairs)

    within = mean(list(combinations(one, 2))) + mean(list(combinations(two, 2)))
    across = mean([(a, b) for a in one for b in two])
    assert kid(one, two) == pytest.approx(within - 2 * across)
    assert kid(two, one) == pytest.approx(within - 2 * across)


def test_kid_over_all_ways_to_halve_a_set_is_zero_on_average() -> None:
    points = drawn(6, 4) + 1
    halves = [set(chosen) for chosen in combinations(range(6), 3)]
    values = [kid(points[sorted(h)], points[sorted(set(range(6)) - h)]) for h in halves]
    assert min(values) < -0.1 < 0.1 < max(values)
    assert sum(values) == pytest.approx(0, abs=1e-9)


def test_kid_grows_with_the_distance() -> None:
    one = drawn(30, 8, seed=1)
    far, near, same = (kernel_distance(one, drawn(30, 8, seed=2) + by) for by in (2, 1, 0))
    assert far is not None
    assert near is not None
    assert same is not None
    assert far.value > near.value > same.value
    assert near.value > 2 * near.deviation
    assert abs(same.value) < 2 * same.deviation


def test_deviation_of_kid_is_that_of_leaving_out_each_picture() -> None:
    one, two = drawn(5, 3, seed=1), drawn(4, 3, seed=2)
    variance = 0.0
    for side, other in ((one, two), (two, one)):
        without = torch.tensor(
            [kid(torch.cat([side[:i], side[i + 1 :]]), other) for i in range(len(side))]
        )
        variance += (len(side) - 1) * without.var(correction=0).item()
    estimate = kernel_distance(one, two)
    assert estimate is not None
    assert estimate.deviation == pytest.approx(variance**0.5, rel=1e-5)


def test_kid_needs_three_pictures_a_side() -> None:
    assert kernel_distance(drawn(2, 4), drawn(5, 4)) is None
    assert kernel_distance(drawn(5, 4), drawn(2, 4)) is None
