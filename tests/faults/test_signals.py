"""SIGTERM, SIGHUP and Ctrl-C: a run saves, and goes on to the same end."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from one_step import ONCE, POSIX

from gan_style.checkpoint import CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.cli.main import main
from gan_style.config import load_config
from gan_style.training.loop import TrainingLoop
from gan_style.training.run import train
from gan_style.training.signals import stop_signals


@POSIX
def test_only_a_second_ctrl_c_interrupts() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with stop_signals() as stopped:
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert len(stopped) == 4
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGHUP) == before


@POSIX
def test_a_hangup_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stop_signals() as stopped:
            os.kill(os.getpid(), signal.SIGHUP)
        assert stopped == []
    finally:
        signal.signal(signal.SIGHUP, before)


@POSIX
def test_sigterm_while_the_last_checkpoint_is_saved(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = TrainingLoop._checkpoint

    def saved(self: TrainingLoop) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        save(self)

    monkeypatch.setattr(TrainingLoop, "_checkpoint", saved)
    folder = train(load_config(None, [*tiny, *ONCE, f"run.dir={tmp_path / 'run'}"]))
    newest = newest_checkpoint(folder / CHECKPOINTS)
    assert newest is not None
    assert newest.name == "step-00000001.safetensors"


@POSIX
@pytest.mark.nightly
def test_a_closed_terminal_saves(tiny: list[str], tmp_path: Path) -> None:
    import pty

    run = tmp_path / "run"
    words = [*tiny, "train.steps=100000", "run.checkpoint_every=null", f"run.dir={run}"]
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "gan_style", "train", *words])
    ended = time.monotonic() + 200
    log = run / "log.jsonl"
    while time.monotonic() < ended and not (log.exists() and log.stat().st_size):
        time.sleep(0.1)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    newest = newest_checkpoint(run / CHECKPOINTS)
    assert newest is not None
    assert load_checkpoint(newest)[1]["seconds"] > 0


@POSIX
@pytest.mark.parametrize(
    "number",
    [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)],
)
@pytest.mark.nightly
def test_a_run_that_is_sent_a_signal_goes_on_to_the_same_end(
    collection: Path, tmp_path: Path, unbroken: Any, tally: Any, number: signal.Signals
) -> None:
    from fault_injection import Running, run
    from fault_runs import Finished, go_on, left_over, words_of

    folder = tmp_path / "run"
    words = words_of(collection, folder)
    counted = tally(f"{number.name} to a run")
    with counted.attempt():
        process = Running(main, words, sandbox=folder)
        ended = time.monotonic() + 100
        log = folder / "log.jsonl"
        while time.monotonic() < ended and not (log.exists() and log.stat().st_size):
            time.sleep(0.01)
        os.kill(process.process.pid or 0, number)
        assert process.ended().code == 0
        assert left_over(folder) == []
        assert newest_checkpoint(folder / CHECKPOINTS) is not None
        done = run(go_on, words, sandbox=folder)
        assert done.code == 0, done.output
        assert Finished.of(folder) == unbroken
