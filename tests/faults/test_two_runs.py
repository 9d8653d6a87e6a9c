"""Two runs in one folder: one trains, and the other is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from one_step import POSIX

from gan_style.cli.main import main
from gan_style.config import load_config
from gan_style.errors import ConfigError
from gan_style.training import run_lock
from gan_style.training.run import train
from gan_style.training.run_dir import describe_run
from gan_style.training.run_lock import LOCK_FILE, RunLock, holder_of, is_locked


@POSIX
def test_a_folder_in_use_is_refused_with_who_uses_it(
    tiny: list[str], tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "_PATIENCE", 0.1)
    folder = shutil.copytree(tiny_run, tmp_path / "run")
    lines = (folder / "log.jsonl").read_text()
    program = (
        "import sys, pathlib; from gan_style.training.run_lock import RunLock\n"
        "with RunLock(pathlib.Path(sys.argv[1])): print('locked', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert is_locked(folder)
        words = [*tiny, f"run.dir={folder}", "train.resume=true", "train.steps=5"]
        with pytest.raises(ConfigError, match=rf"run is in use by process {holder.pid}"):
            train(load_config(None, words))
        assert (folder / "log.jsonl").read_text() == lines
    finally:
        holder.kill()
        holder.wait()
    assert not is_locked(folder)  # nothing stale is left
    with RunLock(folder):
        assert holder_of(folder) == os.getpid()
        assert is_locked(folder)
    assert not is_locked(folder)


@POSIX
def test_a_lock_that_was_inherited_is_our_own(tmp_path: Path) -> None:
    """As the page gives it to the training that it begins."""
    with (tmp_path / LOCK_FILE).open("wb") as file:
        assert run_lock.lock(file)
        run_lock.write_holder(file, os.getpid())
        with RunLock(tmp_path):
            assert is_locked(tmp_path)


@POSIX
def test_a_new_run_folder_is_its_owners_alone_and_links_are_not_written_through(
    tmp_path: Path,
) -> None:
    def describe() -> None:
        describe_run(tmp_path / "run", load_config(None), torch.device("cpu"), "float32")

    describe()
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("environment.txt", "config.yaml"):
        (tmp_path / "run" / name).unlink()
        (tmp_path / "run" / name).symlink_to(victim)
    describe()
    assert victim.read_text() == "precious"
    (tmp_path / "run" / LOCK_FILE).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), RunLock(tmp_path / "run"):
        pass
    assert victim.read_text() == "precious"


@POSIX
def test_of_two_that_begin_in_one_folder_one_trains(
    collection: Path, tmp_path: Path, unbroken: Any, tally: Any
) -> None:
    """Also where the first has ended before the second looks again."""
    from fault_injection import Running
    from fault_runs import Finished, words_of

    counted = tally("two runs in one folder at a time")
    folder = tmp_path / "run"
    words = words_of(collection, folder)
    with counted.attempt():
        both = [Running(main, words, sandbox=tmp_path / name) for name in ("one", "two")]
        ended = [each.ended() for each in both]
        assert sorted(each.code for each in ended) == [0, 2], [each.output for each in ended]
        (message,) = (line for each in ended for line in each.errors)
        assert "is in use by process" in message or "holds a run already" in message
        counted.told(message, folder)
        assert Finished.of(folder) == unbroken
