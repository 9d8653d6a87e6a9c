"""A sweep in W&B, whose server chooses the parameters: this machine trains what it is told."""

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from gan_style.errors import RemoteError
from gan_style.training.sweep import Sweep
from gan_style.training.tracking import WANDB_SETTINGS

logger = logging.getLogger(__name__)


def run_agent(sweep: Sweep, count: int | None, project: str, entity: str | None) -> None:
    """Create the sweep in W&B, and train what it asks for; other machines may join.

    Args:
        sweep: takes the runs.
        count: of runs on this machine; None: until the server has no more.
        project: in W&B.
        entity: user or team in W&B; None: the key's own.

    Raises:
        RemoteError: the server cannot be reached, or refuses.
    """
    import wandb

    def train() -> None:
        number = len(sweep.results) + 1
        title = f"run {number}" + (f" of {count}" if count else "")
        sweep.run(sweep.fresh_folder(), _asked_for(), title)

    before = os.environ.get("WANDB_DIR")
    os.environ["WANDB_DIR"] = str(
        sweep.folder.resolve()
    )  # or the agent would write to where we are
    try:
        wandb.setup(wandb.Settings(**WANDB_SETTINGS))
        sweep.folder.mkdir(parents=True, exist_ok=True)
        name = wandb.sweep(_settings(sweep), entity=entity, project=project)
        logger.info("to join in on another machine: wandb agent %s/%s", project, name)
        wandb.agent(name, function=train, entity=entity, project=project, count=count)
    except Exception as error:  # the library's own, and those of several others
        reason = str(error).strip().partition("\n")[0]
        raise RemoteError(
            f"W&B did not take the sweep: {reason}; WANDB_MODE=offline searches on this machine"
        ) from error
    finally:
        os.environ.pop("WANDB_DIR")
        if before is not None:
            os.environ["WANDB_DIR"] = before
        with suppress(Exception):
            wandb.teardown()


def _settings(sweep: Sweep) -> dict[str, Any]:
    """The file's, with the command that agents on other machines run."""
    start = ["${env}", "${interpreter}", "-m", "gan_style", "train", f"data.styles={sweep.styles}"]
    settings = {key: value for key, value in sweep.file.settings.items() if key != "program"}
    return {**settings, "name": sweep.file.name, "command": [*start, "${args_no_hyphens}"]}


def _asked_for() -> Mapping[str, Any]:
    """The parameters of the run that the agent is about to start, from the file it has written."""
    path = Path(os.environ["WANDB_SWEEP_PARAM_PATH"])
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: about["value"] for name, about in written.items() if isinstance(about, dict)}
