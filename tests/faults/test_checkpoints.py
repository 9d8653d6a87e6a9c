"""Checkpoints with something in them that no run saves."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gan_style.checkpoint import CHECKPOINTS, load_checkpoint, newest_checkpoint
from gan_style.config import load_config
from gan_style.errors import ConfigError
from gan_style.training import run_state
from gan_style.training.run_state import take_over
from gan_style.training.trainer import Trainer


@pytest.fixture(scope="module")
def saved(tiny: list[str], tiny_run: Path) -> tuple[Trainer, Any, Any]:
    newest = newest_checkpoint(tiny_run / CHECKPOINTS)
    assert newest is not None
    trainer = Trainer(load_config(None, tiny), torch.device("cpu"))
    return trainer, *load_checkpoint(newest)


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": float("nan")},
        {"seconds": -1},
        {"best": {"step": -1}},
        {"best": {"score": "low"}},
        {"best": {"terms": {"score": []}}},
        {"before": []},
        {"usual": "many"},
        {"tracker": {"log": 5}},
        {"tracker": {"wandb": {"id": ["x"]}}},
        {"state": 5},
        {"state": {"dict": []}},
    ],
)
def test_what_no_checkpoint_says_is_refused(saved: Any, changes: dict[str, Any]) -> None:
    trainer, tensors, metadata = saved
    with pytest.raises(ConfigError):
        take_over(trainer, tensors, metadata | changes, None)


def test_a_state_with_other_numbers_in_it_is_refused(saved: Any, monkeypatch: Any) -> None:
    trainer, tensors, metadata = saved
    unflatten = run_state.unflatten_state

    def altered(change: Any) -> None:
        def changed(*given: Any) -> Any:
            state = unflatten(*given)
            change(state)
            return state

        monkeypatch.setattr(run_state, "unflatten_state", changed)
        with pytest.raises(ConfigError):
            take_over(trainer, tensors, metadata, None)

    altered(lambda state: state.update(images_seen=-8))
    altered(lambda state: state.update(steps_done=float("inf")))
    altered(lambda state: state["model_optimizer"]["param_groups"][0].update(params=[0]))
    altered(lambda state: state["model_optimizer"]["state"][0].update(exp_avg=torch.zeros(3)))
    monkeypatch.setattr(run_state, "unflatten_state", unflatten)
    take_over(trainer, tensors, metadata, None)
    assert trainer.model_optimizer.param_groups[0]["betas"] == (0.5, 0.99)
