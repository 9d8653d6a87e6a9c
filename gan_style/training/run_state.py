"""Where a run stands: how it begins or is resumed, and what its checkpoints hold."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

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

logger = logging.getLogger(__name__)

_OPTIMIZERS = ("model_optimizer", "discriminator_optimizer")
_MOST = 2**53  # of anything that is counted
_UNFIT = (LookupError, TypeError, RuntimeError, ValueError, AttributeError, OverflowError)
_RENAMED = {"learnt": "learned"}  # in checkpoints of version 0.1


@dataclass
class RunState:
    """What a run keeps beside the trainer's state; checkpoints hold both.

    seconds: of training, without what is done before and after.
    best: checkpoint so far.
    before: quality of the model that the run began with; empty if it began from scratch.
    usual: squares that are usual for the collection; None if it began from scratch.
    tracker: the tracker's state at the checkpoint that was resumed from; None in a fresh run.
    saved: step of the last checkpoint in the run's own folder; -1 if there is none.
    """

    seconds: float = 0.0
    best: Best = field(default_factory=Best)
    before: Quality = field(default_factory=Quality)
    usual: int | None = None
    tracker: Mapping[str, Any] | None = None
    saved: int = -1


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
        state = _resume(trainer, source, usual)
        if source.parent.resolve() == Path(config.run.dir or "", CHECKPOINTS).resolve():
            state.saved = trainer.steps_done
        return state
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
        "threads": torch.get_num_threads(),
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
        state = take_over(trainer, tensors, metadata, usual)
    except ConfigError as error:
        raise ConfigError(f"{source} cannot be resumed: {error}") from error
    _warn_of_threads(trainer, metadata.get("threads"))
    if state.best.step == trainer.steps_done != _step_of_best(source.parent):
        # killed between the two files of a checkpoint: the best model would be an older one
        _save_best(source.parent, tensors, metadata)
    return state


def _warn_of_threads(trainer: Trainer, threads: object) -> None:
    """Say if sums on the CPU are parted among another number of threads than they were."""
    now = torch.get_num_threads()
    if not trainer.config.train.deterministic or trainer.device.type != "cpu":
        return
    if threads is not None and threads != now:
        logger.warning(
            "the checkpoint is of a run with %s threads, and now there are %d: sums are rounded "
            "otherwise, so that the run does not go on bit for bit; OMP_NUM_THREADS=%s would",
            threads,
            now,
            threads,
        )


def take_over(
    trainer: Trainer, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any], usual: int | None
) -> RunState:
    """Take over what `save_state` saved.

    Args:
        trainer: a fresh one, which gets networks, averages and optimizers.
        tensors: of the checkpoint.
        metadata: of the checkpoint.
        usual: squares that are usual for the collection, if the checkpoint does not say it.

    Raises:
        ConfigError: something is missing, does not fit or is nothing that `save_state` saves.
    """
    try:
        saved = unflatten_state(tensors, metadata["state"])
        for name in _OPTIMIZERS:
            _take_own_options(saved[name], getattr(trainer, name))
        trainer.load_state_dict(saved)
        for name in _OPTIMIZERS:
            _refuse_misfits(getattr(trainer, name))
        state = RunState(
            seconds=float(metadata["seconds"]),
            best=Best(**metadata["best"]),
            before=Quality(**{_RENAMED.get(k, k): v for k, v in metadata["before"].items()}),
            usual=metadata.get("usual", usual),
            tracker=metadata["tracker"],
        )
        _refuse_impossible(trainer, state)
    except _UNFIT as error:
        reason = str(error).partition("\n")[0]  # torch lists every tensor that does not fit
        raise ConfigError(reason or type(error).__name__) from error
    return state


def _take_own_options(saved: dict[str, Any], optimizer: Optimizer) -> None:
    """Rates and decay are those of this run, which may be others than the saved one had."""
    own = optimizer.state_dict()["param_groups"]
    saved["param_groups"] = [
        ours | {"params": theirs["params"]}
        for theirs, ours in zip(saved["param_groups"], own, strict=True)
    ]


def _refuse_misfits(optimizer: Optimizer) -> None:
    for parameter, kept in optimizer.state.items():
        for name, values in kept.items():
            expected = torch.Size(()) if name == "step" else parameter.shape
            if values.shape != expected:
                raise ValueError(f"{name} of its optimizers is {tuple(values.shape)}")


def _refuse_impossible(trainer: Trainer, state: RunState) -> None:
    best = state.best
    numbers = (trainer.images_seen, trainer.steps_done, best.step, best.later)
    if not all(isinstance(each, int) and 0 <= each < _MOST for each in numbers):
        raise ValueError("it says it has seen a number of images or steps that none can")
    if not 0 <= state.seconds < _MOST:
        raise ValueError(f"it says it was trained for {state.seconds} seconds")
    if state.usual is not None and not (isinstance(state.usual, int) and 0 < state.usual < _MOST):
        raise ValueError("the number of squares that are usual is none")
    terms = [best.score, best.lowest]
    for each in (best.terms, state.before.learned, state.before.held_out):
        terms += each.values()
    if not all(isinstance(each, int | float) for each in terms):
        raise ValueError("one of its errors is no number")
    for each in dict(state.tracker or {}).values():
        counted = (each.get("step", 0), each.get("lines", 0))
        if not all(isinstance(n, int) for n in counted) or not isinstance(each.get("id", ""), str):
            raise ValueError("the state of its log is none")


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
