"""Tracking of a run: in its folder, always, and in Weights & Biases, which mirrors it.

Offline and resumed (wandb >= 0.31; before, `resume` was forgotten offline, its issues 2423, 4624):
every start writes one more folder wandb/offline-run-<time>-<id>. Checkpoints hold the id, so that
all pieces have it, and all but the first say that they resume: one `wandb sync` of all (--append
is gone) uploads them in order of time, each after the one before. But it moves steps that the
server has already to later numbers, and online they are dropped. So what training repeats after a
crash, the steps since the checkpoint, is not sent again.
"""

import atexit
import json
import logging
import math
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any

from PIL import Image

from gan_style.config import TrackingConfig
from gan_style.data.images import save_picture
from gan_style.files import append_line, replacing
from gan_style.remote.account import has_wandb_key
from gan_style.training.run_history import LOG_FILE, SAMPLES

logger = logging.getLogger(__name__)

FINISH_SECONDS = 90.0  # the longest wait at the end, for what is not uploaded yet
WAITING_JOBS = 1000
WANDB_SETTINGS: dict[str, Any] = {
    "console": "off", "silent": True, "show_errors": False, "save_code": False,
    "disable_git": True, "x_disable_stats": True, "reinit": "create_new",
    "init_timeout": 30.0, "login_timeout": 30.0, "finish_timeout_raises": True,
    "finish_timeout": FINISH_SECONDS, "x_transaction_log_flush_interval": 2.0,
}  # fmt: skip


