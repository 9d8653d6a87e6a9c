import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from wandb_reader import offline_runs

from gan_style.config import TrackingConfig
from gan_style.training import tracking
from gan_style.training.tracking import (
    RunLog,
    Tracker,
    Trackers,
    WandbTracker,
    build_tracker,
    wandb_mode,
)

CONFIG = {"train": {"betas": [0.5, 0.99], "seed": 0}, "data": {"styles": "größe"}}
OFFLINE = TrackingConfig(wandb="offline")
PICTURE = Image.new("RGB", (40, 30), (250, 120, 10))


@pytest.fixture(autouse=True, scope="module")
def _no_service_left_behind() -> Iterator[None]:
    """End the wandb-core of these tests: programs started later would take it for theirs."""
    yield
    import wandb

    wandb.teardown()


def lines(run_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]


def samples(run_dir: Path) -> list[str]:
    return sorted(path.name for path in (run_dir / "samples").iterdir())


@pytest.fixture(autouse=True)
def _news_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gan_style")


def tracked(run_dir: Path, state: dict[str, Any] | None = None) -> Tracker:
    return build_tracker(OFFLINE, "my run", run_dir, CONFIG, state)


def mirror(tracker: Tracker) -> WandbTracker:
    assert isinstance(tracker, Trackers)
    found = tracker.trackers[1]
    assert isinstance(found, WandbTracker)
    return found


# ---------------------------------------------------------------------- the run folder


def test_the_null_tracker_takes_everything(tmp_path: Path) -> None:
    tracker = Tracker()
    tracker.log({"loss": 1.0}, 1)
    tracker.images("sample", PICTURE, 1)
    tracker.table("samples", ["step"], [[1]])
    tracker.artifact("model", "model", tmp_path / "missing")
    tracker.close()
    tracker.close(ok=False)
    assert tracker.state() == {}


