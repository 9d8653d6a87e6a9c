"""What can go wrong while a run works: what is told, and what is kept."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_style.checkpoint import CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.cli.main import main
from gan_style.config import load_config
from gan_style.data import training_data
from gan_style.data.inspection import too_few
from gan_style.errors import ConfigError, RunError
from gan_style.style_code import StyleCode
from gan_style.training import results, run_lock, run_state
from gan_style.training.failures import named_failures
from gan_style.training.loop import TrainingLoop
from gan_style.training.run import train
from gan_style.training.run_dir import describe_run
from gan_style.training.run_lock import LOCK_FILE, RunLock, holder_of, is_locked
from gan_style.training.run_state import take_over
from gan_style.training.signals import stop_signals
from gan_style.training.trainer import Trainer

POSIX = pytest.mark.skipif(os.name != "posix", reason="of POSIX systems")
ONCE = ["train.steps=1", "run.sample_every=100", "run.checkpoint_every=100"]


@pytest.fixture(autouse=True)
def _quick_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_style.training.copying._PAINTINGS", 1)
    monkeypatch.setattr("gan_style.training.copying.READING_SIDE", 64)


# signals


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


# two at a time


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


# names


@POSIX
def test_a_folder_whose_name_is_not_utf_8(
    tiny: list[str], collection: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "gan_style")  # pytest-xdist cannot send such a name
    styles = Path(os.fsdecode(os.fsencode(tmp_path) + b"/pictures \xff"))
    shutil.copytree(collection / "styles" / "ink", styles)
    run = tmp_path / "run"
    words = [*tiny, *ONCE, f"data.styles={styles}"]
    train(load_config(None, [*words, f"run.dir={run}"]))
    assert (run / "report.txt").is_file()
    assert load_config(str(run / "config.yaml")).data.styles == str(styles)
    (code,) = (run / "styles").iterdir()
    assert StyleCode.load(code).name == styles.name
    with pytest.raises(ConfigError, match=r"run\.dir .* is not in UTF-8"):
        train(load_config(None, [*words, f"run.dir={styles / 'run'}"]))
    assert not (styles / "run").exists()


# pictures that are removed


@pytest.mark.parametrize("memory", [2.0, 0.0])
def test_style_pictures_removed_while_training(
    tiny: list[str],
    collection: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    memory: float,
) -> None:
    """The code is made of what is in memory; without that, the rest of the results still come."""
    styles = shutil.copytree(collection / "styles", tmp_path / "styles")
    load = results.load_best

    def remove(*given: Any) -> None:
        load(*given)
        shutil.rmtree(styles / "ink")

    monkeypatch.setattr(results, "load_best", remove)
    words = [*tiny, *ONCE, f"data.styles={styles}", f"data.memory_gb={memory}", "data.workers=0"]
    folder = train(load_config(None, [*words, f"run.dir={tmp_path / 'run'}"]))
    codes = {path.name.partition(".")[0]: path for path in (folder / "styles").iterdir()}
    assert codes.keys() == ({"ink", "oil"} if memory else {"oil"})
    assert (folder / "report.txt").read_text(encoding="utf-8").startswith("training ")
    assert (folder / "model.safetensors").is_file()
    if memory:
        assert StyleCode.load(codes["ink"]).count == 3
    else:
        assert "style ink has no code: no picture of 3 can be read" in caplog.text


def test_many_small_styles_are_one_warning() -> None:
    assert len(list(too_few({f"s{number}": 1 for number in range(10)}))) == 10
    (line,) = too_few({f"s{number}": 1 for number in range(200)} | {"large": 20})
    assert line.startswith(
        "200 of 201 styles have fewer than 10 different pictures, such as s0, s1"
    )


# memory and processes that end


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "a higher train.accumulate (now 1) takes less"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "data.crop (40)",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried …"), "train.batch_size (2)"),
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


# checkpoints of strangers


@pytest.fixture(scope="module")
def saved(tiny: list[str], tiny_run: Path) -> tuple[Trainer, Any, Any]:
    newest = newest_checkpoint(tiny_run / CHECKPOINTS)
    assert newest is not None
    trainer = Trainer(load_config(None, tiny), torch.device("cpu"))
    return trainer, *load_checkpoint(newest)


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": float("nan")},
        {"seconds": -1},
        {"best": {"step": -1}},
        {"best": {"score": "low"}},
        {"best": {"terms": {"score": []}}},
        {"before": []},
        {"usual": "many"},
        {"tracker": {"log": 5}},
        {"tracker": {"wandb": {"id": ["x"]}}},
        {"state": 5},
        {"state": {"dict": []}},
    ],
)
def test_what_no_checkpoint_says_is_refused(saved: Any, changes: dict[str, Any]) -> None:
    trainer, tensors, metadata = saved
    with pytest.raises(ConfigError):
        take_over(trainer, tensors, metadata | changes, None)


def test_a_state_with_other_numbers_in_it_is_refused(saved: Any, monkeypatch: Any) -> None:
    trainer, tensors, metadata = saved
    unflatten = run_state.unflatten_state

    def altered(change: Any) -> None:
        def changed(*given: Any) -> Any:
            state = unflatten(*given)
            change(state)
            return state

        monkeypatch.setattr(run_state, "unflatten_state", changed)
        with pytest.raises(ConfigError):
            take_over(trainer, tensors, metadata, None)

    altered(lambda state: state.update(images_seen=-8))
    altered(lambda state: state.update(steps_done=float("inf")))
    altered(lambda state: state["model_optimizer"]["param_groups"][0].update(params=[0]))
    altered(lambda state: state["model_optimizer"]["state"][0].update(exp_avg=torch.zeros(3)))
    monkeypatch.setattr(run_state, "unflatten_state", unflatten)
    take_over(trainer, tensors, metadata, None)
    assert trainer.model_optimizer.param_groups[0]["betas"] == (0.5, 0.99)
