"""Which pictures a batch shows, and how: shares, and what follows from which random numbers."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gan_style.config import DataConfig
from gan_style.data.sampling import DrawnSet, draw_set_size, draw_sets

PLAIN = DataConfig(destylized=0)


def sets_of(
    config: DataConfig,
    works: list[int],
    sets: int = 2,
    set_size: int = 4,
    steps: int = 200,
) -> list[DrawnSet]:
    """The sets of many steps."""
    found = []
    for step in range(steps):
        rngs = (np.random.default_rng((stream, step)) for stream in (1, 2))
        found += draw_sets(config, works, sets, set_size, *rngs)
    return found


def sizes_of(config: DataConfig, batch_size: int) -> Counter[int]:
    rng = np.random.default_rng(0)
    return Counter(draw_set_size(config, batch_size, rng) for _ in range(2000))


def test_every_divisor_is_as_likely_unless_there_are_shares() -> None:
    assert set(sizes_of(PLAIN, 8)) == {1, 2, 4, 8}
    assert set(sizes_of(PLAIN, 96)) == {1, 2, 3, 4, 6, 8}
    assert set(sizes_of(replace(PLAIN, max_examples=2), 96)) == {1, 2}
    assert set(sizes_of(replace(PLAIN, picture_is_style=True), 96)) == {1}


def test_shares_of_sizes() -> None:
    config = replace(PLAIN, set_shares=(0.3, 0.2, 0.25, 0.25))
    found = sizes_of(config, 96)
    for size, share in ((1, 0.3), (2, 0.2), (4, 0.25), (8, 0.25)):
        assert found[size] / 2000 == pytest.approx(share, abs=0.04)
    assert sum(found.values()) == 2000


def test_sizes_that_do_not_fit_are_left_out_of_the_shares() -> None:
    config = replace(PLAIN, set_shares=(0.25, 0.25, 0.5))
    assert sizes_of(config, 6)[2] / 2000 == pytest.approx(0.5, abs=0.04)
    assert set(sizes_of(config, 6)) == {1, 2}
    assert set(sizes_of(replace(config, max_examples=2), 8)) == {1, 2}
    assert set(sizes_of(replace(PLAIN, set_shares=(0.0, 1.0)), 3)) == {1}
    assert set(sizes_of(replace(config, picture_is_style=True), 8)) == {1}


def test_by_default_sets_are_plain() -> None:
    for drawn in sets_of(PLAIN, [3, 9], steps=20):
        assert drawn.sources == ()
        assert drawn.zoom == 1
        assert drawn.photo_zooms == (1, 1, 1, 1)
        assert len(drawn.pictures) == 4


@pytest.mark.parametrize(
    "options",
    [
        {"repeated": 0.5},
        {"destylized": 0.5},
        {"zoomed": 0.5},
        {"destylized": 1.0, "zoomed": 0.3, "repeated": 0.2},
    ],
)
def test_turning_something_on_leaves_all_other_choices(options: dict[str, Any]) -> None:
    plain, found = sets_of(PLAIN, [5, 9, 2]), sets_of(replace(PLAIN, **options), [5, 9, 2])
    assert plain != found
    for before, after in zip(plain, found, strict=True):
        assert before.style == after.style
        assert after.pictures in (before.pictures, before.pictures[:1] * 4)
        if "repeated" not in options:
            assert before.pictures == after.pictures


def test_one_picture_many_times() -> None:
    found = sets_of(replace(PLAIN, repeated=0.3), [9, 9])
    single = [drawn for drawn in found if len(set(drawn.pictures)) == 1]
    assert len(single) / len(found) == pytest.approx(0.3, abs=0.06)
    assert all(len(set(drawn.pictures)) in (1, 4) for drawn in found)


def test_styles_are_drawn_by_a_power_of_their_works() -> None:
    works = [1, 4, 16, 100]
    for exponent, expected in ((0.0, [1, 1, 1, 1]), (0.5, [1, 2, 4, 10]), (1.0, works)):
        config = replace(PLAIN, sampling_exponent=exponent)
        counts = Counter(drawn.style for drawn in sets_of(config, works, sets=1, steps=4000))
        shares = [counts[style] / 4000 for style in range(4)]
        wanted = [share / sum(expected) for share in expected]
        assert shares == pytest.approx(wanted, abs=0.03), exponent


def test_no_style_comes_again_before_all_have_come() -> None:
    config = replace(PLAIN, sampling_exponent=0.5)
    for step in range(20):
        rngs = (np.random.default_rng((stream, step)) for stream in (1, 2))
        styles = [drawn.style for drawn in draw_sets(config, [1, 9, 400], 5, 2, *rngs)]
        assert sorted(styles[:3]) == [0, 1, 2]
        assert len(set(styles[3:])) == 2


def test_destylized_pictures_are_others_of_the_same_style() -> None:
    found = sets_of(replace(PLAIN, destylized=0.4), [6, 9])
    taken = [drawn for drawn in found if drawn.sources]
    assert len(taken) / len(found) == pytest.approx(0.4, abs=0.06)
    for drawn in taken:
        assert len(drawn.sources) == 4
        assert not set(drawn.sources) & set(drawn.pictures)
        assert max(drawn.sources) < [6, 9][drawn.style]
    assert {index for drawn in taken if drawn.style == 0 for index in drawn.sources} == {*range(6)}


def test_where_there_are_no_others_the_sets_own_are_destylized() -> None:
    (found,) = sets_of(replace(PLAIN, destylized=1.0), [3], sets=1, steps=1)
    assert set(found.sources) <= {0, 1, 2}
    assert sets_of(replace(PLAIN, destylized=1.0), [1], sets=1, steps=1)[0].sources == (0,) * 4


def test_a_picture_shown_many_times_is_what_is_to_be_painted() -> None:
    for drawn in sets_of(replace(PLAIN, destylized=1.0, repeated=1.0), [9, 9], steps=30):
        assert drawn.sources == drawn.pictures == drawn.pictures[:1] * 4


def test_zooms_are_one_for_a_set_and_one_for_each_photo() -> None:
    found = sets_of(replace(PLAIN, zoomed=0.5, zoom_range=(0.9, 1.55)), [9, 9])
    zoomed = [drawn for drawn in found if drawn.zoom != 1]
    assert len(zoomed) / len(found) == pytest.approx(0.5, abs=0.06)
    zooms = np.array([[drawn.zoom, *drawn.photo_zooms] for drawn in zoomed])
    assert 0.9 <= zooms.min() < 0.92
    assert 1.52 < zooms.max() <= 1.55
    middle = (0.9 * 1.55) ** 0.5  # each ratio is as likely
    assert (zooms < middle).mean() == pytest.approx(0.5, abs=0.06)
    assert all(len(set(row)) == 5 for row in zooms.tolist())
    plain = [drawn for drawn in found if drawn.zoom == 1]
    assert {zoom for drawn in plain for zoom in drawn.photo_zooms} == {1.0}