def test_log_and_samples_lie_in_the_run_folder(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.log({"model/gram": 0.25, "images": 8}, 1)
    log.log({"model/gram": float("nan"), "rate": float("inf")}, 2)
    log.images("sample", PICTURE, 2)
    assert lines(tmp_path) == [
        {"step": 1, "model/gram": 0.25, "images": 8},
        {"step": 2, "model/gram": None, "rate": None},
    ]
    assert samples(tmp_path) == ["sample-00000002.png"]
    with Image.open(tmp_path / "samples" / "sample-00000002.png") as picture:
        assert picture.tobytes() == PICTURE.tobytes()


def test_a_resumed_log_goes_on_after_the_checkpoint(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    for step in range(1, 7):
        log.log({"loss": step / 2}, step)
        log.images("sample", PICTURE, step)
        if step == 4:
            state = json.loads(json.dumps(log.state()))
    (tmp_path / "samples" / "mine.png").write_bytes(b"")
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 7, "lo')  # killed while writing
    resumed = RunLog(tmp_path, state)
    assert resumed.previous == 6
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4]
    assert samples(tmp_path) == ["mine.png", *(f"sample-{n:08d}.png" for n in range(1, 5))]
    resumed.log({"loss": 2.5}, 5)
    assert lines(tmp_path)[-1] == {"step": 5, "loss": 2.5}


def test_a_fresh_run_does_not_go_on_with_an_old_log(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.log({"loss": 1.0}, 1)
    log.images("sample", PICTURE, 1)
    RunLog(tmp_path)
    assert lines(tmp_path) == []
    assert samples(tmp_path) == []


# ---------------------------------------------------------------------- online, offline or off


def test_off_is_the_run_log_alone(tmp_path: Path) -> None:
    tracker = build_tracker(TrackingConfig(wandb="off"), "run", tmp_path, CONFIG)
    tracker.log({"loss": 1.0}, 1)
    tracker.close()
    assert isinstance(tracker, RunLog)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl", "samples"]


@pytest.mark.parametrize(
    ("environment", "netrc", "mode"),
    [
        ({}, "", "offline"),
        ({"WANDB_API_KEY": "k" * 40}, "", "online"),
        ({"WANDB_API_KEY": ""}, "", "offline"),
        ({"WANDB_API_KEY": "k" * 40, "WANDB_MODE": "offline"}, "", "offline"),
        ({"WANDB_MODE": "disabled"}, "", "off"),
        ({"WANDB_MODE": "nonsense"}, "", "offline"),
        ({}, "machine api.wandb.ai login user password k", "online"),
        ({}, "machine example.org login user password k", "offline"),
        ({"WANDB_BASE_URL": "https://w.org:8"}, "machine w.org:8 login u password k", "online"),
        ({}, "machine", "offline"),
        ({}, "\0\xff", "offline"),
    ],
)
def test_auto_is_online_only_with_a_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    netrc: str,
    mode: str,
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    if netrc:
        (tmp_path / "netrc").write_bytes(netrc.encode("latin-1"))
    assert wandb_mode(TrackingConfig()) == mode
    assert wandb_mode(TrackingConfig(wandb="online")) == "online"
    assert wandb_mode(TrackingConfig(wandb="off")) == "off"


# ---------------------------------------------------------------------- W&B itself, offline


def test_everything_is_in_the_offline_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"weights")
    run_dir = tmp_path / "a run"
    tracker = tracked(run_dir)
    for step in (20, 40):
        tracker.log({"model/gram": 1 / step, "images": 8 * step}, step)
    tracker.images("sample", PICTURE, 40)
    tracker.log({"validation/score": 0.5}, 40)
    grid = run_dir / "samples" / "sample-00000040.png"
    tracker.table("samples", ["step", "sample", "validation/score"], [[40, grid, 0.5]])
    tracker.artifact("model", "model", model, {"squares": 320, "validation": {"gram": 0.5}})
    tracker.artifact("größe/1", "style", model)
    tracker.close()
    model.write_bytes(b"overwritten by a longer run")

    (run,) = offline_runs(run_dir)
    assert (run.name, run.project, run.resumes, run.exit_code) == (
        "my run", "gan-style", False, 0,
    )  # fmt: skip
    assert run.id == tracker.state()["wandb"]["id"]
    assert {key: run.config[key] for key in CONFIG} == CONFIG
    assert run.metric("model/gram") == {20: 1 / 20, 40: 1 / 40}
    assert run.metric("images") == {20: 160, 40: 320}
    assert run.metric("validation/score") == {40: 0.5}
    with Image.open(run.images("sample")[40]) as picture:
        assert picture.tobytes() == PICTURE.tobytes()
    table, *artifacts = run.artifacts
    assert [(a["name"], a["type"]) for a in artifacts] == [
        ("my-run-model", "model"),
        ("my-run-gr-e-1", "style"),
    ]
    assert artifacts[0]["metadata"] == {"squares": 320, "validation": {"gram": 0.5}}
    shown = json.loads(table["files"]["samples.table.json"].read_text(encoding="utf-8"))
    assert shown["columns"] == ["step", "sample", "validation/score"]
    ((step, picture, score),) = shown["data"]
    assert (step, picture["width"], score) == (40, 40, 0.5)
    (kept,) = {path for artifact in artifacts for path in artifact["files"].values()}
    assert kept.read_bytes() == b"weights"
    assert kept.is_relative_to(run_dir)
    assert capfd.readouterr() == ("", "")  # W&B itself prints nothing
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("gan_style")]
    assert ours == [
        "W&B is offline; to upload this run later: "
        f"wandb sync '{run_dir.resolve()}/wandb'/offline-run-*-{run.id}*"
    ]


def test_artifacts_can_be_left_out(tmp_path: Path) -> None:
    config = TrackingConfig(wandb="offline", artifacts=False)
    tracker = build_tracker(config, "my run", tmp_path, CONFIG)
    tracker.log({"loss": 1.0}, 1)
    tracker.artifact("model", "model", tmp_path / "log.jsonl")
    tracker.close()
    (run,) = offline_runs(tmp_path)
    assert (run.artifacts, run.metric("loss")) == ([], {1: 1.0})


def test_in_a_sweep_the_server_has_chosen_id_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_RUN_ID", "job1")
    wandb = fake_wandb()
    given: dict[str, Any] = {}
    monkeypatch.setattr(wandb, "init", lambda **named: given.update(named) or wandb.run)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    tracker = tracked(tmp_path)
    tracker.close()
    assert tracker.state()["wandb"]["id"] == "job1"
    assert not given.keys() & {"id", "project", "entity"}


