"""Memory that runs out, and processes that decode pictures and are ended from outside."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from one_step import POSIX

from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.cli.main import main
from gan_style.config import load_config
from gan_style.data import training_data
from gan_style.errors import RunError
from gan_style.training.failures import named_failures
from gan_style.training.run import train
from gan_style.training.trainer import Trainer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "a higher train.accumulate (now 1) takes less"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "data.crop (40)",
        ),
        pytest.param(
            torch.OutOfMemoryError("CUDA out of memory. Tried …"),
            "train.batch_size (2)",
            marks=pytest.mark.nightly,
        ),
        (RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly"), "data.workers (2)"),
    ],
)
def test_what_breaks_a_run_is_told_in_a_line_and_checkpoints_stay(
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    told: str,
) -> None:
    take = Trainer.step

    def step(self: Trainer, *given: Any) -> Any:
        if self.steps_done == 2:
            raise error
        return take(self, *given)

    monkeypatch.setattr(Trainer, "step", step)
    assert main(["train", *tiny, f"run.dir={tmp_path / 'run'}"]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert told in lines[0]
    newest = newest_checkpoint(tmp_path / "run" / CHECKPOINTS)
    assert newest is not None
    assert newest.name == "step-00000002.safetensors"


def test_other_errors_are_not_taken_for_a_want_of_memory() -> None:
    with pytest.raises(RuntimeError, match="a bug") as caught, named_failures(load_config(None)):
        raise RuntimeError("a bug")
    assert not isinstance(caught.value, RunError)


@POSIX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_gets_a_signal(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Killed, it breaks the run with a line; what stops the run too leaves it time to save."""
    monkeypatch.setattr(training_data, "_TIME_TO_SAVE", 60)
    take = Trainer.step

    def step(self: Trainer, *given: Any) -> Any:
        terms = take(self, *given)
        if self.steps_done == 1:
            for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(child), number)
            if number == signal.SIGTERM:
                os.kill(os.getpid(), number)  # as systemd stops all processes of a service
            time.sleep(1)
        return terms

    monkeypatch.setattr(Trainer, "step", step)
    words = [*tiny, "data.memory_gb=0", "data.workers=1", "run.checkpoint_every=100"]
    config = load_config(None, [*words, f"run.dir={tmp_path / 'run'}", "train.steps=50"])
    if number == signal.SIGKILL:
        with pytest.raises(RunError, match=r"fewer data\.workers \(1\)"):
            train(config)
    else:
        folder = train(config)
        newest = newest_checkpoint(folder / CHECKPOINTS)
        assert newest is not None
        assert newest.name == "step-00000001.safetensors"


def test_what_is_told_to_lower_are_options() -> None:
    from gan_style.cli.stylize import Stylize
    from gan_style.config import SECTIONS
    from gan_style.options import options_of

    known = {each.key for section in SECTIONS.values() for each in options_of(section)}
    with pytest.raises(RunError) as caught, named_failures(load_config(None)):
        raise MemoryError
    named = re.findall(r"\b(?:train|data|run)\.\w+", str(caught.value))
    assert len(named) >= 4
    assert {*named} <= known
    assert {"size", "memory"} <= {each.name for each in options_of(Stylize)}  # of paintings
