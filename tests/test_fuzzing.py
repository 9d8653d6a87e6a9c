"""500 mutations of valid files; `make fuzz` reads 20,000 of another seed."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from fuzzing import KINDS, hunt

NUMBERS = {"override": 50, "configuration": 40, "model": 10}
"""Mutations of the kinds that take longest to read, of others 100."""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.filterwarnings("ignore")  # of Pillow, about what is wrong with a picture
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_errors_of_the_package(kind: str, tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    faults = hunt(kind, range(NUMBERS.get(kind, 100)), 0, tmp_path, outcomes)
    assert faults == []
    assert outcomes["refused"] > 0
    assert outcomes["read"] > 0 or kind == "model", "no mutation gets behind the first check"