class Tracker:
    """Takes everything and does nothing."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Record numbers by name; steps do not decrease."""

    def images(self, name: str, picture: Image.Image, step: int) -> None:
        """Keep a picture, such as a grid of samples."""

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Keep a table of numbers and pictures; a path in it is that of a picture's file."""

    def artifact(
        self, name: str, kind: str, path: Path, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Keep a result, such as the model (`kind` "model") or a style code ("style")."""

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold for the next tracker to go on from here."""
        return {}

    def close(self, ok: bool = True) -> None:
        """End the tracking; `ok` says whether the run came to its end. Twice does no harm."""


class Trackers(Tracker):
    """Several trackers as one."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self.trackers = tuple(trackers)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        for tracker in self.trackers:
            tracker.log(metrics, step)

    def images(self, name: str, picture: Image.Image, step: int) -> None:
        for tracker in self.trackers:
            tracker.images(name, picture, step)

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        for tracker in self.trackers:
            tracker.table(name, columns, rows)

    def artifact(
        self, name: str, kind: str, path: Path, metadata: Mapping[str, Any] | None = None
    ) -> None:
        for tracker in self.trackers:
            tracker.artifact(name, kind, path, metadata)

    def state(self) -> dict[str, Any]:
        return {key: value for t in self.trackers for key, value in t.state().items()}

    def close(self, ok: bool = True) -> None:
        for tracker in self.trackers:
            tracker.close(ok)


class RunLog(Tracker):
    """The run folder: log.jsonl, one line of numbers a call, and samples/<name>-<step>.png.

    A resumed run (`state` from its checkpoint) goes on after the checkpoint's last line: later
    lines and pictures, which training will make again, are deleted; without a state, all of them.
    """

    def __init__(self, run_dir: Path, state: Mapping[str, Any] | None = None) -> None:
        self.path = run_dir / LOG_FILE
        self.samples = run_dir / SAMPLES
        self.samples.mkdir(parents=True, exist_ok=True)
        known = (state or {}).get("log", {})
        self.step: int = known.get("step", -1)
        self._lines = 0
        self.previous = self._cut(known.get("lines"))  # last step there was, -1 if none

    def _cut(self, most: int | None) -> int:
        """Keep the lines up to `self.step`, and of these the first `most`, or all."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        steps = [_step_of(line) for line in lines]
        kept = [line for line, step in zip(lines, steps, strict=True) if 0 <= step <= self.step]
        kept = kept[:most]
        self._lines = len(kept)
        with replacing(self.path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        for picture in self.samples.glob(f"*-{'[0-9]' * 8}.png"):
            if int(picture.stem[-8:]) > self.step:
                picture.unlink()
        return max(steps, default=-1)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        numbers = {k: v if math.isfinite(v) else None for k, v in metrics.items()}
        append_line(self.path, json.dumps({"step": step, **numbers}))
        self._lines += 1
        self.step = max(self.step, step)

    def images(self, name: str, picture: Image.Image, step: int) -> None:
        save_picture(picture, self.samples / f"{name}-{step:08d}.png")
        self.step = max(self.step, step)

    def state(self) -> dict[str, Any]:
        return {"log": {"step": self.step, "lines": self._lines}}


class WandbTracker(Tracker):
    """Weights & Biases, apart from the training: nothing that it does stops or slows that.

    A thread takes jobs from a queue, where the training leaves them. Whatever goes wrong (import,
    start, a call, a killed or hung wandb-core, a full queue) is logged in one line and ends this
    tracker alone. Its files lie in run_dir/wandb, with a copy of each artifact as it was.

    Args:
        state: of a checkpoint; the run goes on under the same id.
        after: last step that W&B has already, -1 for none; up to there nothing is sent.
    """

    def __init__(
        self,
        config: TrackingConfig,
        run_name: str,
        run_dir: Path,
        run_config: dict[str, Any],
        state: Mapping[str, Any] | None = None,
        *,
        after: int = -1,
    ) -> None:
        known = (state or {}).get("wandb", {})
        sweep = bool(os.environ.get("WANDB_SWEEP_ID"))  # whose server has chosen the place
        given = os.environ.get("WANDB_RUN_ID") if sweep else None
        self.id: str = known.get("id") or given or secrets.token_hex(4)
        self.mode = wandb_mode(config)
        self.folder = run_dir.resolve() / "wandb"
        self._skipped = self.step = int(max(after, known.get("step", -1)))
        self._keeps_artifacts = config.artifacts
        self._about: dict[str, Any] = {"name": run_name, "resume": "allow" if known else None}
        if not sweep:
            self._about |= {"id": self.id, "project": config.project, "entity": config.entity}
        self._about |= {"dir": str(self.folder.parent), "config": run_config}
        self._off, self._exit_code = False, 0
        self._core: Any = None  # the process wandb-core
        self._jobs: Queue[Callable[[Any, Any], object] | None] = Queue(WAITING_JOBS)
        self._thread = Thread(target=self._work, name="wandb", daemon=True)
        self._thread.start()

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        numbers = dict(metrics)
        if self._is_new(step):
            self._put(lambda wandb, run: run.log(numbers, step=step))

    def images(self, name: str, picture: Image.Image, step: int) -> None:
        if self._is_new(step):
            self._put(lambda wandb, run: run.log({name: wandb.Image(picture)}, step=step))

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        step = self.step
        if rows and step > self._skipped:
            self._put(lambda w, run: run.log({name: wandb_table(w, columns, rows)}, step=step))

    def artifact(
        self, name: str, kind: str, path: Path, metadata: Mapping[str, Any] | None = None
    ) -> None:
        if not self._keeps_artifacts:
            return
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{self._about['name']}-{name}")[:128]
        copy = self.folder / "artifacts" / f"{max(self.step, 0):08d}" / path.name

        def job(wandb: Any, run: Any) -> None:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            artifact = wandb.Artifact(name, type=kind, metadata=dict(metadata or {}))
            artifact.add_file(str(copy), name=path.name, policy="immutable")  # no further copy
            run.log_artifact(artifact)

        self._put(job)

    def state(self) -> dict[str, Any]:
        return {"wandb": {"id": self.id, "step": self.step}}

    def close(self, ok: bool = True) -> None:
        atexit.unregister(self.close)
        self._exit_code = 0 if ok else 1
        self._put(None)
        self._thread.join(FINISH_SECONDS + 2)  # W&B itself gives up first, if it can
        if self._thread.is_alive():
            self._fail(f"not finished after {FINISH_SECONDS:.0f} seconds", kill=True)
            self._thread.join(2)
        elif self.mode == "offline" and not self._off:
            pieces = f"{shlex.quote(str(self.folder))}/offline-run-*-{self.id}*"
            logger.info("W&B is offline; to upload this run later: wandb sync %s", pieces)
        self._off = True

    def _is_new(self, step: int) -> bool:
        self.step = max(self.step, step)
        return step > self._skipped

    def _put(self, job: Callable[[Any, Any], object] | None) -> None:
        if not self._off:
            try:
                self._jobs.put_nowait(job)
            except Full:
                self._fail("it does not keep up", kill=True)

    def _fail(self, reason: object, *, kill: bool = False) -> None:
        if not self._off:
            self._off = True
            logger.warning("W&B is off (%s); the run folder has everything", _brief(reason))
        if kill and self._core is not None:
            self._core.kill()  # the thread, which waits for it, wakes up

    def _work(self) -> None:
        try:
            import wandb

            run = self._start(wandb)
            atexit.register(self.close, ok=False)  # before W&B's own, which may hang
            while not self._off and (job := self._jobs.get()) is not None:
                job(wandb, run)
            run.finish(exit_code=self._exit_code)
        except BaseException as error:
            self._fail(error)
        if self._off:
            with suppress(BaseException):
                wandb.teardown()  # or W&B would try again, loudly, when Python ends

    def _start(self, wandb: Any) -> Any:
        """Start online if that is the mode and the server can be reached, else offline."""
        settings = wandb.Settings(**WANDB_SETTINGS)
        with suppress(AttributeError):  # private, and not there if another started the service
            self._core = wandb.setup(settings)._connection._proc._process
        try:
            run = wandb.init(**self._about, mode=self.mode, settings=settings)
        except Exception as error:
            if self.mode == "offline":
                raise
            logger.warning("W&B cannot be reached and runs offline: %s", _brief(error))
            self.mode = "offline"
            wandb.teardown()
            return self._start(wandb)
        if self.mode == "online":
            logger.info("W&B shows this run at %s", run.url)
            self._declare_origin(run)
        return run

    def _declare_origin(self, run: Any) -> None:
        """Say which artifact the run begins with, if it is one: the lineage in W&B."""
        origin = str(self._about["config"].get("train", {}).get("init"))
        if origin.startswith("wandb:"):
            try:
                run.use_artifact(origin.removeprefix("wandb:"))
            except Exception as error:
                reason = _brief(error)
                logger.warning("W&B does not show that the run began with %s: %s", origin, reason)


def build_tracker(
    config: TrackingConfig,
    run_name: str,
    run_dir: Path,
    run_config: dict[str, Any],
    state: Mapping[str, Any] | None = None,
) -> Tracker:
    """Return the run folder's log and, unless it is off, W&B beside it.

    A run resumed in its folder keeps its id in W&B; one that goes on in a new folder is a new run.
    """
    log = RunLog(run_dir, state)
    if wandb_mode(config) == "off":
        return log
    after = log.previous if state else -1
    state = state if after >= 0 else None
    return Trackers([log, WandbTracker(config, run_name, run_dir, run_config, state, after=after)])


def wandb_mode(config: TrackingConfig) -> str:
    """Return "online", "offline" or "off"; auto follows WANDB_MODE, or whether there is a key."""
    if config.wandb != "auto":
        return config.wandb
    known = {"online": "online", "offline": "offline", "dryrun": "offline", "disabled": "off"}
    found = "online" if has_wandb_key() else "offline"
    return known.get(os.environ.get("WANDB_MODE", ""), found)


def wandb_table(wandb: Any, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """A table of W&B; paths become pictures."""
    data = [[wandb.Image(str(c)) if isinstance(c, Path) else c for c in row] for row in rows]
    return wandb.Table(columns=list(columns), data=data)


def _brief(reason: object) -> str:
    return (str(reason).strip() or type(reason).__name__).splitlines()[0]


def _step_of(line: str) -> int:
    """Step of a line of log.jsonl; -1 if the line is torn, as a killed run leaves it."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return -1
