"""What tests of training share."""

import pytest


@pytest.fixture(autouse=True)
def _few_paintings_are_searched_for_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search one painting a style for copies, not eight: most of a tiny run's time is theirs."""
    monkeypatch.setattr("gan_style.training.copying._PAINTINGS", 1)
