import math

import pytest

from gan_style.config import TrainConfig
from gan_style.training.schedule import RunLimits, checkpoint_due, usual_squares


@pytest.mark.parametrize(
    ("counts", "squares"),
    [
        ([20], 2_400),
        ([3], 2_400),  # as many: there is as much to learn of how an artist paints
        ([60], 3_200),  # the fourth root of 3 is 1.316
        ([320], 4_800),  # of 16, 2
        ([20, 20, 20, 20], 4_800),
        ([10, 30], 3_400),  # 20 on the average, and the root of 2
        ([1] * 50, 9_600),
        ([10**6], 9_600),
    ],
)
def test_squares_that_are_usual(counts: list[int], squares: int) -> None:
    assert usual_squares(counts) == squares


@pytest.mark.parametrize(
    ("train", "images"),
    [
        (TrainConfig(), 2_400),
        (TrainConfig(minutes=1), 2_400),  # the clock ends it, unless the machine is fast
        (TrainConfig(minutes=20), 9_600),
        (TrainConfig(minutes=None), 2_400),
        (TrainConfig(steps=500), None),
        (TrainConfig(steps=500, minutes=None), None),
        (TrainConfig(images=100, minutes=20), 100),
        (TrainConfig(images=None, minutes=20), None),
    ],
)
def test_auto_becomes_the_usual_number_for_every_five_minutes(
    train: TrainConfig, images: int | None
) -> None:
    assert RunLimits.of(train, 2_400) == RunLimits(images, train.steps, train.minutes)


def test_from_scratch_auto_is_no_limit() -> None:
    assert RunLimits.of(TrainConfig(init=None), None) == RunLimits(minutes=5)


def test_progress_is_the_largest_share_of_a_limit() -> None:
    assert RunLimits(images=100).progress(25, 900, 9e9) == 0.25
    limits = RunLimits(images=100, steps=10, minutes=2)
    assert limits.progress(25, 4, 60) == 0.5
    assert limits.progress(25, 15, 60) == 1.5


def test_limits_in_words_and_squares() -> None:
    assert str(RunLimits(2_400, 500, 0.5)) == "2,400 squares or 500 steps or 0.5 minutes"
    assert RunLimits(2_400, 100, 0.5).squares(8) == 800
    assert RunLimits(minutes=5).squares(8) == math.inf


def steps_due(every: int | None, steps: int) -> list[int]:
    shares = [step / steps for step in range(steps + 1)]
    return [s for s in range(1, steps + 1) if checkpoint_due(every, s, shares[s - 1], shares[s])]


@pytest.mark.parametrize(
    ("every", "steps", "due"),
    [
        (3, 10, [3, 6, 9]),
        (None, 120, [*range(12, 121, 12)]),  # five minutes on a slow machine
        (None, 5, [1, 2, 3, 4, 5]),
        (None, 5_000, [*range(250, 5_001, 250)]),  # a tenth is every other one of these
    ],
)
def test_checkpoints(every: int, steps: int, due: list[int]) -> None:
    assert steps_due(every, steps) == due
