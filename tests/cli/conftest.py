"""What tests of the command line share."""

import pytest


@pytest.fixture(autouse=True)
def _quick_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure few steps: how fast they are is not what is tested here."""
    monkeypatch.setattr("gan_style.training.forecast._WARM", 0)
    monkeypatch.setattr("gan_style.training.forecast._MEASURED", 1)
