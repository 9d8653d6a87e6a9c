import itertools
import re
import time
from pathlib import Path

import pytest

from gan_style.config import load_config
from gan_style.training.forecast import Forecast, expected, forecast
from gan_style.training.pace import Pace
from gan_style.training.schedule import RunLimits

REPOSITORY = Path(__file__).resolve().parents[2]


def test_speed_is_measured_after_warming_up(
    tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.accumulate(itertools.chain([0, 9, 0, 9], itertools.cycle([0, 0.5])))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    found = forecast(load_config(None, [*tiny, "train.minutes=3"]), [20])
    assert found.pace.speed == pytest.approx(4)  # a batch of two in half a second
    assert found.pace.usual is None  # from scratch
    assert found.pace.limits == RunLimits(None, 4, 3)
    assert 0.1 < found.memory_gb < 20


def test_a_slow_machine_is_measured_by_a_single_step(
    tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.accumulate(itertools.cycle([0, 5]))
    begun = []
    monkeypatch.setattr(time, "monotonic", lambda: begun.append(1) or next(ticks))
    found = forecast(load_config(None, tiny), [20], patience=8)
    assert found.pace.speed == pytest.approx(0.4)
    assert len(begun) == 2 * 3  # two steps to warm up, and one


def forecast_at(speed: float, usual: int | None = 2_400) -> list[str]:
    return Forecast(Pace(RunLimits(usual, None, 5), 8, speed, usual), 1.52).lines()


def test_the_forecast_as_text() -> None:
    assert forecast_at(20.04) == [
        "  forecast: 20 squares/s on this machine, so the 2,400 that are usual take 2.0 minutes; "
        "1.5 GB of memory"
    ]
    assert forecast_at(20.04, None) == [
        "  forecast: 20 squares/s on this machine; 1.5 GB of memory"
    ]


def test_a_machine_that_is_busy_is_told_before_training() -> None:
    forecast, warning = forecast_at(0.32)
    assert "take 2.1 hours" in forecast
    assert warning.startswith("  warning: this machine will show it about 96 squares in 5 minutes;")
    assert warning.endswith("(train.images=2400 train.minutes=150)")


def test_what_is_expected_is_what_was_measured() -> None:
    page = REPOSITORY / "docs/experiments/2026-11-28-personal-models.md"
    assert expected(18) == expected(1000)
    for number in re.findall(r"0\.\d\d", expected(18)):
        assert number in page.read_text(encoding="utf-8")


def test_nothing_is_expected_where_nothing_was_measured() -> None:
    assert "fewer than 18 pictures" in expected(17)
