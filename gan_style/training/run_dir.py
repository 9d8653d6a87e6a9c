"""A run's folder: where it is, what it goes on from, and what explains it."""

import platform
import re
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from gan_style.checkpoint import newest_checkpoint
from gan_style.config import Config
from gan_style.errors import ConfigError


def resume_source(config: Config) -> Path | None:
    """The checkpoint to go on from, or None for a fresh run."""
    wanted = config.train.resume
    if wanted.lower() in ("true", "false"):  # as other options take them
        wanted = wanted.lower()
    if wanted in ("", "false"):
        return None
    place = Path(config.run.dir if wanted == "true" else wanted)
    if wanted == "true" and not config.run.dir:
        raise ConfigError(
            "train.resume=true needs run.dir=FOLDER, or name the folder: train.resume=FOLDER"
        )
    if place.is_file():
        return place
    folder = place / "checkpoints"
    newest = newest_checkpoint(folder)
    if newest is None:
        raise ConfigError(f"train.resume: no checkpoint that can be read in {folder}")
    return newest


def run_folder(config: Config, source: Path | None) -> Path:
    """`run.dir`, else that of the checkpoint gone on from, else a fresh one under runs/."""
    if config.run.dir:
        folder = Path(config.run.dir)
        taken = folder / "checkpoints"
        if source is None and taken.is_dir() and any(taken.iterdir()):
            raise ConfigError(
                f"run.dir {folder} holds a run already; go on with train.resume=true, "
                "or choose another"
            )
        return folder
    if source is not None:
        return source.parent.parent
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = re.sub(r"[^\w.-]+", "-", config.run.name or Path(config.data.styles).name) or "run"
    return Path("runs") / f"{stamp}-{name}"


def environment(device: torch.device, precision: str) -> str:
    """Versions, device and command, a line each."""
    lines = [f"python {platform.python_version()}", f"system {platform.platform()}"]
    for package in ("gan-style", "torch", "torchvision", "numpy", "pillow", "wandb", "omegaconf"):
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package} not installed")
    lines += [
        f"device {device}",
        f"precision {precision}",
        f"threads {torch.get_num_threads()}",
        f"command {' '.join(sys.argv)}",
    ]
    return "\n".join(lines) + "\n"
