"""How much space a run is going to take in its folder, known before it begins."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from gan_style.checkpoint import CHECKPOINTS, flatten_state
from gan_style.config import Config
from gan_style.disk_space import require_space
from gan_style.models.style_model import MODEL_FILE
from gan_style.training.tracking import wandb_mode
from gan_style.training.trainer import Trainer

_MOMENTS = 2  # numbers that Adam keeps of each parameter, from the first step on
_REST = 5e6  # bytes of samples, log and style codes, of a usual run


def require_space_for_run(config: Config, trainer: Trainer) -> None:
    """Raise ConfigError if the disk has less room than a run is going to take, about.

    Checkpoints are what takes it: those that are kept, one more while it is written, and the best.

    Args:
        config: of the run; what a resumed run has in its folder already is replaced.
        trainer: a fresh one, before its first step.
    """
    folder = Path(config.run.dir or "")
    whole = _size(flatten_state(trainer.state_dict())[0].values())
    for optimizer in (trainer.model_optimizer, trainer.discriminator_optimizer):
        for group in optimizer.param_groups:
            whole += _MOMENTS * _size(group["params"])
    average = _size(trainer.average.state_dict().values())
    models = 1 if wandb_mode(config.tracking) == "off" else 2  # W&B keeps a copy
    needed = (config.run.keep + 1) * whole + 2 * average + models * average / 2 + _REST
    there = [*(folder / CHECKPOINTS).glob("*.safetensors"), *folder.glob(MODEL_FILE)]
    needed -= sum(path.stat().st_size for path in there)
    require_space(folder, needed, "run.dir", f"{config.run.keep} checkpoints and the results are")


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
