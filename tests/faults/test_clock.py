"""A clock that goes backwards."""

import os
from pathlib import Path
from typing import Any

import pytest

if os.name != "posix":
    pytest.skip("processes are forked", allow_module_level=True)

from fault_injection import Fault, run
from fault_runs import Finished, go_on, with_clock_going_back, words_of


@pytest.mark.nightly
def test_a_clock_that_goes_backwards(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Any
) -> None:
    """The newest checkpoint is the one that was saved last, whatever the clock says."""
    folder = tmp_path / "run"
    words = words_of(collection, folder)
    counted = tally("a clock that goes backwards")
    with counted.attempt():
        ended = run(with_clock_going_back, words, sandbox=folder, fault=Fault("kill", 44))
        assert ended.code == -9, ended.output
        ended = run(with_clock_going_back, words, sandbox=folder, fault=Fault("kill", 20))
        assert ended.code == -9, ended.output
        ended = run(go_on, words, sandbox=folder)
        assert ended.code == 0, ended.output
        assert Finished.of(folder) == unbroken
