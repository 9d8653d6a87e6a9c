"""A training as a process of its own: begun, seen by others, stopped, gone on with, failed."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from gan_style.app.catalog import Catalog
from gan_style.app.folder import WorkFolder
from gan_style.app.progress import Progress, progress_of, results_of
from gan_style.app.trainings import Run, Trainings
from gan_style.config import config_to_dict, load_config
from gan_style.errors import ConfigError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs locks of POSIX")


@pytest.fixture
def trainings(tmp_path: Path, tiny: list[str]) -> Iterator[Trainings]:
    """Trainings of a small model; whatever still trains in the end is stopped."""
    config = tmp_path / "tiny.yaml"
    words = [word for word in tiny if not word.startswith(("data.styles=", "train.steps="))]
    values = config_to_dict(load_config(None, [*words, "train.minutes=1", "train.steps=100000"]))
    config.write_text(yaml.safe_dump(values))
    found = Trainings(WorkFolder(tmp_path / "work"), config, "cpu")
    yield found
    for run in found.runs().values():
        run.stop()


@pytest.fixture
def pictures(trainings: Trainings, collection: Path) -> Path:
    """Copy the pictures of a style to where the page keeps them."""
    place = trainings.folder.uploads / "ink"
    shutil.copytree(collection / "styles" / "ink", place)
    return place


def until(run: Run, is_reached: Callable[[Progress], bool]) -> Progress:
    ended = time.monotonic() + 200
    while time.monotonic() < ended:
        progress = progress_of(run)
        if is_reached(progress):
            return progress
        time.sleep(0.2)
    raise AssertionError(f"{progress}: {run.printed()}")


@pytest.mark.long
def test_a_training_is_stopped_and_gone_on_with(trainings: Trainings, pictures: Path) -> None:
    run = trainings.begin(pictures, 30)
    assert progress_of(run).state == "training"
    with pytest.raises(ConfigError, match="ink is being learned"):
        trainings.begin(pictures, 30)
    # another start of the page sees it: nothing of it is kept in this process
    other = Trainings(WorkFolder(trainings.folder.root)).run("ink")
    progress = until(other, lambda progress: progress.squares > 0)
    assert 0 < progress.share < 1
    assert "left" in progress.line()
    other.stop()
    stopped = until(run, lambda progress: progress.state != "training")
    assert stopped.state == "stopped"
    assert not results_of(run)

    trainings.go_on(run, (stopped.seconds + 1) / 60)
    finished = until(run, lambda progress: progress.state in ("finished", "failed"))
    assert finished.state == "finished"
    assert finished.squares > stopped.squares
    assert "training" in finished.report
    assert finished.sample is not None
    names = [file.name for file in results_of(run)]
    assert names == ["ink.style.safetensors", "model.safetensors", "report.txt"]
    choice = Catalog(trainings.folder).choice("run:ink:ink")
    assert (choice.label, choice.model, choice.run) == ("ink", run.folder, run.folder)


def test_why_a_training_failed_is_said(trainings: Trainings, tmp_path: Path) -> None:
    empty = trainings.folder.uploads / "nothing"
    empty.mkdir()
    run = trainings.begin(empty, 1)
    failed = until(run, lambda progress: progress.state != "training")
    assert failed.state == "failed"
    assert "no pictures to train on" in failed.line()
    with pytest.raises(ConfigError, match="no checkpoint to go on from"):
        trainings.go_on(run, 1)
    with pytest.raises(ConfigError, match="no such run"):
        trainings.run("../ink")


def test_when_the_clock_ended_a_training_the_report_is_waited_for(tmp_path: Path) -> None:
    import fcntl

    run = Run(tmp_path)
    (tmp_path / "train.json").write_text('{"began": 1000}')
    (tmp_path / "log.jsonl").write_text('{"step": 7, "images": 56, "minutes": 0.78}\n')
    with (tmp_path / ".lock").open("wb") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)  # as a training process would
        assert progress_of(run).line().startswith("Training, ")
        (tmp_path / "model.safetensors").write_bytes(b"")
        assert progress_of(run).line().startswith("Trained: 56 squares seen in 47 seconds.")
