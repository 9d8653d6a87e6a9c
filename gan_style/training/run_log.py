"""Additions to the log of a run that is finished."""

import json
from pathlib import Path

from PIL import Image

from gan_style.checkpoint import CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.config import config_to_dict, load_config
from gan_style.evaluation.scores import Scores
from gan_style.training.tracking import build_tracker


def log_to_run(run: Path, scores: Scores, sheet: Image.Image) -> None:
    """Add an evaluation to a run's log and, if the run used it, to Weights & Biases.

    It is logged one step after the last line. If training is resumed from a checkpoint, the line
    is removed from log.jsonl again, as it describes another model.

    Args:
        run: a run folder that no training is writing to.
        scores: the numbers.
        sheet: the contact sheet.
    """
    config = load_config(str(run / "config.yaml"))
    newest = newest_checkpoint(run / CHECKPOINTS)
    state = load_checkpoint(newest)[1].get("tracker", {}) if newest else {}
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    step = 1 + max((int(json.loads(line)["step"]) for line in lines), default=-1)
    name = config.run.name or run.name
    state = {**state, "log": {"step": step}}  # nothing is to be removed from the log itself
    tracker = build_tracker(config.tracking, name, run, config_to_dict(config), state)
    tracker.log({f"{scores.kind}/{key}": value for key, value in scores.values.items()}, step)
    tracker.images(scores.kind, sheet, step)
    tracker.close()
