"""What `train.deterministic` costs: steps with it and without take turns.

    python benchmarks/deterministic.py [key.sub=value …] [--rounds N]

The defaults are the project's (batch 8, 128 px, `small`, `compact`, all losses) on random pictures.
"""

import argparse
import sys
from pathlib import Path

import torch
from step import make_batch
from timing import interleaved, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import load_config
from gan_style.device import choose_device, deterministic, keep_freed_memory, matrix_products
from gan_style.training.trainer import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")
    parser.add_argument("--rounds", type=int, default=16)
    options = parser.parse_args()
    keep_freed_memory()
    config = load_config(None, options.overrides)
    device = choose_device(config.train.device)
    with deterministic(device):  # a GPU's variable has to be set before it is used
        trainer = Trainer(config, device)
    batch = make_batch(config, several=True)

    def step() -> None:
        trainer.step(batch, 0.0)
        if device.type == "cuda":
            torch.cuda.synchronize()

    def repeatable_step() -> None:
        with deterministic(device):
            step()

    parts = {"train.deterministic=false": step, "train.deterministic=true": repeatable_step}
    with matrix_products(trainer.precision):
        seconds = interleaved(parts, options.rounds)
    where = f"{device.type}, {torch.get_num_threads()} threads, {trainer.precision}"
    rows = [[name, f"{1e3 * value:.0f} ms"] for name, value in seconds.items()]
    print(table((where, "median step"), rows))


if __name__ == "__main__":
    main()
