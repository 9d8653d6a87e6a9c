"""Tiny runs to which faults come: how they go on, what has to be whole, when two are the same."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load

from gan_style.checkpoint import BEST_FILE, CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.cli.main import main
from gan_style.config import load_config
from gan_style.data.dataset import Batch
from gan_style.models.style_model import MODEL_FILE
from gan_style.pretrained import read_model
from gan_style.shipped import STYLES
from gan_style.style_code import StyleCode
from gan_style.training.run_history import LOG_FILE, SAMPLES
from gan_style.training.trainer import Trainer

_OF_THE_CLOCK = {"minutes", "images_per_second", "memory_gb"}  # and of the machine


def words_of(collection: Path, folder: Path, *more: str) -> list[str]:
    """The words of a command that trains three steps in a second, with a checkpoint at each."""
    return [
        "train",
        f"data.styles={collection / 'styles' / 'ink'}",
        f"data.content={collection / 'photos'}",
        *("data.size=32", "data.crop=32", "data.max_examples=2"),
        *("model.code_dim=8", "model.supersampling=1", "tracking.wandb=off"),
        *("train.init=null", "train.minutes=null", "train.steps=3", "train.batch_size=2"),
        *("train.warmup=0", "train.device=cpu", "train.precision=float32"),
        *("run.log_every=1", "run.sample_every=2", "run.checkpoint_every=1", *more),
        f"run.dir={folder}",
    ]


def go_on(words: list[str]) -> int:
    """Resume as the documentation says; where nothing is saved yet, the same command again."""
    folder = Path(words[-1].removeprefix("run.dir="))
    if newest_checkpoint(folder / CHECKPOINTS) is not None:
        return main(["train", str(folder / "config.yaml"), words[-1], "train.resume=true"])
    assert main([*words, "train.resume=true"]) == 2
    return main(words)


def require_whole(folder: Path) -> None:
    """Fail unless every file with a name of its own is whole, and the best model is known."""
    checkpoints = [*(folder / CHECKPOINTS).glob("[!.]*")]
    for path in checkpoints:
        load_checkpoint(path)
    newest = newest_checkpoint(folder / CHECKPOINTS)
    if newest is not None:
        load_config(str(folder / "config.yaml"))
        step = load_checkpoint(newest)[1]["best"]["step"]
        # where the newest is the best, that file is written second: resuming makes it anew
        if newest.name != f"step-{step:08d}.safetensors":
            assert load_checkpoint(newest.with_name(BEST_FILE))[1]["best"]["step"] == step
    for path in (folder / SAMPLES).glob("[!.]*"):
        with Image.open(path) as picture:
            picture.load()
    for path in (folder / STYLES).glob("[!.]*"):
        StyleCode.load(path)
    for path in folder.glob("[!.]*.json"):
        json.loads(path.read_text(encoding="utf-8"))


def left_over(folder: Path) -> list[Path]:
    """Files that were to take the place of others."""
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


@dataclass(frozen=True)
class Finished:
    """What a run has made: the same for two that trained the same.

    losses: the log without what the clock says. weights: digests of tensors, by file.
    """

    losses: list[dict[str, Any]]
    weights: dict[str, str]
    best_step: int
    files: list[str]

    @classmethod
    def of(cls, folder: Path) -> "Finished":
        lines = (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        files = [*folder.rglob("*.safetensors")]
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        assert read_model(folder / MODEL_FILE)
        return cls(
            [{k: v for k, v in row.items() if k not in _OF_THE_CLOCK} for row in rows],
            {path.relative_to(folder).as_posix(): _digest(path) for path in files},
            load_checkpoint(folder / CHECKPOINTS / BEST_FILE)[1]["best"]["step"],
            sorted(names),
        )


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    for name, values in sorted(load(path.read_bytes()).items()):
        total.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        total.update(values.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


# ---------------------------------------------------------------------- work with faults of its own


def without_work(words: list[str]) -> int:
    """A command that is to be refused before it reads a picture or a model."""
    from gan_style.data import training_data
    from gan_style.stylizer import Stylizer

    def begin(*given: Any, **named: Any) -> Any:
        raise AssertionError("the work has begun")

    training_data.read_each = begin
    Stylizer.from_pretrained = begin  # type: ignore[method-assign,assignment]
    return main(words)


def with_clock_going_back(words: list[str]) -> int:
    """Go on while each look at the clock shows an hour earlier than the one before."""
    looks = count(1)
    time_ns = time.time_ns
    time.time_ns = lambda: time_ns() - 3_600_000_000_000 * next(looks)
    time.time = lambda: time.time_ns() / 1e9
    return go_on(words)


def after_step(words: list[str], number: int, change: Callable[..., None], *given: Any) -> int:
    """Train; when so many steps are done, something happens."""
    take = Trainer.step

    def step(self: Trainer, *batch: Any) -> Any:
        terms = take(self, *batch)
        if self.steps_done == number:
            change(*given)
        return terms

    Trainer.step = step  # type: ignore[method-assign]
    return main(words)


def lose(paths: list[Path]) -> None:
    """Delete pictures."""
    for path in paths:
        path.unlink()


def spoil(paths: list[Path]) -> None:
    """Put broken pictures in the place of others."""
    for path in paths:
        path.write_bytes(path.read_bytes()[:100])


def with_bad_batches(words: list[str], first: int, last: int) -> int:
    """Train, with a pixel that is no number in the batches of some steps."""
    take = Trainer.step

    def step(self: Trainer, batch: Batch, *given: Any) -> Any:
        if first <= self.steps_done < last:
            content = batch.content.clone()
            content[0, 0, 0, 0] = float("nan")
            batch = replace(batch, content=content)
        return take(self, batch, *given)

    Trainer.step = step  # type: ignore[method-assign]
    return main(words)


def roughly(words: list[str]) -> int:
    """A command; a model that has learned nothing may be exported, whose numbers are large."""
    from gan_style.sharing import onnx_export

    onnx_export.TOLERANCE = 0.1
    return main(words)
