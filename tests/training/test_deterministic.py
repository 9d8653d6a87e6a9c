"""`train.deterministic`: the same bits each time, and PyTorch's own settings afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gan_style.config import load_config
from gan_style.data.training_data import TrainingData
from gan_style.errors import ConfigError
from gan_style.models import layers, resizing
from gan_style.models.padding import ChannelsLastReflection
from gan_style.training import run
from gan_style.training.trainer import Trainer

REPEATED = ["train.deterministic=true", "train.steps=2"]
CLOCKS = {"images_per_second", "minutes", "memory_gb"}
REFUSED = {  # by CUDA where deterministic algorithms are wanted (PyTorch's documentation)
    "_adaptive_avg_pool2d_backward",
    "_ctc_loss_backward",
    "_upsample_bicubic2d_aa_backward",
    "_upsample_bilinear2d_aa_backward",
    "adaptive_max_pool2d_backward",
    "bincount",
    "fractional_max_pool2d_backward",
    "grid_sampler_2d_backward",
    "histc",
    "kthvalue",
    "max_unpool2d",
    "median.dim",
    "nll_loss_forward",
    "put",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "scatter_reduce",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
}
EVERY_LOSS = [
    *("losses.sliced=1", "losses.steadiness=1", "losses.descriptor=1", "losses.lattice=1"),
    *("losses.reconstruction=1", "data.destylized=0.5", "data.recolor=0.5", "data.zoomed=0.5"),
    *("data.flattened=0.01", "data.noisy=0.5", "train.batch_size=4"),
]


def state() -> tuple[bool, ...]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        torch.backends.mkldnn.deterministic,
    )


def logged(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in CLOCKS} for line in lines]


ONLY_TRAIN = """
import sys
from gan_style.config import load_config
from gan_style.training import run
run.write_results = lambda loop: None  # takes longer than the steps
run.train(load_config(None, sys.argv[1:]))
"""


@pytest.mark.long
def test_two_processes_train_the_same_bits(tiny: list[str], tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    command = [sys.executable, "-c", ONLY_TRAIN, *tiny, *REPEATED]
    threads = os.environ | {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
    trained = [subprocess.Popen([*command, f"run.dir={f}"], env=threads) for f in folders]
    assert [process.wait() for process in trained] == [0, 0]
    first, second = folders
    assert len(logged(first)) >= 2
    assert logged(first) == logged(second)
    checkpoint = "checkpoints/step-00000002.safetensors"
    one, other = (load_file(folder / checkpoint) for folder in folders)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_it_is_on_in_every_step_and_off_afterwards(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seen, step = state(), [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *given: [seen.append(state()), step(*given)][1])
    monkeypatch.setattr(run, "write_results", lambda loop: seen.append(state()))
    run.train(load_config(None, [*tiny, *REPEATED, f"run.dir={tmp_path / 'run'}"]))
    assert seen == [(True, False, True, False, True)] * 2 + [before]
    assert state() == before


def test_an_operation_that_cannot_be_repeated_is_named(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*given: object) -> Tensor:
        return torch.zeros(2).put_(torch.tensor([0]), torch.ones(1))  # refused on the CPU, too

    before = state()
    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(
        ConfigError, match=r"^train\.deterministic is true, and PyTorch .* cannot repeat put_ on"
    ) as caught:
        run.train(load_config(None, [*tiny, *REPEATED, f"run.dir={tmp_path / 'run'}"]))
    assert "\n" not in str(caught.value)
    assert state() == before


def test_a_run_that_follows_the_clock_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"train\.deterministic is true and train\.minutes is 5;"):
        load_config(None, ["train.deterministic=true"])
    assert load_config(None, ["train.deterministic=true", "train.minutes=null"])


class Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet, _, overload = str(func).removeprefix("aten.").partition(".")
        self.seen |= {packet, f"{packet}.{overload}"}
        return func(*args, **(kwargs or {}))


def refused_in_a_step(tiny: list[str]) -> set[str]:
    config = load_config(None, [*tiny, *EVERY_LOSS])
    data = TrainingData(config.data, config.train.batch_size, config.train.seed)
    trainer = Trainer(config, torch.device("cpu"))
    with Recorder() as recorder:
        batches = [data.batch(number) for number in range(2)]
        for batch in batches:
            trainer.step(batch, 0.0)
        trainer.evaluate(batches[0])
    assert any(batch.destylized for batch in batches)
    assert "convolution_backward" in recorder.seen
    return recorder.seen & REFUSED


def test_no_step_has_an_operation_that_a_gpu_cannot_repeat(
    tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # there is no GPU here: the operations of a step on the CPU, with those that a GPU has in place
    # of others
    assert refused_in_a_step(tiny) == {
        "_upsample_bicubic2d_aa_backward",
        "upsample_bilinear2d_backward",
        "reflection_pad2d_backward",
    }
    monkeypatch.setattr(resizing, "_in_fixed_order", lambda maps: True)
    monkeypatch.setattr(layers, "reflection_pad", ChannelsLastReflection.apply)
    assert refused_in_a_step(tiny) == set()


def test_another_number_of_threads_is_told_when_a_run_is_resumed(
    tiny: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "write_results", lambda loop: None)
    folder, threads = tmp_path / "run", torch.get_num_threads()
    run.train(load_config(None, [*tiny, *REPEATED, f"run.dir={folder}"]))
    resumed = [*tiny, *REPEATED, f"run.dir={folder}", "train.resume=true"]
    run.train(load_config(None, resumed))
    assert "OMP_NUM_THREADS" not in caplog.text
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    run.train(load_config(None, resumed))
    assert f"OMP_NUM_THREADS={threads}" in caplog.text
