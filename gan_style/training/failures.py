"""What breaks a run from outside, said in one line with what to change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gan_style.config import Config
from gan_style.errors import ConfigError, RunError
from gan_style.memory import is_of_memory


@contextmanager
def named_failures(config: Config) -> Iterator[None]:
    """Name what a want of memory, the end of a worker, or `train.deterministic` has to do with it.

    Args:
        config: of the run; the options that take less memory are named with their values.

    Raises:
        RunError: memory ran out, or a process that decodes pictures was ended; instead of what was
            raised in the block.
        ConfigError: with `train.deterministic`, an operation that the device cannot repeat.
    """
    train, data = config.train, config.data
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if train.deterministic and "use_deterministic_algorithms" in str(error):
            operation = str(error).partition(" ")[0]
            raise ConfigError(
                f"train.deterministic is true, and PyTorch {torch.__version__} cannot repeat "
                f"{operation} on this device; allowed: false, or train.device=cpu"
            ) from error
        if is_of_memory(error):
            raise RunError(
                f"memory ran out while training on {train.device}; a higher train.accumulate "
                f"(now {train.accumulate}) takes less, and so does a lower train.batch_size "
                f"({train.batch_size}), data.crop ({data.crop}) or data.memory_gb "
                f"({data.memory_gb:g}). Checkpoints are whole: train.resume=true goes on"
            ) from error
        if "DataLoader worker" in str(error):
            raise RunError(
                f"a process that decodes pictures was ended from outside, often for want of "
                f"memory: fewer data.workers ({data.workers}) take less. Checkpoints are whole: "
                "train.resume=true goes on"
            ) from error
        raise