@pytest.mark.parametrize("trouble", [False, True])
def test_a_run_declares_the_artifact_that_it_began_with(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: bool,
) -> None:
    wandb = fake_wandb()
    used: list[str] = []

    def use_artifact(address: str) -> None:
        used.append(address)
        if trouble:
            fail()

    monkeypatch.setattr(wandb.run, "use_artifact", use_artifact, raising=False)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    address = "wandb:me/gan-style/mine-model:v3"
    began = {"train": {"init": address}}
    tracker = WandbTracker(TrackingConfig(wandb="online"), "run", tmp_path, began)
    tracker.log({"loss": 2.0}, 1)
    tracker.close()
    assert used == ["me/gan-style/mine-model:v3"]
    assert wandb.run.logged == [(1, {"loss": 2.0})]
    warned = [line for line in caplog.messages if "does not show" in line]
    told = f"W&B does not show that the run began with {address}: No space left on device"
    assert warned == ([told] if trouble else [])


def test_a_resumed_run_keeps_its_id_and_repeats_no_step(tmp_path: Path) -> None:
    first = tracked(tmp_path)
    for step in (1, 2, 3, 4):
        first.log({"loss": float(step)}, step)
        if step == 2:
            state = json.loads(json.dumps(first.state()))
    first.close(ok=False)
    second = tracked(tmp_path, state)
    for step in (3, 4, 5, 6):  # 3 and 4 again
        second.log({"loss": float(step)}, step)
        second.images("sample", PICTURE, step)
        if step == 4:
            state = second.state()
    second.close()
    third = tracked(tmp_path, state)
    third.log({"loss": 7.0}, 7)
    third.close()

    pieces = sorted(offline_runs(tmp_path), key=lambda piece: piece.history[0]["_step"])
    assert [piece.id for piece in pieces] == [state["wandb"]["id"]] * 3
    assert [piece.resumes for piece in pieces] == [False, True, True]
    assert [sorted(piece.metric("loss")) for piece in pieces] == [[1, 2, 3, 4], [5, 6], [7]]
    assert sorted(pieces[1].images("sample")) == [5, 6]
    assert [piece.exit_code for piece in pieces] == [1, 0, 0]
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 7]


def test_going_on_in_another_folder_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", fake_wandb())
    first = tracked(tmp_path / "first")
    first.log({"loss": 1.0}, 1)
    other = tracked(tmp_path / "other", first.state())
    assert mirror(other).id != mirror(first).id
    first.close()
    other.close()


# ---------------------------------------------------------------------- W&B broken


class FakeRun:
    """A run that keeps what it is given, and that calls `trouble` at one moment."""

    url = "https://example.org/run"

    def __init__(self, moment: str, trouble: Callable[[], None]) -> None:
        self.moment, self.trouble = moment, trouble
        self.logged: list[tuple[int, Any]] = []

    def _reach(self, moment: str) -> None:
        if moment == self.moment:
            self.trouble()

    def log(self, values: dict[str, Any], step: int) -> None:
        self._reach("log")
        self.logged.append((step, values))

    def log_artifact(self, artifact: Any) -> None:
        self._reach("artifact")

    def finish(self, exit_code: int) -> None:
        self._reach("finish")


def fake_wandb(moment: str = "", trouble: Callable[[], None] = lambda: None) -> ModuleType:
    module = ModuleType("wandb")
    run = FakeRun(moment, trouble)

    def at(name: str, result: Any) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            run._reach(name)
            return result

        return call

    contents = {
        "run": run,
        "Settings": at("settings", None),
        "setup": at("setup", SimpleNamespace()),
        "init": at("init", run),
        "Image": at("image", "picture"),
        "Artifact": at("artifact", SimpleNamespace(add_file=lambda *a, **k: None)),
        "teardown": at("teardown", None),
    }
    for name, value in contents.items():
        setattr(module, name, value)
    return module


def fail() -> None:
    raise OSError("No space left on device\nand much more")


def leave() -> None:
    raise SystemExit(1)


def a_whole_run(run_dir: Path) -> None:
    """Track everything, and check that the run folder has it."""
    run_dir.mkdir(exist_ok=True)
    (run_dir / "model").write_bytes(b"")
    tracker = tracked(run_dir)
    for step in range(1, 6):
        tracker.log({"loss": 1.0}, step)
        tracker.images("sample", PICTURE, step)
    tracker.artifact("model", "model", run_dir / "model")
    tracker.close()
    assert [line["step"] for line in lines(run_dir)] == [1, 2, 3, 4, 5]
    assert len(samples(run_dir)) == 5


