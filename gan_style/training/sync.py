"""A run in Weights & Biases, made again from the run folder.

The folder's log.jsonl has every number and samples/ every picture, whatever became of the W&B run
beside them: training offline, a network that failed, a run that was deleted by mistake.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from shlex import quote
from typing import Any

import yaml

from gan_style.checkpoint import CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.config import TrackingConfig
from gan_style.errors import CheckpointError, ConfigError, RemoteError
from gan_style.remote.account import require_wandb_key
from gan_style.training.run_history import SAMPLES, RunHistory
from gan_style.training.tracking import WANDB_SETTINGS, wandb_mode, wandb_table

logger = logging.getLogger(__name__)

FINISH_SECONDS = 600.0  # the longest wait for the upload, after all has been handed over


@dataclass(frozen=True)
class Synced:
    """What was sent, and where it is: an address, or a folder to upload with `wandb sync`.

    trained_id: of the W&B run that training itself began, if a checkpoint knows it.
    """

    id: str
    place: str
    offline: bool
    steps: int
    pictures: int
    torn: int
    trained_id: str | None

    def lines(self) -> list[str]:
        """For people."""
        sent = f"{_counted(self.steps, 'step')} and {_counted(self.pictures, 'picture')}"
        lines = [f"sent {sent} as run {self.id}"]
        if self.torn:
            lines.append(f"left out {_counted(self.torn, 'torn line')} of the log")
        if self.trained_id not in (None, self.id):
            lines.append(
                f"training itself tracked run {self.trained_id}; to replace it, sync with "
                f"--id {self.trained_id}"
            )
        if self.offline:
            return [*lines, f"it is offline; upload it with\n  wandb sync {quote(self.place)}"]
        return [*lines, f"it is shown at {self.place}"]


def sync_run(
    folder: Path, *, entity: str | None = None, project: str | None = None, id: str | None = None
) -> Synced:
    """Send a run folder's numbers, pictures and configuration to W&B, as one whole run.

    With WANDB_MODE=offline they are written into the folder's wandb/ and stay there.

    Args:
        folder: of the run, which may still be training.
        entity: user or team; None: that of the run's configuration, or the key's own.
        project: None: that of the run's configuration.
        id: of the run, which is replaced if there is one; None: a new one.

    Raises:
        ConfigError: no run folder, or W&B is turned off by WANDB_MODE.
        RemoteError: no key, no server, or a server that refuses.
    """
    history = RunHistory.read(folder)
    if not history.numbers and not history.pictures:
        raise ConfigError(f"{folder} has nothing to send yet: no numbers and no pictures")
    offline = _is_offline()
    config = _config_of(folder)
    tracking = _section(config, "tracking")
    about = {
        "entity": entity or tracking.get("entity"),
        "project": project or tracking.get("project") or TrackingConfig().project,
        "id": id or token_hex(4),
        "name": _section(config, "run").get("name") or folder.resolve().name,
        "config": config,
        "dir": str(folder.resolve()),
        "mode": "offline" if offline else "online",
    }
    place = _send(history, about)
    return Synced(
        id=str(about["id"]),
        place=place,
        offline=offline,
        steps=len(history.numbers),
        pictures=len(history.pictures),
        torn=history.torn,
        trained_id=_trained_id(folder),
    )


def _send(history: RunHistory, about: Mapping[str, Any]) -> str:
    """Do it, and return where it is."""
    import wandb

    longest: dict[str, Any] = {"finish_timeout": FINISH_SECONDS, "x_graphql_timeout_seconds": 30.0}
    try:
        settings = wandb.Settings(**WANDB_SETTINGS | longest)
        wandb.setup(settings)  # or it would report how it logs in
        run = wandb.init(**about, settings=settings)
        try:
            for step, values in _by_step(history, wandb):
                run.log(values, step=step)
        except BaseException:
            run.finish(exit_code=1)
            raise
        place = run.settings.sync_dir if about["mode"] == "offline" else run.url
        run.finish()
    except Exception as error:  # the library's own, and those of several others
        reason = str(error).strip().partition("\n")[0]
        raise RemoteError(f"W&B did not take the run: {reason}") from error
    finally:
        with suppress(Exception):
            wandb.teardown()
    return str(place)


def _by_step(history: RunHistory, wandb: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Everything of a step at once, in order: W&B takes no step that is lower than the last."""
    pictures: dict[int, dict[str, Any]] = {}
    for step, name, path in history.pictures:
        pictures.setdefault(step, {})[name] = path
    steps = sorted(history.numbers.keys() | pictures.keys())
    for step in steps:
        values: dict[str, Any] = dict(history.numbers.get(step, {}))
        shown = pictures.get(step, {})
        values |= {name: wandb.Image(str(path)) for name, path in shown.items()}
        if step == steps[-1] and (table := history.sample_table())[1]:
            values[SAMPLES] = wandb_table(wandb, *table)
        yield step, values


def _is_offline() -> bool:
    wanted = os.environ.get("WANDB_MODE", "")
    if wandb_mode(TrackingConfig()) == "off":
        raise ConfigError(f"WANDB_MODE is {wanted}; to sync it must be online or offline")
    if wanted in ("offline", "dryrun"):
        return True
    require_wandb_key("the run cannot be sent")
    return False


def _config_of(folder: Path) -> dict[str, Any]:
    """config.yaml as it is, also of a version with other options; empty where there is none."""
    path = folder / "config.yaml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).partition("\n")[0]
        logger.warning("sent without its configuration, which cannot be read: %s", reason)
        return {}
    return found if isinstance(found, dict) else {}


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def _trained_id(folder: Path) -> str | None:
    newest = newest_checkpoint(folder / CHECKPOINTS)
    with suppress(CheckpointError, LookupError, TypeError, AttributeError):
        if newest is not None:
            found = load_checkpoint(newest)[1]["tracker"].get("wandb", {}).get("id")
            return None if found is None else str(found)
    return None


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
