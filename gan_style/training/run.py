"""The story of a training run: where it is, how it begins, what it trains on, how it ends."""

import logging
from dataclasses import replace
from pathlib import Path
from shlex import quote

from gan_style.config import Config, config_to_dict
from gan_style.data.training_data import TrainingData
from gan_style.device import choose_device, choose_precision, keep_freed_memory, matrix_products
from gan_style.training.failures import named_failures
from gan_style.training.loop import TrainingLoop
from gan_style.training.results import write_results
from gan_style.training.run_dir import describe_run, make_run_folder, resume_source, run_folder
from gan_style.training.run_lock import RunLock
from gan_style.training.run_state import begin
from gan_style.training.tracking import build_tracker
from gan_style.training.trainer import Trainer

logger = logging.getLogger(__name__)


def train(config: Config) -> Path:
    """Train as the configuration says.

    Returns:
        The run folder, with config.yaml, environment.txt, log.jsonl, samples/ and checkpoints/;
        after a run that was not stopped by a signal also model.safetensors, styles/ and report.txt.

    Raises:
        GanStyleError: (of many kinds) options, pictures or a checkpoint that cannot be used, before
            any training.
        NonFiniteLossError: training diverged; the last checkpoint is whole.
    """
    keep_freed_memory()
    device = choose_device(config.train.device)
    source = resume_source(config)
    folder = run_folder(config, source)
    config = replace(config, run=replace(config.run, dir=str(folder)))
    precision = choose_precision(config.train.precision, device)
    with RunLock(folder) as lock, named_failures(config), matrix_products(precision):
        data = TrainingData(config.data, config.train.batch_size, config.train.seed)
        trainer = Trainer(config, device)
        state = begin(config, trainer, data, source)
        make_run_folder(folder)
        lock.take()
        describe_run(folder, config, trainer.device, trainer.precision)
        name, described = config.run.name or folder.name, config_to_dict(config)
        tracker = build_tracker(config.tracking, name, folder, described, state.tracker)
        _work(TrainingLoop(folder, data, trainer, state, tracker))
    return folder


def _work(loop: TrainingLoop) -> None:
    """Train until the end, and write the results; or until a signal comes."""
    _announce(loop)
    if loop.fit():
        loop.tracker.close(ok=False)
        logger.info(
            "stopped after %d images; go on with\n  gan-style train %s train.resume=true",
            loop.trainer.images_seen,
            quote(str(loop.folder / "config.yaml")),
        )
    else:
        write_results(loop)


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
