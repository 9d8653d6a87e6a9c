"""What tests of sharing have in common."""

import pytest


@pytest.fixture(autouse=True)
def _small_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paint the examples of model cards small: their size is not what is tested."""
    monkeypatch.setattr("gan_style.hub_model._EXAMPLE_SIDE", 48)
