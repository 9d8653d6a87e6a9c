"""The story of a training run: where it is, how it begins, what it trains on, how it ends."""

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote

import torch

from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.config import Config, config_to_dict
from gan_style.data.training_data import TrainingData
from gan_style.device import (
    choose_device,
    choose_precision,
    deterministic,
    keep_freed_memory,
    matrix_products,
)
from gan_style.disk_space import require_writable
from gan_style.distributed import Ranks, connected, first_reports
from gan_style.errors import ConfigError
from gan_style.training.failures import named_failures, named_write_failures
from gan_style.training.loop import TrainingLoop
from gan_style.training.results import write_results
from gan_style.training.run_dir import (
    clear_run_folder,
    describe_run,
    make_run_folder,
    resume_source,
    run_folder,
)
from gan_style.training.run_lock import RunLock
from gan_style.training.run_state import RunState, begin
from gan_style.training.space import require_space_for_run
from gan_style.training.tracking import Trackers, build_tracker
from gan_style.training.trainer import Trainer

logger = logging.getLogger(__name__)


def train(config: Config) -> Path:
    """Train as the configuration says.

    Under torchrun the processes train together: each has its share of every batch, and the first
    one alone writes, tracks and reports.

    Returns:
        The run folder, with config.yaml, environment.txt, log.jsonl, samples/ and checkpoints/;
        after a run that was not stopped by a signal also model.safetensors, styles/ and report.txt.

    Raises:
        GanStyleError: (of many kinds) options, pictures or a checkpoint that cannot be used, before
            any training.
        NonFiniteLossError: training diverged; the last checkpoint is whole.
        DistributedError: another process ended; the last checkpoint is whole.
        RunError: memory ran out, or a file cannot be written; the last checkpoint is whole.
    """
    keep_freed_memory()
    ranks = Ranks.of_environment()
    _refuse_uneven(config, ranks)
    device = choose_device(ranks.device(config.train.device))
    with connected(ranks, device, "the last checkpoint is whole"), first_reports(ranks):
        return _train(config, device, ranks)


def _train(config: Config, device: torch.device, ranks: Ranks) -> Path:
    source, folder = ranks.by_first(partial(_source_and_folder, config, ranks))
    config = replace(config, run=replace(config.run, dir=str(folder)))
    precision = choose_precision(config.train.precision, device)
    lock = RunLock(folder) if ranks.first else nullcontext()
    with lock as held, named_failures(config), matrix_products(precision):
        with _repeatable(config, device):
            data = TrainingData(config.data, config.train.batch_size, config.train.seed, ranks)
            trainer = Trainer(config, device, ranks)
            state = ranks.by_first(partial(_begin, config, trainer, data, source))
            trainer.join()
            if held is None:  # not the first process
                TrainingLoop(folder, data, trainer, state, Trackers([])).fit()
                return folder
            make_run_folder(folder)
            held.take()
            if _source_and_folder(config, ranks) != (source, folder):
                raise ConfigError(
                    f"run.dir {folder} was trained in meanwhile; give the command again"
                )
            clear_run_folder(folder)
            describe_run(folder, config, trainer.device, trainer.precision)
            name, described = config.run.name or folder.name, config_to_dict(config)
            tracker = build_tracker(config.tracking, name, folder, described, state.tracker)
            loop = TrainingLoop(folder, data, trainer, state, tracker)
            with named_write_failures(config):
                _announce(loop)
                stopped = loop.fit()
        with named_write_failures(config):
            _end(loop, stopped)
    return folder


def _begin(config: Config, trainer: Trainer, data: TrainingData, source: Path | None) -> RunState:
    require_space_for_run(config, trainer)
    return begin(config, trainer, data, source)


def _repeatable(config: Config, device: torch.device) -> AbstractContextManager[None]:
    """The context of training; what is reported afterwards takes operations that have no other."""
    return deterministic(device) if config.train.deterministic else nullcontext()


def _end(loop: TrainingLoop, stopped: bool) -> None:
    """Write the results; or say how a run that a signal has stopped goes on."""
    if stopped:
        loop.tracker.close(ok=False)
        logger.info(
            "stopped after %d images; go on with\n  %s train %s train.resume=true",
            loop.trainer.images_seen,
            loop.trainer.ranks.command,
            quote(str(loop.folder / "config.yaml")),
        )
    else:
        write_results(loop)


def _source_and_folder(config: Config, ranks: Ranks) -> tuple[Path | None, Path]:
    """What the run is resumed from, and its folder; torchrun's restarts go on by themselves.

    Raises:
        ConfigError: there is no such checkpoint, or the folder is another run's or read-only.
    """
    if ranks.restarts and config.run.dir is not None:
        newest = newest_checkpoint(Path(config.run.dir) / CHECKPOINTS)
        if newest is not None:
            return newest, Path(config.run.dir)
    source = resume_source(config)
    folder = run_folder(config, source)
    require_writable(folder, "run.dir")
    return source, folder


def _refuse_uneven(config: Config, ranks: Ranks) -> None:
    train, parts = config.train, ranks.count * config.train.accumulate
    if train.batch_size % parts:
        raise ConfigError(
            f"train.batch_size is {train.batch_size} for {ranks.count} processes with "
            f"train.accumulate={train.accumulate}; it must be a multiple of {parts}"
        )
    if ranks.may_restart and config.run.dir is None:
        raise ConfigError(
            "torchrun --max-restarts needs run.dir=FOLDER, or a restart would not find the run"
        )


def _announce(loop: TrainingLoop) -> None:
    data, trainer = loop.data, loop.trainer
    count = len(data.styles)
    logger.info(
        "learning %d style%s with %d photos on %s (%s), until %s; %d pictures of the style are "
        "held out to choose the best checkpoint; run folder %s",
        count,
        "" if count == 1 else "s",
        data.content_count,
        trainer.device.type,
        trainer.precision,
        loop.limits,
        data.held_out_count,
        loop.folder,
    )
    data.warn_of_few_pictures()
    if loop.progress() >= 1:
        logger.warning("the run is at its end already (%s)", loop.limits)
