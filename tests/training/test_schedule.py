import pytest

from gan_style.config import TrainConfig
from gan_style.training.schedule import checkpoint_due, progress


def test_progress_is_the_largest_share_of_a_limit() -> None:
    assert progress(TrainConfig(images=100, minutes=None), 25, 900, 9e9) == 0.25
    limits = TrainConfig(images=100, steps=10, minutes=2)
    assert progress(limits, 25, 4, 60) == 0.5
    assert progress(limits, 25, 15, 60) == 1.5


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
