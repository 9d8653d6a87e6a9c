"""kill -9 at any moment: a run goes on to the same end, and no file is half."""

import random
import shutil
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fault_injection import Ended, Fault, Running, run
from fault_runs import Finished, go_on, left_over, require_whole, words_of

from gan_style.cli.main import main

Tallies = Callable[[str], Any]
KILLED = -9
PARTS = 4  # of the long tests, which several processes share


def finish(words: list[str], folder: Path, unbroken: Finished) -> None:
    """Go on to the end, which has to be that of a run that was never killed."""
    ended = run(go_on, words, sandbox=folder)
    assert ended.code == 0, ended.output
    assert left_over(folder) == []
    assert Finished.of(folder) == unbroken


def killed(work: Any, words: list[str], folder: Path, at: int) -> Ended:
    """Work that is killed before its operation `at` on a file; code 0 if it has no so many."""
    ended = run(work, words, sandbox=folder, fault=Fault("kill", at))
    assert ended.code in (0, KILLED), ended.output
    require_whole(folder)
    return ended


def kill_at_random(
    collection: Path, folder: Path, unbroken: Finished, kills: int, tally: Any
) -> None:
    """Kill a run again and again until it is finished, and then the next one."""
    seed = time.time_ns() % 10**9
    print(f"seed {seed}")
    rng = random.Random(seed)
    number, longest = 0, 0.0
    while kills:
        number += 1
        place = folder / str(number)
        words = words_of(collection, place)
        while True:
            began = time.monotonic()
            process = Running(go_on, words, sandbox=place)
            if kills:  # at first it is not known how long a run takes
                process.process.join(rng.uniform(0, 1.1 * longest or 2))
                process.kill()
            ended = process.ended()
            if ended.code == 0:
                longest = max(longest, time.monotonic() - began)
                break
            assert ended.code == KILLED, ended.output
            kills -= 1
            with tally.attempt():
                require_whole(place)
        assert left_over(place) == []
        assert Finished.of(place) == unbroken
        shutil.rmtree(place)


def test_random_moments(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies
) -> None:
    kill_at_random(collection, tmp_path, unbroken, 5, tally("kill -9 at a random moment"))


@pytest.mark.nightly
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_random_moments(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies, part: int
) -> None:
    kill_at_random(collection, tmp_path, unbroken, 25, tally("kill -9 at a random moment"))


@pytest.mark.nightly
def test_between_the_two_files_of_a_checkpoint(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies
) -> None:
    folder = tmp_path / "run"
    words = words_of(collection, folder)
    counted = tally("kill -9 at each file operation of a run")
    operations = run(main, words, sandbox=folder).operations
    shutil.rmtree(folder)
    at = next(n for n, o in enumerate(operations, 1) if o.endswith("step-00000002.safetensors"))
    with counted.attempt():
        killed(main, words, folder, at + 2)
        assert (folder / "checkpoints" / "step-00000002.safetensors").is_file()
        finish(words, folder, unbroken)


def kill_at_each(
    work: Any,
    words_in: Callable[[Path], list[str]],
    place: Path,
    part: int,
    unbroken: Finished,
    tally: Any,
) -> int:
    """Kill at every PARTS-th file operation until there is none left, and return the last."""
    for at in count(part + 1, PARTS):
        folder = place / str(at)
        words = words_in(folder)
        with tally.attempt():
            code = killed(work, words, folder, at).code
            finish(words, folder, unbroken)
        shutil.rmtree(folder)
        if code == 0:
            return at
    raise AssertionError


@pytest.mark.nightly
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS))
def test_at_each_file_operation(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies, part: int
) -> None:
    counted = tally("kill -9 at each file operation of a run")
    words_in = partial(words_of, collection)
    assert kill_at_each(main, words_in, tmp_path, part, unbroken, counted) > 60


@pytest.mark.nightly
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS))
def test_at_each_file_operation_of_a_run_that_is_resumed(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies, part: int
) -> None:
    """From a state with everything that a resumed run has to take back."""
    counted = tally("kill -9 at each file operation of a resumed run")
    before = tmp_path / "before"
    operations = run(main, words_of(collection, before), sandbox=before).operations
    shutil.rmtree(before)
    at = next(n for n, o in enumerate(operations, 1) if "step-00000003" in o)
    killed(main, words_of(collection, before), before, at + 1)

    def words_in(folder: Path) -> list[str]:
        shutil.copytree(before, folder)
        return words_of(collection, folder)

    assert kill_at_each(go_on, words_in, tmp_path, part, unbroken, counted) > 20
