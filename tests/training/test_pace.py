"""What is said of the clock, and the minutes that are named, follow from the speed."""

from pathlib import Path

import pytest

from gan_style.training.pace import Pace, Speed, duration
from gan_style.training.schedule import RunLimits

BUSY = Pace(RunLimits(2_400, None, 5), batch_size=8, speed=0.32, usual=2_400)


def test_the_speed_is_the_median_of_steps_after_the_first() -> None:
    speed = Speed(8)
    for seconds in (60.0, 2.0, 4.0):
        speed.add(seconds)
    assert speed.squares_per_second is None
    speed.add(100.0)  # another program was busy
    assert speed.squares_per_second == 2


def test_a_busy_machine_is_told_of_at_the_start() -> None:
    assert BUSY.warning() == (  # 300 s at 0.32; 2400 / 0.32 s are 125 minutes, and a fifth to spare
        "this machine will show it about 96 squares in 5 minutes; 2,400 are usual: expect little; "
        "let it run for 150 minutes (train.images=2400 train.minutes=150)"
    )


@pytest.mark.parametrize(
    ("pace", "warns"),
    [
        (Pace(RunLimits(2_400, None, 5), 8, 2.7, 2_400), False),  # 810 squares
        (Pace(RunLimits(2_400, None, 5), 8, 2.6, 2_400), True),  # 780
        (Pace(RunLimits(2_400, None, 5), 8, 40.0, 2_400), False),
        (Pace(RunLimits(None, 12, 5), 8, 0.5, 2_400), False),  # so few steps are asked for
        (Pace(RunLimits(None, 500, 5), 8, 0.5, 2_400), True),
        (Pace(RunLimits(2_400, None, None), 8, 0.32, 2_400), False),  # it may take long
        (Pace(RunLimits(None, None, 5), 8, 0.32, None), False),  # from scratch
        (Pace(RunLimits(2_400, None, 5), 8, None, 2_400), False),  # not known yet
        (Pace(RunLimits(2_400, None, 30), 8, 1.0, 2_400, 2_000, 1_500.0), False),
    ],
)
def test_only_if_the_clock_leaves_less_than_a_third(pace: Pace, warns: bool) -> None:
    assert (pace.warning() is not None) == warns


def test_a_run_goes_on_to_the_usual_number() -> None:
    pace = Pace(RunLimits(2_400, None, 5), 8, 0.32, 2_400, 96, 300.0)
    assert pace.few
    assert pace.time_left == "2.0 hours"  # 2304 squares
    assert pace.command(Path("my runs/a")) == (  # 5 minutes and 1.2 times 120
        "gan-style train 'my runs/a/config.yaml' train.resume=true train.images=2400 "
        "train.minutes=150"
    )


def test_what_ended_a_run_does_not_end_it_again() -> None:
    steps = Pace(RunLimits(None, 12, 5), 8, 8.0, 2_400, 96, 12.0)
    assert steps.changes() == "train.images=2400 train.steps=null train.minutes=6"  # 0.2 + 5.76
    no_clock = Pace(RunLimits(None, 12, None), 8, 8.0, 2_400, 96, 12.0)
    assert no_clock.changes() == "train.images=2400 train.steps=null"


def test_a_run_that_saw_them_all_goes_on_to_twice_as_many() -> None:
    fast = Pace(RunLimits(2_400, None, 5), 8, 40.0, 2_400, 2_400, 60.0)
    assert (fast.few, fast.goal) == (False, 4_800)
    assert fast.changes() == "train.images=4800 train.minutes=5"  # 2.2 are enough


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(10, 1), (500, 9), (601, 15), (3_000, 50), (3_601, 70)]
)
def test_minutes_are_round(seconds: int, minutes: int) -> None:
    pace = Pace(RunLimits(minutes=1), 8, 1.2, usual=seconds)  # with a fifth to spare, a second each
    assert pace.changes().endswith(f"train.minutes={minutes}")


def test_without_steps_the_speed_is_that_of_the_whole_run() -> None:
    assert Pace(RunLimits(minutes=5), 8, None, 2_400, 600, 300.0).time_left == "15 minutes"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.2, "1 second"),
        (7, "7 seconds"),
        (84, "1.4 minutes"),
        (7_140, "119 minutes"),
        (9_000, "2.5 hours"),
        (72_000, "20 hours"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
