"""The run folder: which it is, what a run is resumed from, and the files that describe the run."""

import platform
import re
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.config import Config, save_config
from gan_style.errors import ConfigError
from gan_style.files import remove_left_over, replacing
from gan_style.shipped import STYLES
from gan_style.training.run_history import SAMPLES


def resume_source(config: Config) -> Path | None:
    """The checkpoint to resume from, or None for a fresh run.

    Raises:
        ConfigError: `train.resume` leads to no checkpoint that can be read.
    """
    wanted = config.train.resume
    if wanted is None:
        return None
    if wanted.lower() == "true":  # however it is written, as with other options
        if config.run.dir is None:
            raise ConfigError(
                "train.resume=true needs run.dir=FOLDER, or name the folder: train.resume=FOLDER"
            )
        wanted = config.run.dir
    place = Path(wanted)
    if place.is_file():
        return place
    folder = place / CHECKPOINTS
    newest = newest_checkpoint(folder)
    if newest is None:
        raise ConfigError(f"train.resume: no checkpoint that can be read in {folder}")
    return newest


def run_folder(config: Config, source: Path | None) -> Path:
    """`run.dir`, or that of the checkpoint resumed from, or a fresh one under runs/.

    Raises:
        ConfigError: a fresh run is to use the folder of another one, or one whose name is no text.
    """
    if config.run.dir is not None:
        folder = Path(config.run.dir)
        if not _is_text(config.run.dir):  # safetensors opens no such path
            raise ConfigError(f"run.dir {folder} is not in UTF-8; choose another name")
        if source is None and any((folder / CHECKPOINTS).glob("[!.]*")):
            raise ConfigError(
                f"run.dir {folder} holds a run already; resume it with train.resume=true, "
                "or choose another folder"
            )
        return folder
    if source is not None:
        return source.parent.parent
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = re.sub(r"[^\w.-]+", "-", config.run.name or Path(config.data.styles or "").name)
    return Path("runs") / f"{stamp}-{name or 'run'}"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe_run(folder: Path, config: Config, device: torch.device, precision: str) -> None:
    """Write config.yaml and environment.txt into a run folder, which is made if need be.

    A new folder is for its owner alone: the command, which both files have, may hold secrets.
    """
    make_run_folder(folder)
    save_config(config, folder / "config.yaml")
    with replacing(folder / "environment.txt") as temporary:
        text = _environment(device, precision)
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def make_run_folder(folder: Path) -> None:
    """Make a run folder, unless it is there; a new one can be entered by its owner alone."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def clear_run_folder(folder: Path) -> None:
    """Delete what a run that was killed left of files that it was writing."""
    for place in (folder, folder / CHECKPOINTS, folder / SAMPLES, folder / STYLES):
        remove_left_over(place)


def _environment(device: torch.device, precision: str) -> str:
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
