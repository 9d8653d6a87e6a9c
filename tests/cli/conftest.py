"""What tests of the command line share."""

import pytest


@pytest.fixture(autouse=True)
def _quick_ends_and_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search few paintings for copies, and measure few steps: neither is what is tested here."""
    monkeypatch.setattr("gan_style.training.copying._PAINTINGS", 1)
    monkeypatch.setattr("gan_style.training.comparison._PHOTOS", 1)
    monkeypatch.setattr("gan_style.training.likeness._PHOTOS", 1)
    monkeypatch.setattr("gan_style.training.forecast._WARM", 0)
    monkeypatch.setattr("gan_style.training.forecast._MEASURED", 1)
