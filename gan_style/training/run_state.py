"""Where a run stands: how it begins or is resumed, and what its checkpoints hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from gan_style.checkpoint import (
    BEST_FILE,
    CHECKPOINTS,
    flatten_state,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
    unflatten_state,
)
from gan_style.config import Config, config_to_dict
from gan_style.data.training_data import TrainingData
from gan_style.errors import CheckpointError, ConfigError
from gan_style.models.style_model import StyleModelConfig
from gan_style.pretrained import read_model
from gan_style.training.schedule import usual_squares
from gan_style.training.trainer import Trainer
from gan_style.training.validation import Best, Quality, measure_quality

_RENAMED = {"learnt": "learned"}  # in checkpoints of version 0.1


@dataclass
class RunState:
    """What a run keeps beside the trainer's state; checkpoints hold both.

    seconds: of training, without what is done before and after.
    best: checkpoint so far.
    before: quality of the model that the run began with; empty if it began from scratch.
    usual: squares that are usual for the collection; None if it began from scratch.
    tracker: the tracker's state at the checkpoint that was resumed from; None in a fresh run.
    """

    seconds: float = 0.0
    best: Best = field(default_factory=Best)
    before: Quality = field(default_factory=Quality)
    usual: int | None = None
    tracker: Mapping[str, Any] | None = None


def begin(config: Config, trainer: Trainer, data: TrainingData, source: Path | None) -> RunState:
    """Begin from scratch, with the networks of `train.init`, or where a checkpoint was saved.

    Args:
        config: of the run.
        trainer: a fresh one, which takes over networks, and of a checkpoint the rest, too.
        data: of the run.
        source: checkpoint to resume from; None for a fresh run.

    Raises:
        ConfigError: the checkpoint or model does not fit the configuration.
        ModelError, CheckpointError: it cannot be read.
    """
    usual = None if config.train.init is None else usual_squares(data.counts.values())
    if source is not None:
        return _resume(trainer, source, usual)
    if config.train.init is None:
        return RunState()
    _begin_with(trainer, config.train.init)
    return RunState(before=measure_quality(trainer, data), usual=usual)


def save_state(
    folder: Path, trainer: Trainer, state: RunState, tracker: Mapping[str, Any], *, best: bool
) -> None:
    """Save a checkpoint into a run folder, and delete those that are too many.

    Args:
        folder: of the run.
        trainer: whose state is saved.
        state: of the run.
        tracker: the tracker's state.
        best: whether to replace BEST_FILE, too.

    Raises:
        CheckpointError: it cannot be written.
    """
    checkpoints, config = folder / CHECKPOINTS, trainer.config
    tensors, skeleton = flatten_state(trainer.state_dict())
    metadata = {
        "kind": "checkpoint",
        "model": trainer.model_config.to_dict(),
        "config": config_to_dict(config),
        "state": skeleton,
        "seconds": state.seconds,
        "best": asdict(state.best),
        "before": asdict(state.before),
        "usual": state.usual,
        "tracker": dict(tracker),
    }
    file = checkpoints / f"step-{trainer.steps_done:08d}.safetensors"
    save_checkpoint(file, tensors, metadata)
    if best:
        _save_best(checkpoints, tensors, metadata)
    prune_checkpoints(checkpoints, config.run.keep)


def _save_best(
    checkpoints: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]
) -> None:
    averaged = {name: tensor for name, tensor in tensors.items() if name.startswith("average.")}
    save_checkpoint(checkpoints / BEST_FILE, averaged, metadata)


def load_best(folder: Path, trainer: Trainer) -> None:
    """Load the averaged model of the best checkpoint, if there is one, into the trainer's."""
    best = folder / CHECKPOINTS / BEST_FILE
    if best.is_file():
        trainer.average.load_state_dict(read_model(best).model)


def _resume(trainer: Trainer, source: Path, usual: int | None) -> RunState:
    """`usual` is that of the collection as it is now, which earlier versions did not save."""
    tensors, metadata = load_checkpoint(source)
    _refuse_other_model(str(source), read_model(source).config, trainer.model_config)
    try:
        trainer.load_state_dict(unflatten_state(tensors, metadata["state"]))
        state = RunState(
            seconds=float(metadata["seconds"]),
            best=Best(**metadata["best"]),
            before=Quality(**{_RENAMED.get(k, k): v for k, v in metadata["before"].items()}),
            usual=metadata.get("usual", usual),
            tracker=metadata["tracker"],
        )
    except (KeyError, TypeError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]  # torch lists every tensor that does not fit
        raise ConfigError(f"{source} cannot be resumed: {reason}") from error
    if state.best.step == trainer.steps_done != _step_of_best(source.parent):
        # killed between the two files of a checkpoint: the best model would be an older one
        _save_best(source.parent, tensors, metadata)
    return state


def _step_of_best(checkpoints: Path) -> int | None:
    """Step of the model in BEST_FILE; None if it cannot be read."""
    try:
        return int(load_checkpoint(checkpoints / BEST_FILE)[1]["best"]["step"])
    except (CheckpointError, LookupError, TypeError, ValueError):
        return None


def _begin_with(trainer: Trainer, place: str) -> None:
    read = read_model(place)
    _refuse_other_model(f"train.init {place}", read.config, trainer.model_config)
    try:
        trainer.begin_with(read.model, read.discriminator)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"train.init {place} does not fit: {reason}") from error


def _refuse_other_model(what: str, theirs: StyleModelConfig, ours: StyleModelConfig) -> None:
    if theirs != ours:
        raise ConfigError(
            f"{what} is a model of {theirs}; the configuration has {ours}: use the same, or begin "
            "from scratch with train.init=null"
        )
