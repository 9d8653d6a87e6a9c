"""Training by one process and by two on this machine: pictures a second, in turns.

    python benchmarks/ranks.py [key.sub=value …] [--steps N] [--rounds N]

All settings are the defaults, so that both train on the same batches of 8. One process has a thread
for each core; two have half of them each, and are connected by gloo. They share the same cores: two
processes can at best be as fast as one, and what they lose is the price of working together. In
every round each runs once, so that both meet the same load; the medians over all steps are printed,
and seconds of a small exchange between two processes, as `benchmarks/scaling.py` takes it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from step import make_batch, step_seconds
from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import load_config
from gan_style.device import keep_freed_memory, matrix_products
from gan_style.distributed import Ranks, connected
from gan_style.training.trainer import Trainer

WARMUP = 2  # steps that are not timed
EXCHANGES = 200
PROCESSES = (1, 2)


def work(settings: list[str], steps: int) -> None:
    """Train in this process, one of a job; the first one prints seconds as JSON."""
    keep_freed_memory()
    ranks, device = Ranks.of_environment(), torch.device("cpu")
    config = load_config(None, settings)
    share = make_batch(config, several=True).split(ranks.count)[ranks.rank]
    with connected(ranks, device, "nothing is lost"):
        trainer = Trainer(config, device, ranks)
        trainer.join()
        with matrix_products(trainer.precision):
            step_seconds(trainer, share, WARMUP)
            seconds = step_seconds(trainer, share, steps)
        began = time.perf_counter()
        for number in range(EXCHANGES):
            ranks.gathered(number)
        gathering = (time.perf_counter() - began) / EXCHANGES
    if ranks.first:
        print(json.dumps({"steps": seconds, "gathering": gathering}))


def run(count: int, settings: list[str], steps: int) -> dict[str, Any]:
    """What the first of so many processes measured."""
    threads = max(1, (os.cpu_count() or 1) // count)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    words = [*launch, f"--nproc-per-node={count}", __file__, *settings, "--worker"]
    done = subprocess.run(
        [*words, "--steps", str(steps)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def summary(batch: int, seconds: dict[int, list[float]]) -> str:
    """A table of the median steps of each number of processes."""
    usual = median(seconds[PROCESSES[0]])
    rows = [
        [str(count), f"{1e3 * middle:.0f} ms", f"{batch / middle:.1f}", f"{usual / middle:.0%}"]
        for count, middle in ((count, median(each)) for count, each in seconds.items())
    ]
    return table(("processes", "median step", "pictures/s", "of one process"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", nargs="*", metavar="key.sub=value", help="as for train.py")
    parser.add_argument("--steps", type=int, default=16, help="timed steps a round (16)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.settings, options.steps)
        return
    try:
        config = load_config(None, options.settings)
    except ValueError as error:
        sys.exit(f"error: {error}")
    seconds: dict[int, list[float]] = {count: [] for count in PROCESSES}
    gathering = []
    for _ in range(options.rounds):
        for count, each in seconds.items():
            measured = run(count, options.settings, options.steps)
            each += measured["steps"]
            if count == 2:
                gathering.append(measured["gathering"])
    print(summary(config.train.batch_size, seconds))
    print(f"\none exchange: {1e6 * median(gathering) / 2:.0f} µs")  # a size, then a value


if __name__ == "__main__":
    main()
