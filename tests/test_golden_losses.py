"""The first 20 steps of each configuration log what tests/golden/ says, up to rounding."""

import pytest
from golden_losses import GOLDEN, NAMES, differences, losses_of, read_golden


def test_every_configuration_has_golden_losses() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*NAMES}


LONG = {"base"}  # takes ten seconds


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] if n in LONG else []) for n in NAMES]
)
def test_losses_are_as_they_were(name: str) -> None:
    golden = read_golden(name)
    found = [*differences(golden, losses_of(name, golden["overrides"]))]
    assert not found, "\n".join(
        [*found, f"if that is meant: python tests/golden_losses.py --update {name}"]
    )
