import itertools
import time

import pytest

from gan_style.config import load_config
from gan_style.training.forecast import Forecast, expected, forecast


def test_speed_is_measured_after_warming_up(
    tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.accumulate(itertools.chain([0, 9, 0, 9], itertools.cycle([0, 0.5])))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    found = forecast(load_config(None, [*tiny, "train.minutes=3"]))
    assert found.squares_per_second == pytest.approx(4)  # a batch of two in half a second
    assert found.minutes == 3
    assert 0.1 < found.memory_gb < 20


def test_the_forecast_as_text() -> None:
    (line,) = Forecast(20.04, 1.52, 5).lines()
    assert line == (
        "  forecast: 20 squares/s on this machine, so train.minutes=5 shows 6000 of them; "
        "1.5 GB of memory"
    )


def test_without_a_limit_in_minutes_no_squares_are_counted() -> None:
    (line,) = Forecast(20.04, 1.52, None).lines()
    assert line == "  forecast: 20 squares/s on this machine; 1.5 GB of memory"


@pytest.mark.parametrize(("pictures", "rates"), [(5, "0.70 and 0.94"), (19, "0.63 and 0.93")])
def test_quality_is_expected_from_no_more_pictures_than_there_are(
    pictures: int, rates: str
) -> None:
    assert rates in expected(pictures)


def test_nothing_is_expected_where_nothing_was_measured() -> None:
    assert "fewer than 5 pictures" in expected(4)