MOMENTS = ("settings", "setup", "init", "log", "image", "artifact", "finish")


@pytest.mark.parametrize("trouble", [fail, leave])
@pytest.mark.parametrize("moment", MOMENTS)
def test_trouble_is_one_line_and_the_run_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    moment: str,
    trouble: Callable[[], None],
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", fake_wandb(moment, trouble))
    a_whole_run(tmp_path)
    reason = "No space left on device" if trouble is fail else "1"
    assert caplog.messages == [f"W&B is off ({reason}); the run folder has everything"]


def test_without_wandb_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    a_whole_run(tmp_path)
    (line,) = caplog.messages
    assert line.startswith("W&B is off (import of wandb halted")


@pytest.mark.parametrize("moment", ["init", "log", "image", "artifact", "finish"])
def test_hanging_is_waited_for_only_so_long(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    moment: str,
) -> None:
    release = threading.Event()
    killed: list[bool] = []
    process = SimpleNamespace(kill=lambda: (killed.append(True), release.set()))
    service = SimpleNamespace(_proc=SimpleNamespace(_process=process))
    wandb = fake_wandb(moment, lambda: release.wait(30) and fail())
    monkeypatch.setattr(
        wandb, "setup", lambda *_: SimpleNamespace(_connection=service), raising=False
    )
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setattr(tracking, "FINISH_SECONDS", -1.9)  # with its 2 seconds more, 0.1
    a_whole_run(tmp_path)
    assert killed
    assert caplog.messages[0].startswith("W&B is off (not finished after")


def test_a_queue_that_fills_up_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    monkeypatch.setitem(sys.modules, "wandb", fake_wandb("log", lambda: release.wait(30) and None))
    monkeypatch.setattr(tracking, "WAITING_JOBS", 5)
    tracker = tracked(tmp_path)
    for step in range(100):
        tracker.log({"loss": 1.0}, step)
    release.set()
    tracker.close()
    assert len(lines(tmp_path)) == 100
    assert caplog.messages[0].startswith("W&B is off (it does not keep up)")


def test_unreachable_online_goes_on_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wandb: Any = fake_wandb()
    modes: list[str] = []

    def init(**settings: Any) -> Any:
        modes.append(settings["mode"])
        if settings["mode"] == "online":
            raise TimeoutError("no answer")
        return wandb.run

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    tracker = WandbTracker(TrackingConfig(wandb="online"), "run", tmp_path, CONFIG)
    tracker.log({"loss": 2.0}, 1)
    tracker.close()
    assert modes == ["online", "offline"]
    assert wandb.run.logged == [(1, {"loss": 2.0})]
    first, second = caplog.messages
    assert first == "W&B cannot be reached and runs offline: no answer"
    assert second.startswith("W&B is offline; to upload")


def test_online_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", fake_wandb())
    WandbTracker(TrackingConfig(wandb="online"), "run", tmp_path, CONFIG).close()
    assert caplog.messages == ["W&B shows this run at https://example.org/run"]


# The real wandb-core is killed or stopped in the middle; the program must end well, and quietly.
BROKEN_CORE = """
import logging, os, sys, time
from pathlib import Path
from gan_style.training import tracking
from gan_style.config import TrackingConfig

logging.basicConfig(format="%(message)s", stream=sys.stdout)
tracking.FINISH_SECONDS = -1.0
tracker = tracking.build_tracker(TrackingConfig(), "run", Path(sys.argv[2]), {})
wandb = tracker.trackers[1]
tracker.log({"loss": 1.0}, 1)
while wandb._core is None or wandb._jobs.qsize():
    time.sleep(0.02)
os.kill(wandb._core.pid, int(sys.argv[1]))
for step in range(2, 100):
    tracker.log({"loss": 1.0}, step)
    time.sleep(0.002)
tracker.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_hung_wandb_core_harms_nothing(tmp_path: Path, number: int) -> None:
    began = time.monotonic()
    command = [sys.executable, "-c", BROKEN_CORE, str(int(number)), str(tmp_path)]
    own = {k: v for k, v in os.environ.items() if k != "WANDB_SERVICE"}  # not these tests' core
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=200, check=False, env=own
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(lines(tmp_path)) == 99
    (line,) = done.stdout.splitlines()
    assert line.startswith("W&B is off (")
    assert time.monotonic() - began < 200
