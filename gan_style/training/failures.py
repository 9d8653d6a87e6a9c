"""What breaks a run from outside, said in one line with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from gan_style.checkpoint import CHECKPOINTS
from gan_style.config import Config
from gan_style.errors import CheckpointError, ConfigError, PictureError, RunError
from gan_style.files import told
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
                f"({data.memory_gb:g}). {_way_on(config)}"
            ) from error
        if "DataLoader worker" in str(error):
            raise RunError(
                f"a process that decodes pictures was ended from outside, often for want of "
                f"memory: fewer data.workers ({data.workers}) take less. {_way_on(config)}"
            ) from error
        raise


@contextmanager
def named_write_failures(config: Config) -> Iterator[None]:
    """Turn a file that cannot be written, such as on a full disk, into a RunError.

    Args:
        config: of the run, with its folder.

    Raises:
        RunError: instead of what was raised in the block; it names the file.
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {told(error)}. {_way_on(config)}") from error
    except (CheckpointError, PictureError) as error:
        raise RunError(f"{error}. {_way_on(config)}") from error


def _way_on(config: Config) -> str:
    """How to go on with a run that broke."""
    if any(Path(config.run.dir or "", CHECKPOINTS).glob("[!.]*")):
        return "Checkpoints are whole: train.resume=true goes on"
    return "There is no checkpoint yet: the same command begins anew"
