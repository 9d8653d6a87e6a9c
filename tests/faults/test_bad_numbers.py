"""Batches with a number in them that is none."""

import os
from pathlib import Path
from typing import Any

import pytest

if os.name != "posix":
    pytest.skip("processes are forked", allow_module_level=True)

from fault_injection import run
from fault_runs import go_on, require_whole, with_bad_batches, words_of

from gan_style.checkpoint import CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.tensor_files import first_not_finite


@pytest.mark.nightly
def test_one_bad_batch_is_left_out(collection: Path, tmp_path: Path, tally: Any) -> None:
    folder = tmp_path / "run"
    counted = tally("a batch with a pixel that is no number")
    with counted.attempt():
        ended = run(with_bad_batches, words_of(collection, folder), 1, 2, sandbox=folder)
        assert ended.code == 0, ended.output
        (told,) = (line for line in ended.lines if line.startswith("left out a step: "))
        counted.told(told, folder)
        require_whole(folder)


@pytest.mark.long
def test_bad_batches_end_the_run_and_the_checkpoint_before_is_good(
    collection: Path, tmp_path: Path, tally: Any
) -> None:
    folder = tmp_path / "run"
    words = words_of(collection, folder, "train.steps=8")
    counted = tally("five batches in a row with a pixel that is no number")
    with counted.attempt():
        ended = run(with_bad_batches, words, 2, 8, sandbox=folder)
        assert ended.code == 1, ended.output
        (message,) = ended.errors
        assert "train.learning_rate" in message
        counted.told(message, folder)
        newest = newest_checkpoint(folder / CHECKPOINTS)
        assert newest is not None
        assert newest.name == "step-00000002.safetensors"
        assert first_not_finite(load_checkpoint(newest)[0]) is None
        ended = run(go_on, words, sandbox=folder)
        assert ended.code == 0, ended.output
